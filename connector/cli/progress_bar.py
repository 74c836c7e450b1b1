"""Shows the progress of a running job on stderr: a bar in a terminal, else plain lines."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ..formatting import file_count, item_count
from ..i18n import decimal, gettext as _
from ..jobs import job_presentation
from ..models.jobs import Job

REDRAW = 0.25  # seconds
LINE_EVERY = 20  # redraws


class JobProgress:
    """A progress display that reads the row of a job in its own thread until the `with` block ends.

    If the database fails, the display keeps the last row it read. The process that runs the job reports the error.
    """

    def __init__(self, job_id: int, engine: Engine):
        self._job_id, self._engine = job_id, engine
        self._console = Console(stderr=True)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._last_line = ""
        self._last: Job | None = None

    def __enter__(self) -> JobProgress:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        if self._console.is_terminal:
            self._draw()
        else:
            self._print_lines()

    def _draw(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=False) as progress:
            task = progress.add_task(_("Job %(id)s", id=self._job_id), total=None)
            more = True
            while more:
                more = not self._ended.wait(REDRAW)
                job = self._job()
                if job is None:
                    continue
                total = job_presentation.total_items(job) or None
                progress.update(task, completed=job.done, total=total, description=_description(job))

    def _print_lines(self) -> None:
        turn = 0
        while not self._ended.wait(REDRAW):
            if turn % LINE_EVERY == 0:
                self._line()
            turn += 1
        self._line()

    def _line(self) -> None:
        job = self._job()
        if job is None:
            return
        line = _(
            "Job %(id)s: %(counts)s. %(status)s",
            id=job.id,
            counts=job_presentation.counts_in_words(job) if job.is_undo else _import_counts(job),
            status=_status_text(job) or job.message,
        ).rstrip()
        if line != self._last_line:
            self._console.print(line, soft_wrap=True, markup=False, highlight=False)
            self._last_line = line

    def _job(self) -> Job | None:
        """Return the job as last read. Return None if the database has not answered yet."""
        with suppress(DBAPIError), Session(self._engine) as session:
            self._last = session.get_one(Job, self._job_id)
        return self._last


def _import_counts(job: Job) -> str:
    total = job_presentation.total_items(job)
    items = item_count(job.done)
    if total is not None:
        items = _("%(done)s of %(items)s", done=decimal(job.done), items=item_count(total))
    return f"{items}, {file_count(job.stored_files)}"


def _description(job: Job) -> str:
    text = _status_text(job)
    text = text if len(text) <= 40 else text[:39] + "…"
    return _("Job %(id)s %(status)s", id=job.id, status=text).rstrip().replace("[", "\\[")


def _status_text(job: Job) -> str:
    """Return what the job does, or what it waits for and why."""
    if not job.is_waiting_for_resource:
        return job.wait_detail or job.status_text
    return f"{job_presentation.wait(job)}: {job.wait_detail}"
