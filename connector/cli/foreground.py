"""Runs a job in this process and terminal, or watches it while another process runs it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from flask import current_app
from sqlalchemy.exc import DBAPIError

from config import COMMAND_LINE_MAX_OUTAGE_SECONDS

from .. import error_translation
from ..errors import ConflictError
from ..extensions import db
from ..i18n import gettext as _
from ..jobs import lifecycle
from ..jobs.attempt import stop_here
from ..models.jobs import Job, State
from ..tasks import carry_out
from .command import REFUSED, STOPPED, exit_code, refuse
from .job_output import print_job
from .progress_bar import JobProgress

POLL_SECONDS = 0.5


def run_in_foreground(job_id: int, as_json: bool) -> None:
    """Run a job, or watch it while another process runs it. Exit with the exit code of the job."""
    run_all_in_foreground([job_id], as_json)


def run_all_in_foreground(job_ids: Sequence[int], as_json: bool) -> None:
    """Run jobs one after another, as `run_in_foreground`. Exit with the highest of their exit codes.

    The jobs after one that was stopped are not run here.
    """
    config = current_app.config
    config["MAX_OUTAGE_SECONDS"] = config["MAX_OUTAGE_SECONDS"] or COMMAND_LINE_MAX_OUTAGE_SECONDS
    code = 0
    for job_id in job_ids:
        code = max(code, _run(job_id, as_json))
        if code == STOPPED:
            break
    sys.exit(code)


def _run(job_id: int, as_json: bool) -> int:
    """Run a job, print it, and return its exit code."""
    try:
        job = follow(job_id)
    except DBAPIError as error:
        known = error_translation.of_database(error)
        sentence = _(
            "%(error)s Job %(job)s is not lost: flask resume %(job)s goes on with it, or a worker does automatically.",
            error=known,
            job=job_id,
        )
        refuse(sentence, job_id, exit_code(known))
    print_job(job, as_json)
    return _exit_code(job)


def _exit_code(job: Job) -> int:
    if job.state == State.COMPLETED:
        return 0 if job.clean else 1
    return STOPPED if job.state == State.STOPPED and not job.asks else REFUSED


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
            time.sleep(POLL_SECONDS)


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
