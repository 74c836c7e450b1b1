"""The request log of a job, in plain words: its requests, errors and results.

It is meant to be forwarded to the administrator of the repository.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import current_app

from ..catalogue.source_labels import source_label
from ..formatting import duration
from ..jobs import report
from ..models.jobs import Job
from ..text import human_size
from ..version import PRODUCT, __version__
from .questions import Answer, Unlisted, answer_from_json, from_json

ANSWERS = {
    None: "There is no answer yet.",
    Answer.MARK: "The answer: they are.",
    Answer.LEAVE: "The answer: no, leave them as they are.",
}
YES_OR_NO = {Answer.MARK: "The answer: yes.", Answer.LEAVE: "The answer: no."}
SETTLED = "A later import has settled this."
QUESTIONS = {
    "private": "all items that an administrator may see (configuration=administrativeView)",
    "changes": "which items were indexed since a time (SolrIndexer.lastIndexed)",
    "part": "the items whose uuid begins with some digits (search.resourceid)",
    "ids": "items by their uuids (search.resourceid)",
    "access": "who may read the files of an item (accessStatus)",
}


def text(job: Job, contact: str, *, with_restricted: bool = True) -> str:
    """Return the request log of a job, one paragraph for each part.

    `contact`: the contact address from the User-Agent header, or "". `with_restricted`: see `source_label`.
    """
    label = source_label(job.source, with_restricted=with_restricted)
    head, result = _head(job, label, contact), [report.line(job, label)]
    parts = (head, _asked(job), _troubles(job), _unanswered(job), _question(job), result)
    return "\n\n".join(filter(None, map("\n".join, parts))) + "\n"


def _head(job: Job, label: str, contact: str) -> Iterator[str]:
    repository = job.source.repository
    what = f"Undo of import {job.undoes_id}" if job.is_undo else f"{job.definition.title} of “{label}”"
    yield f"{what}, job {job.id}"
    yield f"Repository: {repository.label}, {repository.site_url} (DSpace {repository.version})"
    yield f"Client: {PRODUCT} {__version__}" + (f", {contact}" if contact else "")
    started, ended = _moment(job.started_at), _moment(job.ended_at)
    yield f"Started: {started}. Ended: {ended}. Working time: {duration(job.seconds)}."


def _asked(job: Job) -> Iterator[str]:
    if not job.counts["requests"]:
        yield "No requests were sent to the repository."
        return
    traffic = job.traffic
    received = f" Received: {human_size(round(traffic['bytes']))}." if traffic else ""
    yield f"Requests: {job.counts['requests']:,}, including those for connecting.{received}"
    if traffic and traffic["answers"]:
        worst = traffic["worst"]
        yield (
            f"Response time: {traffic['seconds'] / traffic['answers']:.2f} s on average, "
            f"{worst['seconds']:.2f} s at most ({worst['path']})."
        )


def _troubles(job: Job) -> Iterator[str]:
    traffic = job.traffic or {}
    if not traffic.get("troubles"):
        yield "All requests succeeded."
        return
    yield "Failed requests:"
    yield from (_trouble(kind, told) for kind, told in sorted(traffic["troubles"].items()))
    done = [f"waited {_times(traffic['waits'])}, {duration(traffic['seconds_waited'])} in total"]
    if traffic["halvings"]:
        done.append(f"halved the number of requests at a time {_times(traffic['halvings'])}")
    yield f"The app {', and '.join(done)}."


def _trouble(kind: str, told: Mapping[str, Any]) -> str:
    what = f"status {kind}" if kind.isdigit() else kind
    first, last = (_moment(datetime.fromisoformat(told[name])) for name in ("first", "last"))
    when = f"at {first}" if first == last else f"between {first} and {last}"
    return f"- {what}: {_times(told['count'])}, {when}"


def _unanswered(job: Job) -> Iterator[str]:
    questions = (job.traffic or {}).get("unanswered", ())
    if questions:
        yield "The repository does not support these queries, so the job did not use them:"
        yield from (f"- {QUESTIONS.get(question, question)}" for question in questions)


def _question(job: Job) -> Iterator[str]:
    """Yield the question that a person was asked about missing items, and the answer."""
    if not job.question:
        return
    question, answer = from_json(job.question), answer_from_json(job.question)
    if isinstance(question, Unlisted):
        yes = SETTLED if job.is_settled else (ANSWERS | YES_OR_NO)[answer]
        counted = f"The source counts {question.items:,} items and lists none"
        yield f"{counted}, so a person was asked whether that is right. {yes}"
    else:
        gone = SETTLED if job.is_settled else ANSWERS[answer]
        missing = f"{question.unseen:,} of the {question.held:,} items that are held"
        yield f"The lists did not show {missing}, so a person was asked whether they are really gone. {gone}"


def _times(number: float) -> str:
    return "once" if number == 1 else f"{number:,.0f} times"


def _moment(moment: datetime | None) -> str:
    """Return a UTC time (without offset) in the configured time zone: "2026-11-24 14:05:09 CET"."""
    if moment is None:
        return "not yet"
    return f"{moment.replace(tzinfo=UTC).astimezone(current_app.config['TIMEZONE']):%Y-%m-%d %H:%M:%S %Z}"
