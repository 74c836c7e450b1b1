"""The time of the last change of the catalogue, for the Last-Modified header."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from ...extensions import db, utcnow
from ...models.accounts import AuditEntry
from ...models.jobs import ACTIVE, Job

STARTED_AT = utcnow()  # of this process, which may be a new version of the app
SETTLED = timedelta(minutes=1)  # a transaction that began before may end later


def last_change() -> datetime | None:
    """Return a time since which nothing has changed, in UTC, or None if a job is active or the time is too recent.

    Jobs and actions in the audit trail change the catalogue. Call this before the data is read. If it changes in
    between, the client then gets a time that is too early and only loads the data once more.
    """
    if db.session.scalar(select(Job.id).where(Job.state.in_(ACTIVE)).limit(1)) is not None:
        return None
    newest = (func.max(Job.ended_at), func.max(Job.pruned_at), func.max(AuditEntry.at))
    times = [STARTED_AT, *filter(None, (db.session.scalar(select(time)) for time in newest))]
    last = max(times)
    return last if last < utcnow() - SETTLED else None
