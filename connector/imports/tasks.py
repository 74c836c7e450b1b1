"""What the workers do. One line each: the row tells what to do, and `jobs.claim` who does it."""

from __future__ import annotations

from flask import g

from .. import notices
from ..accounts import audit
from ..extensions import huey
from ..logs import about_job
from . import harvest, jobs, preview, pruning, rehearsal, schedules, undo
from .models import Kind
from .run import work

RUNNERS = {
    Kind.IMPORT: harvest.run,
    Kind.UNDO: undo.run,
    Kind.PREVIEW: preview.run,
    Kind.REHEARSAL: rehearsal.run,
}


def carry_out(job_id: int) -> bool:
    """Carry out a job if it can be claimed, then wake the next one of its repository. False where it cannot."""
    job = jobs.get(job_id)
    kind, repository_id = Kind(job.kind), job.repository_id
    with about_job(job_id):
        claimed = work(job_id, RUNNERS[kind])
    if claimed and (waiting := jobs.next_queued(repository_id)) is not None:
        run_job(waiting)
    return claimed


@huey.named_task("connector.run_job")
def run_job(job_id: int) -> None:
    """Wake-up call for one job."""
    carry_out(job_id)


@huey.every_minute("connector.recover")
def recover() -> None:
    """Once a minute: jobs whose worker is gone, and those a lost wake-up call forgot."""
    for job_id in jobs.recover():
        run_job(job_id)


@huey.every_minute("connector.schedules")
def start_due() -> None:
    """Once a minute: sources that are imported by themselves and whose time has come."""
    g.acting = audit.SCHEDULE
    for job_id in schedules.start_due():
        run_job(job_id)


@huey.every_minute("connector.notices")
def send_notices() -> None:
    """Once a minute: how scheduled imports ended."""
    notices.send_due()


@huey.every_hour("connector.prune")
def prune() -> None:
    """What is kept for a while only. Oftener than once a day: a machine that sleeps at night would miss its hour."""
    pruning.prune()
