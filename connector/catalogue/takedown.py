"""Takedown: deletes items with files and earlier states, and excludes them from imports until they are allowed again.

Only the exclusion remains, and in each job that changed the item one row with the reason, but without title or data.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, insert, select, update

from ..accounts import audit
from ..actor import current_actor
from ..dspace.urls import handle_in, is_uuid, object_of, path_of
from ..errors import InvalidInputError
from ..extensions import db, execute_counted, transaction, utcnow
from ..i18n import gettext as _
from ..models.catalogue import EXCLUSION, HOLDING, ITEM, Exclusion
from ..models.changes import CHANGE, Action
from ..models.jobs import JOB
from ..models.previews import ROW, SAMPLE_ITEM
from ..pagination import Order
from ..storage.garbage_collection import check_disk, delete_unreferenced_files
from ..text import csv_lines, csv_safe
from .identity import Known
from .job_changes import clear_before
from .missing import delete_items

ITEMS_AT_ONCE = 100
NEWEST_FIRST = Order((Exclusion.id,), is_descending=True)
IDENTITY = (ITEM.c.id, ITEM.c.source_key, ITEM.c.source_id, ITEM.c.handle)


@dataclass(frozen=True, slots=True)
class Named:
    """The items of a list: ids of stored items, and handles or ids of items that are not stored."""

    item_ids: tuple[int, ...]
    unknown: tuple[str, ...] = ()


def excluded_ids(repository_id: int, subjects: Sequence[Known]) -> set[str]:
    """Return the ids of the items and failures that a takedown excludes, or their handles if they have no id.

    The handle decides, as for items. A UUID also finds an item whose handle has changed. The numbers of DSpace 4 and 5
    do not, because they belong to other items after an upgrade.
    """
    mine = EXCLUSION.c.repository_id == repository_id
    if db.session.scalar(select(EXCLUSION.c.id).where(mine).limit(1)) is None:
        return set()  # most repositories have none, and this runs twice for each page of an import
    names = {name for subject in subjects for name in (subject.id, subject.handle) if name}
    named = EXCLUSION.c.source_key.in_(names) | EXCLUSION.c.source_id.in_(names)
    rows = db.session.execute(select(EXCLUSION.c.source_key, EXCLUSION.c.source_id).where(mine, named)).all()
    keys = {row.source_key for row in rows}
    ids = {row.source_id for row in rows if is_uuid(row.source_id)}
    out = [subject for subject in subjects if (subject.handle or subject.id) in keys or subject.id in ids | keys]
    return {name for subject in out if (name := subject.id or subject.handle)}


def find_items(repository_id: int, lines: Iterable[str]) -> Named:
    """Return the items that lines of handles, ids or URLs name. Raise InvalidInputError if there are none."""
    names = list(dict.fromkeys(_name(line) for line in lines if line.strip()))
    if not names:
        raise InvalidInputError(_("Enter at least one item: its handle, ID or address."), "names")
    mine = ITEM.c.repository_id == repository_id
    ids, known = dict[int, None](), set[str]()
    for start in range(0, len(names), ITEMS_AT_ONCE):
        part = names[start : start + ITEMS_AT_ONCE]
        meant = ITEM.c.source_key.in_(part) | ITEM.c.handle.in_(part) | ITEM.c.source_id.in_(part)
        for row in db.session.execute(select(*IDENTITY).where(mine, meant)):
            ids[row.id] = None
            known.update((row.source_key, row.source_id, row.handle))
    return Named(tuple(ids), tuple(name for name in names if name not in known))


def _leave(item_ids: Select[int]) -> None:
    """Leave what was published of these items as it is."""


def take_down(
    repository_id: int,
    what: Named,
    reason: str,
    also_unknown: bool = False,
    withdraw: Callable[[Select[int]], None] = _leave,
) -> int:
    """Delete and exclude the stored items, and exclude the others if wanted. Return the number of deleted items.

    `withdraw`: queues what happens to the published items. It is called in the transaction that deletes the items, just
    before, with a SELECT of their ids.
    Raise InvalidInputError without a reason, StorageError if the files folder is unavailable. Imports can go on,
    because they check the exclusions when they write.
    """
    reason = reason.strip()
    if not reason:
        raise InvalidInputError(_("Enter the reason for the takedown. It is stored with each excluded item."), "reason")
    check_disk()
    removed = 0
    for start in range(0, len(what.item_ids), ITEMS_AT_ONCE):
        with transaction():
            rows = _held(repository_id, what.item_ids[start : start + ITEMS_AT_ONCE])
            shared = _handles_of_others(repository_id, rows, what.item_ids)
            for row in rows:
                _exclude(repository_id, row, reason, by_id=row.handle in shared)
                _wipe(repository_id, row, reason)
            ids = [row.id for row in rows]
            withdraw(select(ITEM.c.id).where(ITEM.c.id.in_(ids)))
            delete_items(ids)
            audit.note("takedown", reason, repository=repository_id, items=[row.source_key for row in rows])
        removed += len(rows)
    if also_unknown:
        with transaction():
            for name in what.unknown:
                _exclude(repository_id, UnknownItem(name, name, handle_in(name)), reason)
            audit.note("takedown", reason, repository=repository_id, not_held=list(what.unknown))
    delete_unreferenced_files()
    return removed


@dataclass(frozen=True, slots=True)
class UnknownItem:
    """The identifiers of an item that is not stored, taken from the given name."""

    source_key: str
    source_id: str
    handle: str | None


def exclusions(repository_id: int | None = None) -> Any:
    """Return a SELECT of the exclusions, newest first, of one repository or of all."""
    query = NEWEST_FIRST.sort(select(Exclusion))
    return query if repository_id is None else query.where(Exclusion.repository_id == repository_id)


def allow(exclusion_ids: Collection[int]) -> int:
    """Delete these exclusions, so that the next import adds the items again. Return their number."""
    with transaction():
        mine = EXCLUSION.c.id.in_(exclusion_ids)
        audit.note("allow again", "", items=list(db.session.scalars(select(EXCLUSION.c.source_key).where(mine))))
        return execute_counted(delete(EXCLUSION).where(mine))


def allow_named(repository_id: int, lines: Iterable[str]) -> int:
    """Delete the exclusions that handles, ids or URLs name. Raise InvalidInputError if one is not excluded."""
    names = {_name(line) for line in lines}
    mine = EXCLUSION.c.repository_id == repository_id
    meant = EXCLUSION.c.source_key.in_(names) | EXCLUSION.c.source_id.in_(names)
    rows = db.session.execute(select(EXCLUSION.c.id, EXCLUSION.c.source_key, EXCLUSION.c.source_id).where(mine, meant))
    found = rows.all()
    if lacking := sorted(names - {name for row in found for name in (row.source_key, row.source_id)}):
        raise InvalidInputError(_("Not excluded: %(lacking)s.", lacking=", ".join(lacking)))
    return allow([row.id for row in found])


COLUMNS = ("repository", "handle", "source_id", "reason", "owner", "created")


def as_csv(repository_id: int | None = None) -> str:
    """Return the exclusions as CSV under COLUMNS, newest first. Cells are safe against formulas."""
    return "".join(csv_lines([COLUMNS, *map(_cells, db.session.scalars(exclusions(repository_id)))]))


def _cells(one: Exclusion) -> list[str]:
    values = (one.repository.site_url, one.handle or "", one.source_id, one.reason, one.owner)
    return [*map(csv_safe, values), f"{one.created:%Y-%m-%dT%H:%M:%S}Z"]


def _name(line: str) -> str:
    """Return the handle or id that a line names."""
    text = line.strip()
    if handle := handle_in(text):
        return handle
    path = path_of(text)
    found = None if path is None else object_of(path)
    return found[1] if found else text


def _held(repository_id: int, item_ids: Collection[int]) -> Sequence[Any]:
    mine = (ITEM.c.repository_id == repository_id, ITEM.c.id.in_(item_ids))
    return db.session.execute(select(*IDENTITY).where(*mine)).all()


def _handles_of_others(repository_id: int, rows: Sequence[Any], item_ids: Collection[int]) -> set[str]:
    """Return the handles that these rows share with items that stay."""
    handles = {row.handle for row in rows if row.handle}
    holders = select(ITEM.c.id, ITEM.c.handle).where(ITEM.c.repository_id == repository_id, ITEM.c.handle.in_(handles))
    taken = set(item_ids)
    return {row.handle for row in db.session.execute(holders) if row.id not in taken}


def _exclude(repository_id: int, row: Any, reason: str, *, by_id: bool = False) -> None:
    """Exclude the item, and delete its rows in previews.

    `by_id`: another item that stays has the same handle, so the id is excluded instead.
    """
    key = row.source_id if by_id else row.source_key
    mine = (EXCLUSION.c.repository_id == repository_id, EXCLUSION.c.source_key == key)
    db.session.execute(delete(EXCLUSION).where(*mine))
    for table in (ROW, SAMPLE_ITEM):
        here = table.c.job_id.in_(select(JOB.c.id).where(JOB.c.repository_id == repository_id))
        same = (table.c.source_key == row.source_key) | (table.c.source_id == row.source_id)
        db.session.execute(delete(table).where(here, same))
    identity = {"source_key": key, "source_id": row.source_id, "handle": row.handle}
    values = {"repository_id": repository_id, "reason": reason, "owner": current_actor(), "created": utcnow()}
    db.session.execute(insert(EXCLUSION).values(values | identity))


def _wipe(repository_id: int, row: Any, reason: str) -> None:
    """Delete everything about an item from the jobs, except that it was taken down and why."""
    here = CHANGE.c.job_id.in_(select(JOB.c.id).where(JOB.c.repository_id == repository_id))
    same = CHANGE.c.source_key == row.source_key
    if is_uuid(row.source_id):
        same |= CHANGE.c.source_id == row.source_id
    its = (CHANGE.c.item_id == row.id) | (here & same)
    holding = HOLDING.c.item_id == row.id
    jobs = set(db.session.scalars(select(CHANGE.c.job_id).where(its)))
    for created_by_job_id, last_seen_job_id in db.session.execute(
        select(HOLDING.c.created_by_job_id, HOLDING.c.last_seen_job_id).where(holding)
    ):
        jobs |= {created_by_job_id, last_seen_job_id}
    clear_before(its)
    db.session.execute(update(CHANGE).where(its).values(title=None, technical_details=None))
    earlier = (CHANGE.c.action == Action.TAKEN_DOWN, CHANGE.c.source_key == row.source_key, CHANGE.c.job_id.in_(jobs))
    db.session.execute(delete(CHANGE).where(*earlier))
    values = {"action": Action.TAKEN_DOWN.value, "reason": reason}
    values |= {"source_key": row.source_key, "source_id": row.source_id, "handle": row.handle}
    if jobs:
        db.session.execute(insert(CHANGE), [values | {"job_id": job_id} for job_id in sorted(jobs)])
