"""The results of a job, as the job page and other programs read them. The kind of the job declares them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..catalogue import item_problems
from ..formatting import item_count
from ..i18n import gettext as _
from ..models.jobs import Job
from . import job_presentation

PROBLEM = ("id", "handle", "title", "reason", "technical_details")


def as_dict(job: Job, *, with_restricted: bool = True) -> dict[str, Any]:
    """Return the job as `--json` prints it. `with_restricted`: see `problems`."""
    return (job.definition.as_dict or with_counts)(job, with_restricted)


def with_numbers(job: Job, numbers: Mapping[str, Any], with_restricted: bool) -> dict[str, Any]:
    """Return the usual form of `as_dict` with the numbers of a kind of jobs."""
    found = problems(job, with_restricted=with_restricted)
    return {
        "job": job.id,
        "kind": job.kind,
        "state": job.state,
        "clean": bool(job.clean),
        "expected": job.expected,
        **numbers,
        "seconds": round(job.seconds, 3),
        "problems": [{name: problem[name] for name in PROBLEM} for problem in found],
        "message": job.message,
        **({"question": job.question} if job.asks else {}),
        **({"wait": _wait(job)} if job.wait_reason else {}),
    }


def with_counts(job: Job, with_restricted: bool) -> dict[str, Any]:
    """Return a job with its counts as `--json` prints it."""
    kind = job.definition
    numbers = {name: job.counts[name] for name in kind.counters if name not in kind.unreported}
    return with_numbers(job, numbers | ({"undoes": job.undoes_id} if job.undoes_id else {}), with_restricted)


def _wait(job: Job) -> dict[str, Any]:
    since = f"{job.wait_since.isoformat(timespec='seconds')}Z" if job.wait_since else None
    return {"reason": job.wait_reason, "since": since, "detail": job.wait_detail}


def problems(job: Job, limit: int | None = None, *, with_restricted: bool = True) -> Iterator[dict[str, Any]]:
    """Yield the problems of a job, item by item: {id, handle, title, reason, technical_details, item_id}.

    `limit`: how many are read at most. `with_restricted`: include restricted names, and technical details, since these
    may have addresses of restricted objects.
    """
    for problem in (job.definition.problems or item_problems.of_job)(job, limit, with_restricted):
        yield problem if with_restricted else problem | {"technical_details": []}


def line(job: Job, label: str) -> str:
    """Return the job as one line. `label`: the label of its source for the reader (see `source_label`)."""
    counts = job_presentation.counts_in_words(job)
    if not job.is_undo:
        counts = _("%(items)s: %(counts)s", items=item_count(job.done), counts=counts)
    return _(
        "Job %(id)s: %(heading)s. %(status)s. %(counts)s. %(message)s",
        id=job.id,
        heading=job_presentation.heading(job, label),
        status=job_presentation.status(job),
        counts=counts,
        message=job.message,
    ).rstrip()
