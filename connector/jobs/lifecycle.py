"""Creates, claims, stops, resumes, recovers and finishes jobs. The job row is the only source of their state.

States and counts change only by single UPDATE statements. The attempt number fences the writes of a running job.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased, joinedload

from ..accounts import audit
from ..errors import ConflictError, NotFoundError
from ..extensions import db, execute_counted, transaction, utcnow
from ..formatting import file_count, item_count
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..models.jobs import ACTIVE, AT_WORK, Job, Kind, State, WaitReason, wait_columns
from ..models.repositories import Repository, Source
from ..storage.content_store import is_alive
from . import counters

STALE = timedelta(seconds=60)
MAX_CRASHES = 5
ANY_HOUR = "any_hour"  # option: a person resumed the run outside its permitted hours
OF_SOME = {"retry", "only"}  # options of an import that reads only some items
FOR_ONCE = {*OF_SOME, "full", "rehearse", "samples_only"}  # options that the next import of a source does not inherit
JOB = Job.__table__
IS_WAITING = (JOB.c.state == State.STOPPED) & JOB.c.resume_at.is_not(None)


@dataclass(frozen=True, slots=True)
class Crash:
    """The texts for an attempt that ended early: the current activity, and the message after several crashes."""

    status_text: str
    message: str


PROCESS_ENDED = Crash(
    _l("The worker ended. The job continues at its cursor."),
    _l(
        "The process of this job ended %(times)s times at the same place: after %(items)s, with %(files)s "
        "downloaded, at “%(status)s”. The server log or the system log may show the cause, for example no memory left. "
        "The job can be resumed."
    ),
)
DATABASE_FAILED = Crash(
    _l("The database failed. The job continues at its cursor."),
    _l(
        "The database of this app failed %(times)s times at the same place: after %(items)s, with %(files)s "
        "downloaded, at “%(status)s”. The server log shows the cause, for example a lock, a restart or a full disk. "
        "The job can be resumed."
    ),
)


def get(job_id: int) -> Job:
    """Return the job. Raises NotFoundError."""
    its_source = joinedload(Job.source).joinedload(Source.repository)  # pages and polls show both
    job = db.session.get(Job, job_id, options=[its_source])
    if job is None:
        raise NotFoundError(_("There is no job %(job_id)s.", job_id=job_id))
    return job


def create(
    source_id: int,
    options: Mapping[str, Any],
    *,
    comment: str = "",
    kind: Kind = Kind.IMPORT,
    reruns: int | None = None,
    requests: int = 0,
) -> int:
    """Queue an import of a source and return its id. If a job of that kind and source is active, return its id instead.

    `kind`: an import, or a preview of an import with these options. `requests`: how many requests were
    needed to find the source.
    """
    with transaction():
        source = db.session.get_one(Source, source_id)
        lock_repository(source.repository_id)
        active = select(JOB.c.id).where(JOB.c.source_id == source_id, JOB.c.state.in_(ACTIVE), JOB.c.kind == kind)
        job_id: int | None = db.session.scalar(active.order_by(JOB.c.id))
        if job_id is not None:
            return job_id
        options = {name: value for name, value in options.items() if name != ANY_HOUR}
        # Until its first import, a source keeps the options of its first preview.
        if (kind is Kind.IMPORT and not options.keys() & OF_SOME) or not source.options:
            source.options = {name: value for name, value in options.items() if name not in FOR_ONCE}
        return add(source, options, comment=comment, kind=kind.value, reruns_id=reruns, requests=requests)


def add(source: Source, options: Mapping[str, Any], *, requests: int = 0, **values: Any) -> int:
    """Queue a job inside the caller's transaction and return its id.

    `values`: other columns of the job, and a `resource` other than that of the source.
    """
    where = {"repository_id": source.repository_id, "resource": source.resource, "source_id": source.id}
    job = Job(**where | values, options=dict(options))
    db.session.add(job)
    db.session.flush()
    counters.add(db.session.connection(), job.id, {"requests": requests})
    audit.note(job.kind, source.name, job=job.id)
    return job.id


def create_undo(job_id: int) -> int:
    """Queue the undo of an import and return its id. Raises ConflictError if design rule 3 forbids it."""
    with transaction():
        job = get(job_id)
        lock_repository(job.repository_id)
        refuse_undo(job)
        db.session.execute(
            update(JOB).where(JOB.c.id == job_id, IS_WAITING).values(resume_at=None, message=_("Stopped."))
        )
        undo = Job(
            repository_id=job.repository_id,
            resource=job.resource,
            source_id=job.source_id,
            kind=Kind.UNDO.value,
            undoes_id=job.id,
            comment=job.comment,
        )
        db.session.add(undo)
        db.session.flush()
        audit.note("undo", job.source.name, job=undo.id, undoes=job.id)
        return undo.id


def lock_repository(repository_id: int) -> None:
    """Keep other transactions from queueing jobs of this repository until this transaction ends.

    SQLite ignores this lock, because it has only one writer.
    """
    db.session.execute(select(Repository.id).where(Repository.id == repository_id).with_for_update())


def refuse_undo(job: Job) -> None:
    """Raise ConflictError if the job cannot be undone now."""
    if job.is_preview:
        raise ConflictError(_("Job %(id)s is a preview and changed nothing. There is nothing to undo.", id=job.id))
    if job.is_undo:
        raise ConflictError(_("Job %(id)s is an undo. To get the items back, import again.", id=job.id))
    if job.is_undone:
        raise ConflictError(_("Import %(id)s was already undone.", id=job.id))
    if job.undo_began:
        raise ConflictError(
            _("The undo of import %(id)s is job %(undo)s: resume that one.", id=job.id, undo=job.undone_by[0].id)
        )
    busy = select(JOB.c.id).where(JOB.c.resource == job.resource, JOB.c.state.in_(ACTIVE))
    if (active := db.session.scalar(busy)) is not None:
        raise ConflictError(
            _("Job %(active)s of this repository is still active: wait for it, or stop it first.", active=active)
        )


def worker_name() -> str:
    """Return "host:pid" of this process, for the job row."""
    return f"{socket.gethostname()}:{os.getpid()}"


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
            worker=worker_name(),
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
        values |= wait_columns(None)
        if job.is_waiting:
            values["options"] = job.options | {ANY_HOUR: True}
        if answer is not None:
            values["question"] = (job.question or {}) | {"answer": answer}
        resumable = (State.STOPPED.value, State.FAILED.value, State.QUEUED.value)
        mine = (JOB.c.id == job_id, JOB.c.attempt == job.attempt, JOB.c.state.in_(resumable))
        # Since the question was read, a later job may have settled it or another person may have answered it.
        settles = ("settled_by",) if answer is None else ("settled_by", "answer")
        is_open = [JOB.c.question[name].as_string().is_(None) for name in settles]
        if not execute_counted(update(JOB).where(*mine, *is_open).values(values)):
            db.session.refresh(job)
            _refuse_resume(job, answer)
            raise ConflictError(_("Job %(job)s is neither stopped nor failed, so it cannot be resumed.", job=job_id))
        audit.note("resume", f"job {job_id}", **({"answer": answer} if answer else {}))


def _refuse_resume(job: Job, answer: str | None) -> None:
    """Raise ConflictError if a job cannot be resumed, or not with this answer."""
    if job.undo_began:
        raise ConflictError(_("Import %(id)s was undone: import again instead.", id=job.id))
    if job.is_settled:
        raise ConflictError(_("%(reason)s Import again instead.", reason=job.message))
    if answer is not None and not job.asks:
        raise ConflictError(_("Job %(id)s has no question that waits for an answer.", id=job.id))
    if job.is_preview and job.pruned_at:
        raise ConflictError(_("The results of job %(id)s were deleted. Start a new preview.", id=job.id))
    if job.asks and answer is None:
        raise ConflictError(job.message)


def recover() -> list[int]:
    """Queue jobs whose worker has ended and stop those that were stopping. Return the ids of all queued jobs.

    A job whose worker ends MAX_CRASHES times at the same place fails, because the next attempt would end there, too.
    A job that waits for its permitted hours is queued when they begin.
    """
    now = utcnow()
    # A heartbeat in the future comes from a clock that has since been corrected.
    stale = ~JOB.c.heartbeat_at.between(now - STALE, now + STALE) | JOB.c.worker.in_(_dead_workers())
    with transaction():
        for job in db.session.scalars(select(Job).where(JOB.c.state == State.RUNNING, stale)).all():
            mine = (JOB.c.id == job.id, JOB.c.attempt == job.attempt, JOB.c.state == State.RUNNING)
            db.session.execute(update(JOB).where(*mine).values(_after_crash(job, PROCESS_ENDED)))
        waited = update(JOB).where(IS_WAITING, JOB.c.resume_at <= utcnow())
        db.session.execute(waited.values(state=State.QUEUED.value, resume_at=None, **wait_columns(None)))
        ended = update(JOB).where(JOB.c.state == State.STOPPING, stale)
        values = {"state": State.STOPPED.value, "ended_at": utcnow(), "message": _("Stopped."), "status_text": ""}
        db.session.execute(ended.values(values | wait_columns(None)))
    return list(db.session.scalars(select(JOB.c.id).where(JOB.c.state == State.QUEUED).order_by(JOB.c.id)))


def requeue_after_database_error(job_id: int, attempt: int) -> None:
    """Queue the job of an attempt again after a database error, or fail it after too many errors at the same place."""
    with transaction():
        mine = (JOB.c.id == job_id, JOB.c.attempt == attempt, JOB.c.state == State.RUNNING)
        if (job := db.session.scalar(select(Job).where(*mine))) is not None:
            db.session.execute(update(JOB).where(*mine).values(_after_crash(job, DATABASE_FAILED)))


def _after_crash(job: Job, crash: Crash) -> dict[str, Any]:
    """Return the new column values of a job whose attempt ended early.

    The place of the job is its cursor and the counts that change between two cursors.
    """
    place = json.dumps([job.cursor, *(job.counts[name] for name in job.definition.position)], sort_keys=True)
    crash_fingerprint = hashlib.sha256(place.encode()).hexdigest()
    crash_count = job.crash_count + 1 if job.crash_fingerprint == crash_fingerprint else 1
    values = {"crash_fingerprint": crash_fingerprint, "crash_count": crash_count} | wait_columns(None)
    if crash_count < MAX_CRASHES:
        return values | {"state": State.QUEUED.value, "status_text": str(crash.status_text)}
    message = crash.message % {
        "times": crash_count,
        "items": item_count(job.done),
        "files": file_count(job.stored_files),
        "status": job.status_text,
    }
    return values | {"state": State.FAILED.value, "ended_at": utcnow(), "message": message, "status_text": ""}


def _dead_workers() -> list[str]:
    """Return the workers of active jobs whose process on this machine has ended.

    Their jobs need not wait until the heartbeat is stale.
    """
    ours = select(JOB.c.worker).where(JOB.c.state.in_(AT_WORK), JOB.c.worker.startswith(f"{socket.gethostname()}:"))
    pids = {worker: int(worker.rpartition(":")[2]) for worker in db.session.scalars(ours)}
    return [worker for worker, pid in pids.items() if not is_alive(pid)]


def next_queued(resource: str | None) -> int | None:
    """Return the id of the job that has waited longest for this resource, or None."""
    waiting = select(JOB.c.id).where(JOB.c.resource == resource, JOB.c.state == State.QUEUED)
    return db.session.scalar(waiting.order_by(JOB.c.id))


def note_other_job(job_id: int) -> None:
    """Note on a queued job which running job has the resource that it needs, unless the row already names that job."""
    other = aliased(Job)
    query = select(other.id).join(Job, Job.resource == other.resource)
    with transaction():
        running = db.session.scalar(query.where(Job.id == job_id, other.id != job_id, other.state.in_(AT_WORK)))
        if running is not None:
            detail = _("Job %(running)s of this repository is running.", running=running)
            mine = (JOB.c.id == job_id, JOB.c.state == State.QUEUED, JOB.c.wait_detail != detail)
            columns = wait_columns(WaitReason.OTHER_JOB, detail, utcnow())
            db.session.execute(update(JOB).where(*mine).values(columns))


def finish(
    job_id: int,
    attempt: int,
    state: State,
    message: str,
    clean: bool | None,
    resume_at: datetime | None = None,
    technical_details: Sequence[str] = (),
) -> None:
    """Set the final state of this attempt. Do nothing if another attempt has taken over.

    `resume_at`: when the job continues automatically (UTC), unless a person stopped it before. `technical_details`:
    lines about the error that ended the attempt.
    """
    goes_on = JOB.c.state == State.RUNNING
    hours = wait_columns(WaitReason.HOURS, message, utcnow())
    wait = {
        name: value if resume_at is None else case((goes_on, hours[name]), else_=value)
        for name, value in wait_columns(None).items()
    }
    with transaction():
        job = db.session.get_one(Job, job_id)
        seconds = (utcnow() - job.claimed_at).total_seconds() if job.claimed_at else 0.0
        done = {"cursor": _who_read(job.cursor)} if state is State.COMPLETED else {}
        db.session.execute(
            update(JOB)
            .where(JOB.c.id == job_id, JOB.c.attempt == attempt, JOB.c.state.in_(AT_WORK))
            .values(
                state=state.value,
                clean=clean,
                technical_details=list(technical_details) or None,
                message=message if resume_at is None else case((goes_on, message), else_=_("Stopped.")),
                resume_at=None if resume_at is None else case((goes_on, resume_at), else_=None),
                status_text="",
                **wait,
                heartbeat_at=None,
                ended_at=None if state is State.QUEUED else utcnow(),
                worked_seconds=JOB.c.worked_seconds + seconds,
                **done,
            )
        )


def _who_read(cursor: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the login from the cursor of a completed job. The rest of the cursor is not kept: it may be large."""
    login = (cursor or {}).get("login")
    return None if login is None else {"login": login}
