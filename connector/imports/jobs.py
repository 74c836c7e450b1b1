"""What can be done with a job: create, claim, stop, resume, recover, finish. The job row is the truth.

States and counts change only by single UPDATE statements. A running job's writes are fenced by its attempt.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, case, func, select, update
from sqlalchemy.exc import IntegrityError

from ..catalogue.files import is_alive
from ..errors import Conflict, NotFound
from ..extensions import db, transaction, utcnow
from ..repositories.models import Repository, Source
from .models import ACTIVE, AT_WORK, ImportJob, Kind, State

STALE = timedelta(seconds=60)
JOB = ImportJob.__table__


def get(job_id: int) -> ImportJob:
    """The job, or NotFound."""
    job = db.session.get(ImportJob, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    return job


def create(
    source_id: int,
    options: Mapping[str, Any],
    *,
    comment: str = "",
    reruns: int | None = None,
    requests: int = 0,
) -> int:
    """Queue an import of a source and give its id; while one of that source is active, the id of that one.

    `requests`: how many were made already to find the source.
    """
    with transaction():
        source = db.session.get_one(Source, source_id)
        _one_at_a_time(source.repository_id)
        active = select(JOB.c.id).where(
            JOB.c.source_id == source_id, JOB.c.state.in_(ACTIVE), JOB.c.kind == Kind.IMPORT
        )
        if (job_id := db.session.scalar(active.order_by(JOB.c.id))) is not None:
            return job_id
        source.options = dict(options)
        job = ImportJob(
            repository_id=source.repository_id,
            source_id=source_id,
            options=dict(options),
            comment=comment,
            reruns_id=reruns,
            requests=requests,
        )
        db.session.add(job)
        db.session.flush()
        return job.id


def rerun(job_id: int) -> int:
    """Queue the same source again, with the options of that job; a test import stays one. Gives the new job's id."""
    job = get(job_id)
    if not job.is_import:
        raise Conflict(f"Job {job_id} is an undo; only imports can be run again.")
    return create(job.source_id, job.options, comment=job.comment, reruns=job_id)


def create_undo(job_id: int) -> int:
    """Queue the undo of an import and give its id. Raises Conflict where design rule 3 forbids it."""
    with transaction():
        job = get(job_id)
        _one_at_a_time(job.repository_id)
        refuse_undo(job)
        undo = ImportJob(
            repository_id=job.repository_id,
            source_id=job.source_id,
            kind=Kind.UNDO.value,
            undoes_id=job.id,
            comment=job.comment,
        )
        db.session.add(undo)
        db.session.flush()
        return undo.id


def _one_at_a_time(repository_id: int) -> None:
    """Until the transaction ends, nobody else queues a job of this repository (SQLite has one writer anyway)."""
    db.session.execute(select(Repository.id).where(Repository.id == repository_id).with_for_update())


def refuse_undo(job: ImportJob) -> None:
    """Raises Conflict unless the job can be undone now."""
    if not job.is_import:
        raise Conflict(f"Job {job.id} is an undo itself: to have the items back, import again.")
    if job.is_undone:
        raise Conflict(f"Import {job.id} is undone already.")
    if job.undo_began:
        raise Conflict(f"The undo of import {job.id} is job {job.undone_by[0].id}: resume that one.")
    busy = select(JOB.c.id).where(JOB.c.repository_id == job.repository_id, JOB.c.state.in_(ACTIVE))
    if (active := db.session.scalar(busy)) is not None:
        raise Conflict(f"Job {active} of this repository is still active: wait for it, or stop it first.")


def worker_name() -> str:
    """Which process this is, for people who look at the job row."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(job_id: int) -> int | None:
    """Take a queued or stale job to work on; gives the attempt that fences its writes, None where somebody else has it.

    None also while another job of the repository is at work.
    """
    free = (JOB.c.state == State.QUEUED) | and_(JOB.c.state == State.RUNNING, JOB.c.heartbeat < utcnow() - STALE)
    statement = (
        update(JOB)
        .where(JOB.c.id == job_id, free)
        .values(
            state=State.RUNNING.value,
            attempt=JOB.c.attempt + 1,
            worker=worker_name(),
            heartbeat=utcnow(),
            claimed=utcnow(),
            started=func.coalesce(JOB.c.started, utcnow()),
            ended=None,
            clean=None,
            message="",
            doing="Starting",
        )
        .returning(JOB.c.attempt)
    )
    try:
        with transaction():
            return db.session.scalar(statement)
    except IntegrityError:  # the index of jobs at work: another of this repository is
        return None


def stop(job_id: int) -> None:
    """Ask a job to stop: a queued one is stopped at once, a running one within seconds. Conflict where it has ended."""
    with transaction():
        state = case((JOB.c.state == State.QUEUED, State.STOPPED.value), else_=State.STOPPING.value)
        statement = update(JOB).where(JOB.c.id == job_id, JOB.c.state.in_(ACTIVE)).values(state=state)
        if not db.session.execute(statement).rowcount:
            raise Conflict(f"Job {job_id} is not active, so there is nothing to stop.")


def resume(job_id: int) -> None:
    """Queue a stopped or failed job again, or one whose worker is gone; it goes on at its cursor. Raises Conflict."""
    recover()
    with transaction():
        job = get(job_id)
        if job.undo_began:
            raise Conflict(f"Import {job_id} was undone: import again instead.")
        resumable = (State.STOPPED.value, State.FAILED.value, State.QUEUED.value)
        statement = update(JOB).where(JOB.c.id == job_id, JOB.c.state.in_(resumable)).values(state=State.QUEUED.value)
        if not db.session.execute(statement).rowcount:
            raise Conflict(f"Job {job_id} is {job.state}: only a stopped or failed job can be resumed.")


def recover() -> list[int]:
    """Put jobs whose worker is gone back to the queue (a stopping one is stopped); gives the ids of all queued jobs."""
    stale = (JOB.c.heartbeat < utcnow() - STALE) | JOB.c.worker.in_(_dead_workers())
    with transaction():
        lost = "The worker was gone; the job goes on at its cursor."
        again = update(JOB).where(JOB.c.state == State.RUNNING, stale)
        db.session.execute(again.values(state=State.QUEUED.value, doing=lost))
        ended = update(JOB).where(JOB.c.state == State.STOPPING, stale)
        db.session.execute(ended.values(state=State.STOPPED.value, ended=utcnow(), message="Stopped.", doing=""))
    return list(db.session.scalars(select(JOB.c.id).where(JOB.c.state == State.QUEUED).order_by(JOB.c.id)))


def _dead_workers() -> list[str]:
    """Workers at work whose process on this machine is gone: no need to wait until their heartbeat is stale."""
    ours = select(JOB.c.worker).where(JOB.c.state.in_(AT_WORK), JOB.c.worker.startswith(f"{socket.gethostname()}:"))
    pids = {worker: int(worker.rpartition(":")[2]) for worker in db.session.scalars(ours)}
    return [worker for worker, pid in pids.items() if not is_alive(pid)]


def next_queued(repository_id: int) -> int | None:
    """The job that has waited longest for its turn in this repository."""
    waiting = select(JOB.c.id).where(JOB.c.repository_id == repository_id, JOB.c.state == State.QUEUED)
    return db.session.scalar(waiting.order_by(JOB.c.id))


def finish(job_id: int, attempt: int, state: State, message: str, clean: bool | None) -> None:
    """Set the final state of this attempt; nothing when another attempt has taken over."""
    with transaction():
        seconds = (utcnow() - db.session.get_one(ImportJob, job_id).claimed).total_seconds()
        db.session.execute(
            update(JOB)
            .where(JOB.c.id == job_id, JOB.c.attempt == attempt, JOB.c.state.in_(AT_WORK))
            .values(
                state=state.value,
                clean=clean,
                message=message,
                doing="",
                ended=None if state is State.QUEUED else utcnow(),
                worked=JOB.c.worked + seconds,
            )
        )
