"""The problems of single items in publishing jobs and their undo. An item has one row, with all its sentences."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update

from ..extensions import db
from ..models.catalogue import CatalogueItem
from ..models.changes import Action, Change

ITEM, PROBLEM = CatalogueItem.__table__, Change.__table__


def note(job_id: int, item_id: int | None, identifier: str, title: str | None, sentence: str) -> None:
    """Add a sentence to the problems of a job, inside the caller's transaction, unless it is there already.

    `identifier`, `title`: of the item at the destination, for an item that has left the catalogue.
    """
    columns = [ITEM.c[name] for name in ("source_key", "source_id", "handle", "title")]
    item = db.session.execute(select(*columns).where(ITEM.c.id == item_id)).one_or_none()
    new: dict[str, Any] = dict(item._mapping) if item else {"source_key": identifier, "title": title}
    mine = {"job_id": job_id, "action": Action.FAILED.value, "source_key": new["source_key"]}
    same = [PROBLEM.c[name] == value for name, value in mine.items()]
    known = db.session.scalar(select(PROBLEM.c.reason).where(*same))
    if known is None:
        held = item_id if item else None
        db.session.execute(insert(PROBLEM).values(new | mine | {"item_id": held, "reason": sentence}))
    elif sentence not in known:
        db.session.execute(update(PROBLEM).where(*same).values(reason=f"{known} {sentence}"))
