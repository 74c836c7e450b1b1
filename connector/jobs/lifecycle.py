"""Claims, stops, resumes and recovers jobs. The job row is the only source of their state.

States and counts change only by single UPDATE statements. The attempt number fences the writes of a running job.
"""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased, joinedload

from ..accounts import audit
from ..errors import ConflictError, NotFoundError
from ..extensions import db, execute_counted, transaction, utcnow
from ..i18n import gettext as _
from ..models.jobs import ACTIVE, IN_PROGRESS, IS_UNANSWERED, IS_UNSETTLED, JOB, Job, State, WaitReason, wait_columns
from ..models.repositories import Source
from ..storage.content_store import is_alive
from . import completion
from .permitted_hours import HoursOptions

STALE = timedelta(seconds=60)
IS_WAITING = (JOB.c.state == State.STOPPED) & JOB.c.resume_at.is_not(None)


def get(job_id: int) -> Job:
    """Return the job. Raises NotFoundError."""
    its_source = joinedload(Job.source).joinedload(Source.repository)  # pages and polls show both
    job = db.session.get(Job, job_id, options=[its_source])
    if job is None:
        raise NotFoundError(_("There is no job %(job_id)s.", job_id=job_id))
    return job


def claim(job_id: int) -> int | None:
    """Claim a queued job and return the number of the attempt, which fences its writes.

    Return None if the job is no longer queued, or while another job uses the same resource.
    """
    statement = (
        update(JOB)
        .where(JOB.c.id == job_id, JOB.c.state == State.QUEUED)
        .values(
            state=State.RUNNING.value,
            attempt=JOB.c.attempt + 1,
            worker=f"{socket.gethostname()}:{os.getpid()}",
            heartbeat_at=utcnow(),
            claimed_at=utcnow(),
            started_at=func.coalesce(JOB.c.started_at, utcnow()),
            ended_at=None,
            clean=None,
            message="",
            technical_details=None,
            status_text=_("Starting"),
            notified_at=None,
            notification_attempted_at=None,
            **wait_columns(None),
        )
        .returning(JOB.c.attempt)
    )
    try:
        with transaction():
            attempt: int | None = db.session.scalar(statement)
            return attempt
    except IntegrityError:  # unique index of running jobs: another job uses the resource
        return None


def stop(job_id: int) -> None:
    """Stop a queued job at once, or ask a running job to stop within seconds.

    A job that waits for its permitted hours no longer resumes automatically. Raises ConflictError if the job has ended.
    """
    with transaction():
        idle = JOB.c.state.in_((State.QUEUED, State.STOPPED))
        values = {
            "state": case((idle, State.STOPPED.value), else_=State.STOPPING.value),
            "message": case((IS_WAITING, _("Stopped.")), else_=JOB.c.message),
            "resume_at": None,
            **wait_columns(None),
        }
        active = JOB.c.state.in_(ACTIVE) | IS_WAITING
        statement = update(JOB).where(JOB.c.id == job_id, active).values(values)
        if not execute_counted(statement):
            raise ConflictError(_("Job %(job_id)s is not active, so there is nothing to stop.", job_id=job_id))
        audit.note("stop", f"job {job_id}")


def resume(job_id: int, answer: str | None = None) -> None:
    """Queue a stopped or failed job again, or one whose worker has ended. The job continues at its cursor.

    `answer`: the answer to the question with which the job ended. Raises ConflictError if the job cannot be resumed.
    """
    recover()
    with transaction():
        job = get(job_id)
        _refuse_resume(job, answer)
        values: dict[str, Any] = {"state": State.QUEUED.value, "crash_count": 0, "resume_at": None, "pruned_at": None}
        values |= {"message": "", "technical_details": None}  # those of the attempt that ended
        values |= wait_columns(None)
        if job.is_waiting:
            values["options"] = job.options | HoursOptions(any_hour=True).to_json()
        if answer is not None:
            values["question"] = (job.question or {}) | {"answer": answer}
        resumable = (State.STOPPED.value, State.FAILED.value, State.QUEUED.value)
        mine = (JOB.c.id == job_id, JOB.c.attempt == job.attempt, JOB.c.state.in_(resumable))
        # Since the question was read, a later job may have closed it or another person may have answered it.
        is_open = (IS_UNSETTLED,) if answer is None else (IS_UNSETTLED, IS_UNANSWERED)
        if not execute_counted(update(JOB).where(*mine, *is_open).values(values)):
            db.session.refresh(job)
            _refuse_resume(job, answer)
            raise ConflictError(_("Job %(job)s is neither stopped nor failed, so it cannot be resumed.", job=job_id))
        audit.note("resume", f"job {job_id}", **({"answer": answer} if answer else {}))


def _refuse_resume(job: Job, answer: str | None) -> None:
    """Raise ConflictError if a job cannot be resumed, or not with this answer."""
    if job.undo_began:
        raise ConflictError(_("Job %(id)s was undone. Start a new one instead.", id=job.id))
    if job.is_question_closed:
        raise ConflictError(_("%(reason)s Run the job again instead.", reason=job.message))
    if answer is not None and not job.asks:
        raise ConflictError(_("Job %(id)s has no question that waits for an answer.", id=job.id))
    if job.is_preview and job.pruned_at:
        raise ConflictError(_("The results of job %(id)s were deleted. Start a new preview.", id=job.id))
    if job.asks and answer is None:
        raise ConflictError(job.message)


def recover() -> list[int]:
    """Queue jobs whose worker has ended and stop those that were stopping. Return the ids of all queued jobs.

    A job whose worker ends several times at the same place fails, because the next attempt would end there, too (see
    `completion`). A job that waits for its permitted hours is queued when they begin.
    """
    now = utcnow()
    # A heartbeat in the future comes from a clock that has since been corrected.
    stale = ~JOB.c.heartbeat_at.between(now - STALE, now + STALE) | JOB.c.worker.in_(_dead_workers())
    with transaction():
        for job in db.session.scalars(select(Job).where(JOB.c.state == State.RUNNING, stale)).all():
            mine = (JOB.c.id == job.id, JOB.c.attempt == job.attempt, JOB.c.state == State.RUNNING)
            db.session.execute(update(JOB).where(*mine).values(completion.after_crash(job, completion.PROCESS_ENDED)))
        waited = update(JOB).where(IS_WAITING, JOB.c.resume_at <= utcnow())
        db.session.execute(waited.values(state=State.QUEUED.value, resume_at=None, **wait_columns(None)))
        ended = update(JOB).where(JOB.c.state == State.STOPPING, stale)
        values = {"state": State.STOPPED.value, "ended_at": utcnow(), "message": _("Stopped."), "status_text": ""}
        db.session.execute(ended.values(values | wait_columns(None)))
    return list(db.session.scalars(select(JOB.c.id).where(JOB.c.state == State.QUEUED).order_by(JOB.c.id)))


def _dead_workers() -> list[str]:
    """Return the workers of active jobs whose process on this machine has ended.

    Their jobs need not wait until the heartbeat is stale.
    """
    ours = select(JOB.c.worker).where(JOB.c.state.in_(IN_PROGRESS), JOB.c.worker.startswith(f"{socket.gethostname()}:"))
    pids = {worker: int(worker.rpartition(":")[2]) for worker in db.session.scalars(ours)}
    return [worker for worker, pid in pids.items() if not is_alive(pid)]


def next_queued(resource: str) -> int | None:
    """Return the id of the job that has waited longest for this resource, or None."""
    waiting = select(JOB.c.id).where(JOB.c.resource == resource, JOB.c.state == State.QUEUED)
    return db.session.scalar(waiting.order_by(JOB.c.id))


def note_other_job(job_id: int) -> None:
    """Write to the row of a queued job which running job uses its resource. Do nothing if the row already says so."""
    other = aliased(Job)
    query = select(other.id).join(Job, Job.resource == other.resource)
    with transaction():
        running = db.session.scalar(query.where(Job.id == job_id, other.id != job_id, other.state.in_(IN_PROGRESS)))
        if running is not None:
            detail = _("Job %(running)s of this repository is running.", running=running)
            mine = (JOB.c.id == job_id, JOB.c.state == State.QUEUED, JOB.c.wait_detail != detail)
            columns = wait_columns(WaitReason.OTHER_JOB, detail, utcnow())
            db.session.execute(update(JOB).where(*mine).values(columns))
