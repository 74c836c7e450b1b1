"""What of an import can be tried again by itself. What a later run has looked at since is for that one to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Row, Select, exists, or_, select

from ..catalogue.models import Action, CatalogueFile, CatalogueItem, Change, Fate, Holding
from ..extensions import db
from ..repositories.models import Source

FILE, ITEM = CatalogueFile.__table__, CatalogueItem.__table__
CHANGE, HOLDING = Change.__table__, Holding.__table__


def file_limit(options: Mapping[str, Any]) -> int:
    """The size in bytes up to which an import with these options fetches a file: what all may have, or less."""
    most = current_app.config["FILE_LIMIT"]
    return min(most, *(options.get(name) or most for name in ("file_limit", "files_limit")))


def may_come(limit: int) -> ColumnElement[bool]:
    """The SQL condition on a file that did not come, and may at another time; a larger one than `limit` does not."""
    fits = (FILE.c.fate == Fate.TOO_LARGE) & (FILE.c.size <= limit)
    return or_(FILE.c.fate.in_([fate for fate in Fate if fate.can_be_retried]), fits)


def is_possible(job_id: int, source_id: int, options: Mapping[str, Any]) -> bool:
    """Whether an item could not be read, or a file is lacking, of what the job was the last to look at."""
    return lacks_files(job_id, source_id, options) or _is_any(_failed(job_id, source_id))


def lacks_files(job_id: int, source_id: int, options: Mapping[str, Any]) -> bool:
    """Whether files did not come, now or at an earlier import, of items that the job was the last to see."""
    return _is_any(_last_seen(job_id, source_id).where(may_come(file_limit(options))))


def damaged_items(job_id: int, source_id: int) -> Sequence[Row[Any]]:
    """The items with damaged files that this job was the last to see: (source_id, handle, title)."""
    query = _last_seen(job_id, source_id).where(FILE.c.fate == Fate.DAMAGED)
    return db.session.execute(query.distinct().order_by(ITEM.c.id)).all()


def _is_any(query: Select[Any]) -> bool:
    return db.session.execute(query.limit(1)).first() is not None


def _last_seen(job_id: int, source_id: int) -> Select[Any]:
    """Return a SELECT of the items with problem files that the job was the last to see, joined to their files."""
    query = select(ITEM.c.source_id, ITEM.c.handle, ITEM.c.title, ITEM.c.id).join(FILE, FILE.c.item_id == ITEM.c.id)
    query = query.join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
    return query.where(HOLDING.c.source_id == source_id, HOLDING.c.seen_by == job_id, HOLDING.c.has_problem_files)


def _failed(job_id: int, source_id: int) -> Select[Any]:
    """Return a SELECT of the failures of this job whose items no later job of the source has seen."""
    repository_id = select(Source.repository_id).where(Source.id == source_id).scalar_subquery()
    later = (HOLDING.c.source_id == source_id, HOLDING.c.seen_by > job_id, HOLDING.c.item_id == ITEM.c.id)
    failed = (CHANGE.c.job_id == job_id, CHANGE.c.action == Action.FAILED, CHANGE.c.source_id.is_not(None))
    query = select(CHANGE.c.id).where(*failed)
    for name in ("source_key", "source_id"):  # one EXISTS each: with an OR no index would serve
        same = (ITEM.c.repository_id == repository_id, ITEM.c[name] == CHANGE.c[name])
        query = query.where(~exists().where(*same, *later))
    return query
