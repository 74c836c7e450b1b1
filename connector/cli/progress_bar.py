"""Shows the progress of a running job on stderr: a bar in a terminal, else plain lines."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine, Row, select
from sqlalchemy.exc import DBAPIError

from ..jobs import job_presentation, lifecycle
from ..models.jobs import Job, Kind, State

JOB = Job.__table__
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
        self._said = ""
        self._last: Row[Any] | None = None

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
            task = progress.add_task(f"Job {self._job_id}", total=None)
            more = True
            while more:
                more = not self._ended.wait(REDRAW)
                row = self._row()
                if row is None:
                    continue
                done = row.removed + row.restored + row.kept if row.kind == Kind.UNDO else row.seen
                total = job_presentation.total_items(row) or None
                progress.update(task, completed=done, total=total, description=_say(row))

    def _print_lines(self) -> None:
        turn = 0
        while not self._ended.wait(REDRAW):
            if turn % LINE_EVERY == 0:
                self._line()
            turn += 1
        self._line()

    def _line(self) -> None:
        row = self._row()
        if row is None:
            return
        total = job_presentation.total_items(row)
        of = f" of {total}" if total is not None else ""
        counts = f"{row.seen}{of} items, {lifecycle.kept_files(row)} files"
        if row.kind == Kind.UNDO:
            counts = f"{row.removed} removed, {row.restored} restored, {row.kept} kept"
        line = f"Job {row.id}: {counts}. {_status_text(row) or row.message}".rstrip()
        if line != self._said:
            self._console.print(line, soft_wrap=True, markup=False, highlight=False)
            self._said = line

    def _row(self) -> Row[Any] | None:
        """Return the row of the job as last read. Return None if the database has not answered yet."""
        with suppress(DBAPIError), self._engine.connect() as connection:
            self._last = connection.execute(select(JOB).where(JOB.c.id == self._job_id)).one()
        return self._last


def _say(row: Row[Any]) -> str:
    text = _status_text(row)
    text = text if len(text) <= 40 else text[:39] + "…"
    return f"Job {row.id} {text}".rstrip().replace("[", "\\[")


def _status_text(row: Row[Any]) -> str:
    """Return what the job does, or what it waits for and why."""
    if row.state != State.RUNNING or row.wait_reason is None:
        return str(row.wait_detail or row.status_text)
    return f"{job_presentation.wait(row)}: {row.wait_detail}"
