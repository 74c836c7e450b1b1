"""The changes that jobs made to items: reading them in order, and writing the states before them.

All code that writes `Change.before` uses the functions here. They keep the table `change_file` in step with it, so that
garbage collection finds the stored files that an undo needs. The caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, insert, tuple_, update

from ..extensions import db
from ..models.changes import CHANGE, CHANGE_FILE, Action, Change
from ..row_ids import MOST

IDS_PER_QUERY = 1000
_KEY = (Change.job_id, Change.action, Change.id)


def of_job(query: Select[Any], job_id: int, action: Action) -> Select[Any]:
    """Return the query limited to the changes of this job and kind, in the order of the index `ix_change_job`.

    With equality conditions, PostgreSQL may scan all changes by id until it finds the first of this kind.
    """
    first, last = (tuple_(job_id, action.value, number) for number in (0, MOST))
    return query.where(tuple_(*_KEY) > first, tuple_(*_KEY) < last).order_by(*_KEY)


def insert_changes(rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert changes, given as dicts with the same keys, among them `before`."""
    hashes = [stored_files(row["before"]) for row in rows]
    if not any(hashes):
        if rows:
            db.session.execute(insert(CHANGE), rows)
        return
    ids = db.session.scalars(insert(CHANGE).returning(CHANGE.c.id, sort_by_parameter_order=True), rows).all()
    _insert_files(dict(zip(ids, hashes, strict=True)))


def update_changes(rows: Mapping[int, Mapping[str, Any]]) -> None:
    """Update changes, given as new values by id. The values of all have the same keys, among them `before`."""
    if rows:
        by_id = update(CHANGE).where(CHANGE.c.id == bindparam("change_id"))
        db.session.execute(by_id, [{"change_id": change_id, **values} for change_id, values in rows.items()])
        db.session.execute(delete(CHANGE_FILE).where(CHANGE_FILE.c.change_id.in_(rows)))
        _insert_files({change_id: stored_files(values["before"]) for change_id, values in rows.items()})


def clear_before(*chosen: ColumnElement[bool]) -> int:
    """Delete the states before these changes, and return how many there were. Files that only they need may go."""
    cleared = update(CHANGE).where(*chosen, CHANGE.c.before.is_not(None)).values(before=None)
    ids = db.session.scalars(cleared.returning(CHANGE.c.id)).all()
    for start in range(0, len(ids), IDS_PER_QUERY):
        some = ids[start : start + IDS_PER_QUERY]
        db.session.execute(delete(CHANGE_FILE).where(CHANGE_FILE.c.change_id.in_(some)))
    return len(ids)


def stored_files(before: Mapping[str, Any] | None) -> set[str]:
    """Return the SHA-256 of the stored files that restoring this state needs."""
    files = (before or {}).get("data", {}).get("files", ())
    return {file["sha256"] for file in files if file["sha256"]}


def _insert_files(hashes: Mapping[int, set[str]]) -> None:
    """Insert the stored files of states, given as SHA-256 by the id of the change."""
    rows = [{"change_id": change_id, "sha256": sha256} for change_id, found in hashes.items() for sha256 in found]
    if rows:
        db.session.execute(insert(CHANGE_FILE), rows)
