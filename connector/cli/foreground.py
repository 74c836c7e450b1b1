"""Runs a job in this process and terminal, or watches it while another process runs it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ..errors import ConflictError
from ..extensions import db
from ..jobs import lifecycle
from ..jobs.attempt import stop_here
from ..models.jobs import Job
from ..tasks import carry_out
from .progress_bar import JobProgress

GLANCE = 0.5  # seconds


def follow(job_id: int) -> Job:
    """Run the job, or wait while another process runs it. Return the job when it has ended.

    If the other process dies, the job is queued again and can run here. SIGINT (Ctrl-C) and SIGTERM stop the job,
    whichever process runs it.
    """
    with _stopping_on_signals(job_id) as is_stop_wanted, JobProgress(job_id, db.engine):
        while True:
            if not carry_out(job_id):
                if is_stop_wanted():
                    _stop_elsewhere(job_id)
                lifecycle.recover()
            db.session.rollback()
            job = lifecycle.get(job_id)
            if not job.is_active:
                return job
            time.sleep(GLANCE)


def _stop_elsewhere(job_id: int) -> None:
    """Ask the process that runs the job to stop it, unless it was asked already."""
    with suppress(ConflictError):  # it has just ended
        if lifecycle.get(job_id).can_stop:
            lifecycle.stop(job_id)


@contextmanager
def _stopping_on_signals(job_id: int) -> Iterator[Callable[[], bool]]:
    """Make SIGINT and SIGTERM stop the job at its cursor if this process runs it.

    Yield a function that says whether such a signal came.
    """
    signals: list[int] = []

    def stop(number: int, frame: object) -> None:
        signals.append(number)
        stop_here(job_id)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(signals)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
