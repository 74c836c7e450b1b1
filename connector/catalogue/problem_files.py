"""Updates the columns of holdings about problem files, so that pages need not read all files."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import case, exists, func, select, update

from ..extensions import db
from ..models.catalogue import CatalogueFile, FileStatus, Holding

FILE, HOLDING = CatalogueFile.__table__, Holding.__table__
LISTED = tuple(status.value for status in FileStatus if status.is_listed)
RETRIED = tuple(status.value for status in FileStatus if status.can_be_retried)
_OF_ITEM = FILE.c.item_id == HOLDING.c.item_id
_HAS_SOME = exists().where(_OF_ITEM, FILE.c.status.in_(LISTED))
_NEEDS = case((FILE.c.status.in_(RETRIED), 0), (FILE.c.status == FileStatus.TOO_LARGE.value, FILE.c.size))
_RETRY_LIMIT = select(func.min(_NEEDS)).where(_OF_ITEM).scalar_subquery()
_MARKS = {"has_problem_files": _HAS_SOME, "retry_limit_bytes": _RETRY_LIMIT}
_OUTDATED = (HOLDING.c.has_problem_files != _HAS_SOME) | HOLDING.c.retry_limit_bytes.is_distinct_from(_RETRY_LIMIT)


def mark(item_ids: Collection[int]) -> None:
    """Update the columns after a change to the files or holdings of these items. No commit."""
    if item_ids:
        db.session.execute(update(HOLDING).where(HOLDING.c.item_id.in_(item_ids), _OUTDATED).values(_MARKS))
