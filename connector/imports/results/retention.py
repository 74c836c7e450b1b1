"""Deletes the earlier states of items that old imports keep, and the rows of old previews.

An undo restores items from these states. Without them it can only remove what the import added.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update

from ...accounts import audit
from ...catalogue.job_changes import clear_before
from ...errors import ConflictError
from ...extensions import db, transaction, utcnow
from ...i18n import gettext as _
from ...jobs import lifecycle, undo_history
from ...jobs.undo_history import ROWS_AT_ONCE
from ...models.changes import CHANGE
from ...models.job_kinds import KINDS
from ...models.jobs import ACTIVE, JOB, Kind
from ...models.previews import ROW, SAMPLE_ITEM
from ...storage.garbage_collection import delete_unreferenced_files

A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pruned:
    """The numbers of deleted item states and stored files, and of previews whose rows were deleted."""

    states: int
    files: int
    previews: int


def prune() -> Pruned:
    """Delete item states that are no longer kept, and the rows of previews that ended over a day ago."""
    states = undo_history.forget(Kind.IMPORT, _clear, JOB.c.source_id)
    files = delete_unreferenced_files() if states else 0
    return Pruned(states, files, forget_previews_before(utcnow() - A_DAY))


def _clear(job_id: int, may_delete: ColumnElement[bool]) -> int:
    """Delete some item states of an import. Return their number."""
    states = (CHANGE.c.job_id == job_id, CHANGE.c.before.is_not(None))
    return clear_before(CHANGE.c.id.in_(select(CHANGE.c.id).where(*states).limit(ROWS_AT_ONCE)), may_delete)


def forget_preview(job_id: int) -> None:
    """Delete the rows of a preview. Raises ConflictError while the job is active."""
    with transaction():
        job = lifecycle.get(job_id)
        if not job.is_preview or job.is_active:
            raise ConflictError(_("Job %(job_id)s is still active or has no results to delete.", job_id=job_id))
        _delete_rows([job_id])
        audit.note("remove what was found", f"job {job_id}")


def forget_previews_before(moment: datetime) -> int:
    """Delete the rows of previews that ended before this moment (UTC). Return the number of these previews."""
    with transaction():
        kinds = [kind.name for kind in KINDS.values() if kind.is_preview]
        old = select(JOB.c.id).where(JOB.c.kind.in_(kinds), JOB.c.pruned_at.is_(None))
        ids = db.session.scalars(old.where(JOB.c.ended_at < moment, JOB.c.state.not_in(ACTIVE))).all()
        _delete_rows(ids)
    return len(ids)


def _delete_rows(job_ids: Collection[int]) -> None:
    for table in (ROW, SAMPLE_ITEM):
        db.session.execute(delete(table).where(table.c.job_id.in_(job_ids)))
    db.session.execute(update(JOB).where(JOB.c.id.in_(job_ids)).values(pruned_at=utcnow()))
