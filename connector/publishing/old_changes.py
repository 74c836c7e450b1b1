"""Deletes what old publishing jobs changed at destinations. Their undo can then only delete what they created."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, select

from ..extensions import db, execute_counted
from ..jobs import counters, undo_history
from ..jobs.undo_history import ROWS_AT_ONCE
from ..models.jobs import JOB
from ..models.publishing import PUBLISHED_CHANGE
from .job_kind import LASTING, MAKE_PRIVATE, PUBLISH


def prune() -> int:
    """Delete the changes that are no longer kept (see `undo_history`), and return their number.

    The jobs of a kind for a source at a destination are a series.
    """
    kinds = (PUBLISH, MAKE_PRIVATE)
    return sum(undo_history.forget(kind.name, _delete, JOB.c.source_id, JOB.c.resource) for kind in kinds)


def _delete(job_id: int, may_delete: ColumnElement[bool]) -> int:
    """Delete some changes of a job, and count them with the job. Return their number."""
    some = select(PUBLISHED_CHANGE.c.id).where(PUBLISHED_CHANGE.c.job_id == job_id).limit(ROWS_AT_ONCE)
    number = execute_counted(delete(PUBLISHED_CHANGE).where(PUBLISHED_CHANGE.c.id.in_(some), may_delete))
    counters.add(db.session.connection(), job_id, {LASTING: number})
    return number
