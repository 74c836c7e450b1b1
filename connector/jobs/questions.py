"""Questions with which jobs end. An undo, or a later job of the same kind and source, closes open ones."""

from __future__ import annotations

from sqlalchemy import select, update

from ..extensions import db
from ..models.jobs import IS_UNANSWERED, JOB, State

IS_OPEN = (JOB.c.state == State.STOPPED, JOB.c.question.is_not(None), IS_UNANSWERED)


def close_earlier(job_id: int, message: str) -> None:
    """Close the open questions of earlier jobs like this one, and set their message. Runs in the caller's transaction.

    Like this one are jobs of the same kind and source that use the same resource.
    """
    like = db.session.execute(select(JOB.c.source_id, JOB.c.kind, JOB.c.resource).where(JOB.c.id == job_id)).one()
    mine = (JOB.c.source_id == like.source_id, JOB.c.kind == like.kind, JOB.c.resource == like.resource)
    for earlier in db.session.scalars(select(JOB.c.id).where(*mine, JOB.c.id < job_id, *IS_OPEN)).all():
        close(earlier, job_id, message)


def close(job_id: int, by: int, message: str) -> None:
    """Close the open question of a job, if it has one, and set its message. Runs in the caller's transaction.

    `by`: the id of the job that settles it.
    """
    row = db.session.execute(select(JOB.c.attempt, JOB.c.question).where(JOB.c.id == job_id, *IS_OPEN)).one_or_none()
    if row is not None:
        values = {"question": row.question | {"settled_by": by}, "message": message}
        # Another person may have answered since. The job is then queued, or has asked again in a new attempt.
        same = (JOB.c.id == job_id, JOB.c.attempt == row.attempt)
        db.session.execute(update(JOB).where(*same, *IS_OPEN).values(values))
