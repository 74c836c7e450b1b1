"""Whether a publishing job depends on the import whose items it publishes."""

from __future__ import annotations

from sqlalchemy import select

from ..extensions import db
from ..models.jobs import JOB, Job, State
from .publish_cursors import PublishCursor
from .publish_options import PublishOptions


def takes_items(job: Job) -> bool:
    """Return whether a publishing job still takes the items that an import writes."""
    return PublishOptions.of(job).follows is not None and PublishCursor.from_json(job.cursor).after is None


def is_import_queued(job: Job) -> bool:
    """Return whether a publishing job has to wait because its import waits in the queue."""
    state = select(JOB.c.state).where(JOB.c.id == PublishOptions.of(job).follows)
    return takes_items(job) and db.session.scalar(state) == State.QUEUED
