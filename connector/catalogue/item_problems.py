"""The problems of items, as the changes of a job record them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import case, insert, select, union_all, update

from ..extensions import db
from ..models.catalogue import ITEM, CatalogueItem
from ..models.changes import CHANGE, Action, Change
from ..models.jobs import Job
from . import job_changes

# The actions of items that a job could not read fully.
UNREAD = (Action.FAILED, Action.FILES_UNLISTED)
PROBLEMS = (*UNREAD, Action.SHARES_HANDLE)
# Signed-out readers may read the problems of a job, too.
TITLE_IS_RESTRICTED = CatalogueItem.title_is_restricted | CatalogueItem.is_restricted


def of_job(job: Job, limit: int | None, with_restricted: bool) -> Iterator[dict[str, Any]]:
    """Yield the items that this job could not take over as they are, in the order of the job (see `problem`).

    `with_restricted`: without effect, because titles of restricted items are left out for all readers.
    """
    for row in db.session.execute(_of_job(job.id, limit)):
        yield problem(row, row.reason, row.item_id, row.technical_details)


def problem(row: Any, reason: str, item_id: int | None, technical_details: Sequence[str] | None) -> dict[str, Any]:
    """Return a problem as `jobs.report.problems` yields it. `row`: has the names of the item at its source."""
    names = {"id": row.source_id, "handle": row.handle, "title": row.title}
    return {**names, "reason": reason, "technical_details": list(technical_details or ()), "item_id": item_id}


def _of_job(job_id: int, limit: int | None) -> Any:
    """Return a SELECT of the items that this job could not take over as they are, in the order of the job."""
    names = (Change.source_id, Change.handle, Change.title)
    columns: tuple[Any, ...] = (Change.id, *names, Change.reason, Change.technical_details, Change.item_id)
    each = [job_changes.of_job(select(*columns), job_id, action).limit(limit).subquery() for action in PROBLEMS]
    found = union_all(*(select(one) for one in each)).order_by("id").limit(limit).subquery()
    title = case((TITLE_IS_RESTRICTED, None), else_=found.c.title).label("title")
    others = [found.c[name] for name in ("source_id", "handle", "reason", "technical_details", "item_id")]
    query = select(title, *others).outerjoin(CatalogueItem, CatalogueItem.id == found.c.item_id)
    return query.order_by(found.c.id)


def note(
    job_id: int,
    item_id: int | None,
    identifier: str,
    title: str | None,
    sentence: str,
    details: Collection[str] = (),
) -> None:
    """Add a sentence to the problems of an item in a job, inside the caller's transaction, unless it is there already.

    `identifier`, `title`: of the item at a destination, for an item that has left the catalogue. `details`: technical
    details.
    """
    columns = [ITEM.c[name] for name in ("source_key", "source_id", "handle", "title")]
    item = db.session.execute(select(*columns).where(ITEM.c.id == item_id)).one_or_none()
    new: dict[str, Any] = dict(item._mapping) if item else {"source_key": identifier, "title": title}
    mine = {"job_id": job_id, "action": Action.FAILED.value, "source_key": new["source_key"]}
    same = [CHANGE.c[name] == value for name, value in mine.items()]
    known = db.session.execute(select(CHANGE.c.reason, CHANGE.c.technical_details).where(*same)).one_or_none()
    if known is None:
        values = {"item_id": item_id if item else None, "reason": sentence, "technical_details": list(details) or None}
        db.session.execute(insert(CHANGE).values(new | mine | values))
    elif sentence not in known.reason:
        lines = list(dict.fromkeys((*(known.technical_details or ()), *details))) or None
        values = {"reason": f"{known.reason} {sentence}", "technical_details": lines}
        db.session.execute(update(CHANGE).where(*same).values(values))
