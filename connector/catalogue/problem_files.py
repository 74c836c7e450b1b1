"""Records files that could not be downloaded: by job, and in columns of holdings.

With the columns, pages need not read all files.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import case, delete, exists, func, insert, select, tuple_, update

from ..extensions import db
from ..models.catalogue import FILE, HOLDING, FileStatus
from ..models.changes import PROBLEM

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


def record(job_id: int, rows: Sequence[Any], reason: str | None) -> None:
    """Record files that a job could not download, with the reason. No commit."""
    common = {"job_id": job_id, "reason": reason}
    values = [common | {"item_id": row.item_id, "bitstream_id": row.bitstream_id} for row in rows]
    db.session.execute(insert(PROBLEM), values)


def forget(job_id: int, rows: Sequence[Any]) -> None:
    """Delete what `record` noted about these files, because the job tries them again. No commit."""
    files = tuple_(PROBLEM.c.item_id, PROBLEM.c.bitstream_id).in_([(row.item_id, row.bitstream_id) for row in rows])
    db.session.execute(delete(PROBLEM).where(PROBLEM.c.job_id == job_id, files))
