"""What the workers do. One line each: the row tells what to do, and `jobs.claim` who does it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import current_app, g

from . import error_translation
from .actor import SCHEDULE
from .extensions import huey
from .imports import importer, preview, preview_sample, undo, worker_heartbeat
from .jobs import lifecycle, notifications, retention, scheduling
from .jobs.attempt import work
from .logs import about_job, log_throttled
from .models.jobs import Kind

log = logging.getLogger(__name__)
MINUTE = 60.0  # seconds
RUNNERS = {
    Kind.IMPORT: importer.run,
    Kind.UNDO: undo.run,
    Kind.PREVIEW: preview.run,
    Kind.REHEARSAL: preview_sample.run,
}


def carry_out(job_id: int) -> bool:
    """Carry out a job if it can be claimed, then wake the next one of its repository. False where it cannot."""
    job = lifecycle.get(job_id)
    kind, repository_id = Kind(job.kind), job.repository_id
    with about_job(job_id):
        claimed = work(job_id, RUNNERS[kind])
    if claimed and (waiting := lifecycle.next_queued(repository_id)) is not None:
        wake(waiting)
    return claimed


def wake(*job_ids: int) -> None:
    """Have these queued jobs taken up. While the queue is away they wait until `recover` finds them."""
    try:
        for job_id in job_ids:
            run_job(job_id)
    except error_translation.QUEUE as error:
        log_throttled(log, str(error_translation.of_queue(error)))


@huey.named_task("connector.run_job")
def run_job(job_id: int) -> None:
    """Wake-up call for one job."""
    carry_out(job_id)


def recover() -> None:
    """Jobs whose worker is gone, and those a lost wake-up call forgot. Monitors see that somebody looks."""
    wake(*lifecycle.recover())
    worker_heartbeat.touch(current_app.config["INSTANCE"])


def start_due() -> None:
    """Sources that are imported by themselves and whose time has come."""
    g.acting = SCHEDULE
    wake(*scheduling.start_due())


def send_notices() -> None:
    """How scheduled imports ended."""
    notifications.send_due()


def prune() -> None:
    """What is kept for a while only. Oftener than once a day: a machine that sleeps at night would miss its hour."""
    retention.prune()


# What each process that works on jobs does by itself, and every how many seconds. Several at once do no harm.
DUTIES: dict[Callable[[], None], float] = {recover: MINUTE, start_due: MINUTE, send_notices: MINUTE, prune: 60 * MINUTE}
