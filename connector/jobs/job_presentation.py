"""Labels, status texts and progress of a job, as the pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import formatting
from ..i18n import decimal, gettext as _, lazy_gettext as _l
from ..models.job_kinds import JobKind, JobVariant, ShownCount
from ..models.jobs import Job, State, WaitReason

STATUS = {
    State.QUEUED: _l("Queued"),
    State.RUNNING: _l("Running"),
    State.STOPPING: _l("Stopping"),
    State.STOPPED: _l("Stopped"),
    State.COMPLETED: _l("Completed"),
    State.FAILED: _l("Failed"),
}
WAITS = {
    WaitReason.REPOSITORY: _l("Waiting for the repository since %(time)s"),
    WaitReason.FILE: _l("Waiting for the repository since %(time)s"),
    WaitReason.DESTINATION: _l("Waiting for the destination since %(time)s"),
    WaitReason.DISK_SPACE: _l("Waiting for disk space since %(time)s"),
    WaitReason.VIRUS_SCANNER: _l("Waiting for the virus scanner since %(time)s"),
}
SOON = 3.0  # seconds of work before a rate is meaningful


@dataclass(frozen=True, slots=True)
class FileProgress:
    """The progress of the downloads of a job: `done` of `total` files, and their bytes. `left`: seconds, or None."""

    done: int
    total: int
    bytes_done: int
    bytes_total: int
    left: float | None

    @property
    def is_running(self) -> bool:
        """Return whether files are left to download."""
        return self.done < self.total

    @property
    def bar(self) -> tuple[int, int]:
        """Return (done, total) for a bar: bytes, or files if the source gives no sizes."""
        return (self.bytes_done, self.bytes_total) if self.bytes_total else (self.done, self.total)


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a job: `done` of `total` items (None: unknown), and of its files, if it downloads any.

    `rate`: items per second while items are read. `left`: seconds, or None if unknown.
    """

    done: int
    total: int | None
    rate: float | None
    left: float | None
    files: FileProgress | None

    @property
    def is_fetching(self) -> bool:
        """Return whether all items are read and files are left to download."""
        return self.files is not None and self.files.is_running and self.done == self.total

    @property
    def percent(self) -> int | None:
        """Return how much of the current phase is done: of the items, or of the files when all items are read."""
        done, total = self.files.bar if self.files and self.is_fetching else (self.done, self.total)
        return min(99, 100 * done // total) if total else None


def sort(job: Job) -> str:
    """Return the kind of the job in words. The whole work of a kind has the plain title of the kind."""
    if job.is_undo:
        return _("Undo of job %(job)s", job=job.undoes_id)
    names, job_id = _names(job)
    return names.title % {"job": job_id}


def heading(job: Job, label: str) -> str:
    """Return the title of the job. `label`: the label of its source for the current reader (see `source_label`)."""
    names, job_id = _names(job)
    return names.heading % {"job": job_id, "source": label}


def _names(job: Job) -> tuple[JobKind | JobVariant, Any]:
    """Return what names the job, its kind or a variant of it, and the job that it undoes or the value of its option."""
    if (option := job.variant_option) is None:
        return job.definition, job.undoes_id
    return job.definition.variants[option], getattr(job.parsed_options, option)


def shown_counts(job: Job) -> list[ShownCount]:
    """Return the counters to show, in order. Rare counters are left out while they are 0."""
    names = _names(job)[0]
    shown = job.definition.shown if names.shown is None else names.shown
    return [count for count in shown if job.counts[count.name] or not count.is_rare]


def page_title(job: Job, label: str) -> str:
    """Return the title of the page of a job: "12 % · Import of …" while it runs, else its status and heading."""
    percent = progress(job).percent if job.state == State.RUNNING and not job.is_waiting_for_resource else None
    state = status(job) if percent is None else _("%(percent)s %%", percent=percent)
    return f"{state} · {heading(job, label)}"


def status(job: Job) -> str:
    """Return the status of the job in words."""
    if job.is_undone:
        return _("Undone")
    if job.asks:
        return _("Waiting for your answer")
    if job.is_waiting and job.resume_at is not None:
        return _("Waiting until %(time)s", time=formatting.clock(job.resume_at))
    if job.state == State.COMPLETED and job.clean is False:
        return _("Completed with problems")
    if job.is_waiting_for_resource:
        return wait(job)
    return str(STATUS[State(job.state)])


def wait(job: Job) -> str:
    """Return what a running job waits for, and since when."""
    since = formatting.since(job.wait_since) if job.wait_since else ""
    return WAITS[WaitReason(str(job.wait_reason))] % {"time": since}


def status_text(job: Job) -> str:
    """Return the current activity of the job, or the details of its wait. The status already names the reason."""
    return (
        job.wait_detail if job.is_waiting_for_resource or job.wait_reason == WaitReason.OTHER_JOB else job.status_text
    )


def tone(job: Job) -> str:
    """Return the colour of the status: good, bad, live or quiet."""
    if job.is_active:
        return "live"
    if job.state == State.FAILED or job.asks or job.clean is False:
        return "bad"
    return "good" if job.state == State.COMPLETED and not job.undo_began else "quiet"


def progress(job: Job) -> Progress:
    """Return the progress of the job.

    Rates are averages over the whole run. There is no rate and no time left while nothing arrives, because the job
    waits or has not begun. The total leaves out items that the job cannot see.
    """
    done, total, files = job.done, total_items(job), _file_progress(job)
    if not _is_receiving(job) or (total is not None and done >= total):
        return Progress(done, total, None, None, files)
    seconds = job.seconds - _download_seconds(job)
    rate = done / seconds if seconds > SOON and not (files and files.is_running) else None
    left = (total - done) * job.seconds / done if job.seconds > SOON and done and total is not None else None
    return Progress(done, total, rate, _worth_showing(left), files)


def _file_progress(job: Job) -> FileProgress | None:
    downloads = job.definition.downloads
    if downloads is None or not (total := job.counts[downloads.files]):
        return None
    done = sum(job.counts[name] for name in downloads.finished)
    bytes_total = job.counts[downloads.bytes]
    bytes_done = min(job.counts[downloads.finished_bytes] + job.counts[downloads.arriving_bytes], bytes_total)
    part = bytes_done / bytes_total if bytes_total else done / total
    seconds = _download_seconds(job)
    left = seconds * (1 - part) / part if _is_receiving(job) and seconds > SOON and part else None
    return FileProgress(done, total, bytes_done, bytes_total, _worth_showing(left))


def _download_seconds(job: Job) -> float:
    downloads = job.definition.downloads
    return job.counts[downloads.milliseconds] / 1000 if downloads else 0.0


def _is_receiving(job: Job) -> bool:
    """Return whether the job runs and does not wait."""
    return job.state == State.RUNNING and job.wait_reason is None


def _worth_showing(seconds: float | None) -> float | None:
    return None if seconds is None or seconds < 1 else seconds


def counts(job: Job) -> Sequence[tuple[str, Any]]:
    """Return the counts of a job as (label, number), in the order in which the page shows them."""
    return [(count.label, job.counts[count.name]) for count in shown_counts(job)]


def counts_in_words(job: Job) -> str:
    """Return the counts of the job in words: "1 added, 0 updated, 2 unchanged, 0 failed"."""
    return _in_words(job, shown_counts(job))


def noteworthy(job: Job) -> str:
    """Return the counts in words that deserve attention although the job is clean, or ""."""
    return _in_words(job, [count for count in shown_counts(job) if count.is_noteworthy and job.counts[count.name]])


def _in_words(job: Job, shown: Sequence[ShownCount]) -> str:
    return ", ".join(count.words % {"count": decimal(job.counts[count.name])} for count in shown if count.words)


def total_items(job: Job) -> int | None:
    """Return how many items the job will see, without those that it cannot see. None if unknown."""
    kind = job.definition
    limit = getattr(job.parsed_options, kind.limit_option, None)
    if job.expected is None:
        return limit
    total = max(job.expected - sum(job.counts[name] for name in kind.unseen), job.done)
    return min(total, limit or total)
