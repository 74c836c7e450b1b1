"""Questions with which jobs end. A later job of the same kind and source closes those without an answer."""

from __future__ import annotations

from sqlalchemy import select, update

from ..extensions import db
from ..models.jobs import IS_UNANSWERED, JOB, State


def close_earlier(job_id: int, message: str) -> None:
    """Close the open questions of earlier jobs like this one, and set their message. Runs in the caller's transaction.

    Like this one are jobs of the same kind and source that use the same resource.
    """
    like = db.session.execute(select(JOB.c.source_id, JOB.c.kind, JOB.c.resource).where(JOB.c.id == job_id)).one()
    mine = (JOB.c.source_id == like.source_id, JOB.c.kind == like.kind, JOB.c.resource == like.resource)
    is_open = (JOB.c.state == State.STOPPED, IS_UNANSWERED)
    asks = (JOB.c.id < job_id, JOB.c.question.is_not(None), *is_open)
    for row in db.session.execute(select(JOB.c.id, JOB.c.attempt, JOB.c.question).where(*mine, *asks)).all():
        values = {"question": row.question | {"settled_by": job_id}, "message": message}
        # Another person may have answered since. The job is then queued, or has asked again in a new attempt.
        same = (JOB.c.id == row.id, JOB.c.attempt == row.attempt)
        db.session.execute(update(JOB).where(*same, *is_open).values(values))
