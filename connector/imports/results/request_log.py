"""The request log of a job, in plain words: its requests, errors and results.

It is meant to be forwarded to the administrator of the repository.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import current_app

from ...catalogue.source_labels import source_label
from ...formatting import duration
from ...i18n import decimal, gettext as _, lazy_gettext as _l, ngettext
from ...jobs import report
from ...models.jobs import Job
from ...text import human_size
from ...version import PRODUCT, __version__
from .missing_questions import Answer, Unlisted, answer_of, from_json

ANSWERS = {
    None: _l("There is no answer yet."),
    Answer.MARK: _l("The answer: they are."),
    Answer.LEAVE: _l("The answer: no, leave them as they are."),
}
YES_OR_NO = {Answer.MARK: _l("The answer: yes."), Answer.LEAVE: _l("The answer: no.")}
SETTLED = _l("A later job has settled this.")
# The failures that `http.stats` counts.
FAILURES = {
    "bot wall": _l("bot challenge"),
    "timed out": _l("timed out"),
    "unknown host": _l("unknown host"),
    "bad answer": _l("unreadable response"),
    "no connection": _l("no connection"),
    "cut short": _l("incomplete response"),
}
QUESTIONS = {
    "private": _l("all items that an administrator may see (configuration=administrativeView)"),
    "changes": _l("which items were indexed since a time (SolrIndexer.lastIndexed)"),
    "part": _l("the items whose uuid begins with some digits (search.resourceid)"),
    "ids": _l("items by their uuids (search.resourceid)"),
    "handles": _l("items by their handles (handle)"),
    "modified": _l("the items that changed in a period (lastModified)"),
    "oai": _l("all items over OAI-PMH"),
    "access": _l("who may read the files of an item (accessStatus)"),
}


def text(job: Job, contact: str, *, with_restricted: bool = True) -> str:
    """Return the request log of a job, one paragraph for each part.

    `contact`: the contact address from the User-Agent header, or "". `with_restricted`: see `source_label`.
    """
    label = source_label(job.source, with_restricted=with_restricted)
    head, result = _head(job, label, contact), [report.line(job, label)]
    parts = (head, _request_lines(job), _failures(job), _unanswered(job), _notes(job), _question(job), result)
    return "\n\n".join(filter(None, map("\n".join, parts))) + "\n"


def _head(job: Job, label: str, contact: str) -> Iterator[str]:
    repository = job.source.repository
    if job.is_undo:
        what = _("Undo of job %(job)s", job=job.undoes_id)
    else:
        what = job.definition.heading % {"source": f"“{label}”"}
    yield _("%(what)s, job %(id)s", what=what, id=job.id)
    yield _(
        "Repository: %(name)s, %(address)s (%(found)s)",
        name=repository.label,
        address=repository.site_url,
        found=repository.found,
    )
    yield _("Client: %(client)s", client=", ".join(filter(None, (f"{PRODUCT} {__version__}", contact))))
    started, ended = _moment(job.started_at), _moment(job.ended_at)
    yield _(
        "Started: %(started)s. Ended: %(ended)s. Working time: %(seconds)s.",
        started=started,
        ended=ended,
        seconds=duration(job.seconds),
    )


def _request_lines(job: Job) -> Iterator[str]:
    if not job.counts["requests"]:
        yield _("No requests were sent to the repository.")
        return
    traffic = job.traffic
    yield _("Requests: %(count)s, including those for connecting.", count=decimal(job.counts["requests"])) + (
        " " + _("Received: %(size)s.", size=human_size(round(traffic["bytes"]))) if traffic else ""
    )
    if traffic and traffic["answers"]:
        worst = traffic["worst"]
        yield _(
            "Response time: %(average)s s on average, %(most)s s at most (%(path)s).",
            average=decimal(traffic["seconds"] / traffic["answers"], 2),
            most=decimal(worst["seconds"], 2),
            path=worst["path"],
        )


def _failures(job: Job) -> Iterator[str]:
    traffic = job.traffic or {}
    if not traffic.get("troubles"):
        if job.counts["requests"]:
            yield _("The repository answered all requests.")
        return
    yield _("Failed requests:")
    yield from (_failure_line(kind, data) for kind, data in sorted(traffic["troubles"].items()))
    waits = {"waits": _times(traffic["waits"]), "duration": duration(traffic["seconds_waited"])}
    if not traffic["halvings"]:
        yield _("The app waited %(waits)s, %(duration)s in total.", **waits)
    else:
        yield _(
            "The app waited %(waits)s, %(duration)s in total, and halved the number of requests at a time "
            "%(halvings)s.",
            **waits,
            halvings=_times(traffic["halvings"]),
        )


def _failure_line(kind: str, data: Mapping[str, Any]) -> str:
    what = _("status %(status)s", status=kind) if kind.isdigit() else FAILURES.get(kind, kind)
    first, last = (_moment(datetime.fromisoformat(data[name])) for name in ("first", "last"))
    values = {"what": what, "times": _times(data["count"]), "first": first, "last": last}
    if first == last:
        return _("- %(what)s: %(times)s, at %(first)s", **values)
    return _("- %(what)s: %(times)s, between %(first)s and %(last)s", **values)


def _unanswered(job: Job) -> Iterator[str]:
    questions = (job.traffic or {}).get("unanswered", ())
    if questions:
        yield _("The repository does not support these queries, so the job did not use them:")
        yield from (f"- {QUESTIONS.get(question, question)}" for question in questions)


def _notes(job: Job) -> Iterator[str]:
    yield from (job.traffic or {}).get("notes", ())


def _question(job: Job) -> Iterator[str]:
    """Yield the question that a person was asked about missing items, and the answer."""
    if not job.question or not job.is_import:
        return
    question, answer = from_json(job.question), answer_of(job)
    if isinstance(question, Unlisted):
        yield ngettext(
            "The source counts %(num)s item and lists none, so a person was asked whether that is right. %(answer)s",
            "The source counts %(num)s items and lists none, so a person was asked whether that is right. %(answer)s",
            question.items,
            answer=SETTLED if job.is_question_closed else (ANSWERS | YES_OR_NO)[answer],
        )
    else:
        yield _(
            "The lists did not show %(unseen)s of the %(held)s items that are held, so a person was asked whether they "
            "are really gone. %(answer)s",
            unseen=decimal(question.unseen),
            held=decimal(question.held),
            answer=SETTLED if job.is_question_closed else ANSWERS[answer],
        )


def _times(number: float) -> str:
    return ngettext("once", "%(num)s times", round(number))


def _moment(moment: datetime | None) -> str:
    """Return a UTC time (without offset) in the configured time zone: "2026-11-24 14:05:09 CET"."""
    if moment is None:
        return _("not yet")
    return f"{moment.replace(tzinfo=UTC).astimezone(current_app.config['TIMEZONE']):%Y-%m-%d %H:%M:%S %Z}"
