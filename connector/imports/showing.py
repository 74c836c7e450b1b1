"""A job in words and numbers, as the pages show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..catalogue.links import page_link
from ..catalogue.models import Fate
from ..catalogue.showing import FATES
from .models import AT_WORK, ImportJob, State

STATUS = {
    State.QUEUED: "Waiting for its turn",
    State.RUNNING: "Running",
    State.STOPPING: "Stopping",
    State.STOPPED: "Stopped",
    State.COMPLETED: "Completed",
    State.FAILED: "Failed",
}
SOON = 3.0  # seconds of work before a rate means anything


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `done` of `total` items (None: not known yet), `rate` in items a second, `left` in seconds."""

    done: int
    total: int | None
    rate: float | None
    left: float | None


def status(job: ImportJob) -> str:
    """Where the job stands, in words."""
    if job.is_import and job.is_undone:
        return "Undone"
    if job.asks:
        return "Waiting for your answer"
    if job.state == State.COMPLETED and job.clean is False:
        return "Completed with problems"
    return STATUS[State(job.state)]


def tone(job: ImportJob) -> str:
    """How the status is coloured: good, bad, live or quiet."""
    if job.is_active:
        return "live"
    if job.state == State.FAILED or job.asks or job.clean is False:
        return "bad"
    return "good" if job.state == State.COMPLETED and not job.undo_began else "quiet"


def progress(job: ImportJob) -> Progress:
    """How far the job is. The rate is that of all its work until now; what is hidden at the source is not expected."""
    if not job.is_import:
        return Progress(job.removed + job.restored + job.kept, None, None, None)
    total = _total(job)
    rate = job.seen / job.seconds if job.state in AT_WORK and job.seconds > SOON and job.seen else None
    left = (total - job.seen) / rate if rate and total is not None and total > job.seen else None
    return Progress(job.seen, total, rate, left)


def counts(job: ImportJob) -> Sequence[tuple[str, Any]]:
    """The counts of a job as (label, number), in the order the page shows them."""
    names = ("added", "updated", "unchanged", "failed") if job.is_import else ("removed", "restored", "kept")
    rare = [name for name in ("vanished", "hidden") if job.is_import and getattr(job, name)]
    return [(name.capitalize(), getattr(job, name)) for name in (*names, *rare)]


def files(job: ImportJob) -> Sequence[tuple[str, int]]:
    """How many files of each fate there are, as (words, number); fates of no file are left out."""
    return [(FATES[Fate(fate)], number) for fate, number in job.files.items() if number]


def source_page(job: ImportJob, problem: Mapping[str, Any]) -> str | None:
    """The page at the source of an item that had a problem (see `report.problems`), where it is known by anything."""
    if not problem["handle"] and not problem["id"]:
        return None
    server = job.source.repository.server
    return page_link(server.site_url, server.ui_url, server.generation, problem["id"] or "", problem["handle"])


def _total(job: ImportJob) -> int | None:
    if job.expected is None:
        return job.options.get("test")
    total = max(job.expected - job.hidden, job.seen)
    return min(total, job.options.get("test") or total)
