"""Deletes the earlier states of items that old imports keep, and the rows of old previews.

An undo restores items from these states. Without them it can only remove what the import added. Each transaction is
small, so that other transactions do not wait long. Several workers may run this at the same time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import ColumnElement, delete, exists, func, select, update

from ...accounts import audit
from ...catalogue.changes import clear_before
from ...errors import ConflictError
from ...extensions import db, transaction, utcnow
from ...i18n import gettext as _
from ...jobs import lifecycle
from ...models.catalogue import Change
from ...models.job_kinds import KINDS
from ...models.jobs import ACTIVE, Job, Kind, PreviewRow, SampleItem
from ...storage.garbage_collection import delete_unreferenced_files

CHANGE, JOB = Change.__table__, Job.__table__
ROW, SAMPLE = PreviewRow.__table__, SampleItem.__table__
CHANGES_AT_ONCE = 200
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pruned:
    """The numbers of deleted item states and stored files, and of previews whose rows were deleted."""

    states: int
    files: int
    previews: int


def prune() -> Pruned:
    """Delete item states that are no longer kept, and the rows of previews that ended over a day ago."""
    states = sum(_forget(job_id) for job_id in _due())
    files = delete_unreferenced_files() if states else 0
    return Pruned(states, files, forget_previews_before(utcnow() - A_DAY))


def _due() -> list[int]:
    """Return the imports whose item states are no longer kept.

    They are older than the last UNDO_HISTORY_RUNS imports of their source, and ended more than UNDO_HISTORY_DAYS ago.
    """
    runs, days = current_app.config["UNDO_HISTORY_RUNS"], timedelta(days=current_app.config["UNDO_HISTORY_DAYS"])
    if runs == 0:
        return []
    place = func.row_number().over(partition_by=JOB.c.source_id, order_by=JOB.c.id.desc()).label("place")
    ranked = select(JOB.c.id, place).where(JOB.c.kind == Kind.IMPORT, JOB.c.state.not_in(ACTIVE)).subquery()
    query = select(JOB.c.id).join(ranked, ranked.c.id == JOB.c.id).where(ranked.c.place > runs)
    old = query.where(JOB.c.pruned_at.is_(None), JOB.c.ended_at < utcnow() - days)
    ids = list(db.session.scalars(old.order_by(JOB.c.id)))
    db.session.rollback()
    return ids


def _forget(job_id: int) -> int:
    """Delete the item states of an import, mark the job as pruned, and return how many states were deleted.

    An import that is active or has an undo is skipped.
    """
    at_rest = (JOB.c.id == job_id, JOB.c.state.not_in(ACTIVE), ~_undo_began())
    forgotten = 0
    while True:
        kept = select(CHANGE.c.id).where(CHANGE.c.job_id == job_id, CHANGE.c.before.is_not(None)).limit(CHANGES_AT_ONCE)
        with transaction():
            number = clear_before(CHANGE.c.id.in_(kept), exists().where(*at_rest))
            if not number:
                db.session.execute(update(JOB).where(*at_rest).values(pruned_at=utcnow()))
                return forgotten
        forgotten += number


def _undo_began() -> ColumnElement[bool]:
    undo = JOB.alias()
    return exists().where(undo.c.undoes_id == JOB.c.id)


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
    for table in (ROW, SAMPLE):
        db.session.execute(delete(table).where(table.c.job_id.in_(job_ids)))
    db.session.execute(update(JOB).where(JOB.c.id.in_(job_ids)).values(pruned_at=utcnow()))
