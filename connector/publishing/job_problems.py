"""The problems of single items in publishing jobs and their undo. An item has one row, with all its sentences."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update

from ..extensions import db
from ..models.catalogue import CatalogueItem
from ..models.changes import Action, Change
from .item_failures import Problem

ITEM, PROBLEM = CatalogueItem.__table__, Change.__table__


def note(job_id: int, item_id: int | None, identifier: str, title: str | None, problem: Problem) -> None:
    """Add a problem to those of a job, inside the caller's transaction, unless it is there already.

    `identifier`, `title`: of the item at the destination, for an item that has left the catalogue.
    """
    columns = [ITEM.c[name] for name in ("source_key", "source_id", "handle", "title")]
    item = db.session.execute(select(*columns).where(ITEM.c.id == item_id)).one_or_none()
    new: dict[str, Any] = dict(item._mapping) if item else {"source_key": identifier, "title": title}
    mine = {"job_id": job_id, "action": Action.FAILED.value, "source_key": new["source_key"]}
    same = [PROBLEM.c[name] == value for name, value in mine.items()]
    known = db.session.execute(select(PROBLEM.c.reason, PROBLEM.c.technical_details).where(*same)).one_or_none()
    sentence, details = problem
    if known is None:
        values = {"item_id": item_id if item else None, "reason": sentence, "technical_details": list(details) or None}
        db.session.execute(insert(PROBLEM).values(new | mine | values))
    elif sentence not in known.reason:
        lines = list(dict.fromkeys((*(known.technical_details or ()), *details))) or None
        values = {"reason": f"{known.reason} {sentence}", "technical_details": lines}
        db.session.execute(update(PROBLEM).where(*same).values(values))
