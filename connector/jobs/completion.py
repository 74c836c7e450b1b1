"""Writes how an attempt at a job ended: its final state, or what follows from a crash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, select, update

from ..extensions import db, transaction, utcnow
from ..formatting import file_count, item_count
from ..i18n import gettext as _, lazy_gettext as _l
from ..models.jobs import IN_PROGRESS, JOB, Job, State, WaitReason, wait_columns

MAX_CRASHES = 5


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
        done = {"cursor": _who_read(job)} if state is State.COMPLETED else {}
        db.session.execute(
            update(JOB)
            .where(JOB.c.id == job_id, JOB.c.attempt == attempt, JOB.c.state.in_(IN_PROGRESS))
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


def _who_read(job: Job) -> dict[str, Any] | None:
    """Return the cursor of a completed job with only its login. The rest is not kept: it may be large."""
    return None if job.login is None else {"login": job.login}


def requeue_after_database_error(job_id: int, attempt: int) -> None:
    """Queue the job of an attempt again after a database error, or fail it after too many errors at the same place."""
    with transaction():
        mine = (JOB.c.id == job_id, JOB.c.attempt == attempt, JOB.c.state == State.RUNNING)
        if (job := db.session.scalar(select(Job).where(*mine))) is not None:
            db.session.execute(update(JOB).where(*mine).values(after_crash(job, DATABASE_FAILED)))


def after_crash(job: Job, crash: Crash) -> dict[str, Any]:
    """Return the new column values of a job whose attempt ended early.

    The place of the job is its cursor and the counts that change between two cursors.
    """
    names = job.definition.position or job.definition.done
    place = json.dumps([job.cursor, *(job.counts[name] for name in names)], sort_keys=True)
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
