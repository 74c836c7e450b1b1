"""Labels, status texts and progress of a job, as the pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from .. import formatting
from ..catalogue.item_presentation import FATES
from ..catalogue.source_links import page_link
from ..models.catalogue import FileStatus
from ..models.jobs import AT_WORK, Job, Kind, State, WaitReason

STATUS = {
    State.QUEUED: "Queued",
    State.RUNNING: "Running",
    State.STOPPING: "Stopping",
    State.STOPPED: "Stopped",
    State.COMPLETED: "Completed",
    State.FAILED: "Failed",
}
KINDS = {
    Kind.IMPORT: "Import",
    Kind.UNDO: "Undo",
    Kind.PREVIEW: "Preview",
    Kind.SAMPLE: "Sample items",
}
COUNTS = {
    Kind.IMPORT: {"added": "Added", "updated": "Updated", "unchanged": "Unchanged", "failed": "Failed"},
    Kind.UNDO: {"removed": "Removed", "restored": "Restored", "kept": "Kept"},
    Kind.PREVIEW: {"added": "Would be new", "updated": "Would change", "unchanged": "Unchanged", "failed": "Failed"},
    Kind.SAMPLE: {"added": "Shown", "failed": "Failed"},
}
RARE = {
    Kind.IMPORT: {"vanished": "Missing at source", "hidden": "Not visible"},
    Kind.PREVIEW: {"vanished": "Missing at source", "hidden": "Not visible"},
}
WAITS = {
    WaitReason.REPOSITORY: "Waiting for the repository since {}",
    WaitReason.FILE: "Waiting for the repository since {}",
    WaitReason.DISK_SPACE: "Waiting for disk space since {}",
    WaitReason.VIRUS_SCANNER: "Waiting for the virus scanner since {}",
}
SOON = 3.0  # seconds of work before a rate is meaningful


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a job: `done` of `total` items (None: unknown), `rate` in items per second, `left` in seconds."""

    done: int
    total: int | None
    rate: float | None
    left: float | None


def sort(job: Job) -> str:
    """Return the kind of the job in words. Only an import of the whole source is called "Import"."""
    if job.is_undo:
        return f"Undo of job {job.undoes_id}"
    if job.is_import:
        options = job.options
        if options.get("retry"):
            return f"Retry of job {options['retry']}"
        if options.get("only"):
            return "Chosen items"
        if options.get("test"):
            return "Test import"
    return KINDS[Kind(job.kind)]


def heading(job: Job, label: str) -> str:
    """Return the title of the job. `label`: the label of its source for the current reader (see `source_label`)."""
    if job.is_undo:
        return f"Undo of import {job.undoes_id}"
    if job.options.get("retry"):
        return f"{sort(job)}: {label}"
    return f"{sort(job)} of {label}"


def status(job: Job) -> str:
    """Return the status of the job in words."""
    if job.is_import and job.is_undone:
        return "Undone"
    if job.asks:
        return "Waiting for your answer"
    if job.is_waiting:
        return f"Waiting until {formatting.clock(job.resume_at)}"
    if job.state == State.COMPLETED and job.clean is False:
        return "Completed with problems"
    if job.is_held_up:
        return wait(job)
    return STATUS[State(job.state)]


def wait(job: Job | Row[Any]) -> str:
    """Return what a running job waits for, and since when."""
    return WAITS[WaitReason(job.wait_reason)].format(formatting.since(job.wait_since))


def status_text(job: Job) -> str:
    """Return the current activity of the job, or the details of its wait. The status already names the reason."""
    return job.wait_detail if job.is_held_up or job.wait_reason == WaitReason.OTHER_JOB else job.status_text


def tone(job: Job) -> str:
    """Return the colour of the status: good, bad, live or quiet."""
    if job.is_active:
        return "live"
    if job.state == State.FAILED or job.asks or job.clean is False:
        return "bad"
    return "good" if job.state == State.COMPLETED and not job.undo_began else "quiet"


def progress(job: Job) -> Progress:
    """Return the progress of the job.

    The rate is the average over the whole run. The total leaves out items that are not visible at the source.
    """
    if job.is_undo:
        return Progress(job.counts["removed"] + job.counts["restored"] + job.counts["kept"], None, None, None)
    total = total_items(job)
    rate = (
        job.counts["seen"] / job.seconds if job.state in AT_WORK and job.seconds > SOON and job.counts["seen"] else None
    )
    left = (total - job.counts["seen"]) / rate if rate and total is not None and total > job.counts["seen"] else None
    return Progress(job.counts["seen"], total, rate, left)


def counts(job: Job) -> Sequence[tuple[str, Any]]:
    """Return the counts of a job as (label, number), in the order in which the page shows them."""
    rare = {name: label for name, label in RARE.get(Kind(job.kind), {}).items() if job.counts[name]}
    return [(label, job.counts[name]) for name, label in (COUNTS[Kind(job.kind)] | rare).items()]


def files(job: Job) -> Sequence[tuple[str, int]]:
    """Return how many files have each status, as (status, number), without empty statuses. Stored files are first."""
    found = [(FileStatus(fate), number) for fate, number in job.files.items() if number]
    return [(FATES[fate], number) for fate, number in sorted(found, key=lambda pair: not pair[0].is_stored)]


def source_page(job: Job, problem: Mapping[str, Any]) -> str | None:
    """Return the URL at the source of the item of a problem (see `report.problems`).

    Return None if neither the handle nor the id of the item is known.
    """
    if not problem["handle"] and not problem["id"]:
        return None
    server = job.source.repository.server
    return page_link(server.site_url, server.ui_url, server.generation, problem["id"] or "", problem["handle"])


def total_items(job: Job | Row[Any]) -> int | None:
    """Return how many items the job will see, without those that are not visible at the source. None if unknown."""
    if job.expected is None:
        return job.options.get("test")
    total = max(job.expected - job.counts["hidden"], job.counts["seen"])
    return min(total, job.options.get("test") or total)
