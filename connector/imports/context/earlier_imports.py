"""What the catalogue knows of earlier imports of the same source."""

from __future__ import annotations

from sqlalchemy import select

from ...extensions import db
from ...models.catalogue import Holding
from ...models.jobs import Job, Kind, State
from ..start.import_options import ImportOptions
from .import_context import ImportContext

JOB = Job.__table__
LAST = 50  # jobs in which to look for the last import of the whole scope


def was_completed(context: ImportContext) -> bool:
    """Return whether an earlier import of this source was completed, so that only changes are read in full."""
    done = select(JOB.c.id).where(JOB.c.source_id == context.source_id, JOB.c.kind == Kind.IMPORT)
    done = done.where(JOB.c.state == State.COMPLETED, JOB.c.id != context.job_id)
    return db.session.scalar(done.limit(1)) is not None and holds_items(context)


def holds_items(context: ImportContext) -> bool:
    """Return whether the source holds any items, including those missing at the source."""
    holding = select(Holding.id).where(Holding.source_id == context.source_id)
    found = db.session.scalar(holding.limit(1)) is not None
    db.session.rollback()
    return found


def had_other_login(context: ImportContext) -> bool:
    """Return whether the last whole import used another login, or none, and so saw other items and files."""
    done = select(JOB.c.options, JOB.c.cursor).where(JOB.c.source_id == context.source_id, JOB.c.kind == Kind.IMPORT)
    done = done.where(JOB.c.state == State.COMPLETED, JOB.c.id != context.job_id).order_by(JOB.c.id.desc()).limit(LAST)
    rows = db.session.execute(done).all()
    db.session.rollback()
    whole = (row.cursor or {} for row in rows if not ImportOptions.from_json(row.options).is_partial)
    return next(whole, {}).get("login") != context.access.name
