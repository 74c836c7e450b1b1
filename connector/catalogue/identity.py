"""Finds items again by handle and id, and gives each a key that no other item of its repository has (design rule 4)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from itertools import chain, count
from typing import Any, Protocol

from sqlalchemy import select

from ..dspace.records import Item
from ..dspace.urls import is_uuid
from ..extensions import db
from ..models.catalogue import CatalogueItem

ITEM = CatalogueItem.__table__
Met = Callable[[Collection[str]], set[str]]


class Known(Protocol):
    """What an item is known by at its source, whether it could be read or not."""

    @property
    def id(self) -> str | None: ...

    @property
    def handle(self) -> str | None: ...


def source_key(subject: Known) -> str:
    """Return what should identify an item within its repository: its handle, which survives upgrades, else its id."""
    return subject.handle or subject.id or ""


def free_key(names: Sequence[str | None], taken: Container[str]) -> str:
    """Return the first of these names that is not taken as a key, else the last of them with a number."""
    given = [name for name in names if name]
    numbered = (f"{given[-1]} ({number})" for number in count(2))
    return next(key for key in chain(given, numbered) if key not in taken)


def nobody_met(ids: Collection[str]) -> set[str]:
    """Return the ids that were met in this run where nobody keeps count: none."""
    return set()


def find(repository_id: int, items: Sequence[Item], columns: Sequence[Any], met: Met = nobody_met) -> dict[str, Any]:
    """Return the rows that are held of these items, by the item's id; each has `key` and `sid` besides the columns.

    An item with both the id and the handle of a row is that item. Else the handle decides, unless the row is an item
    that was `met` in this run or is a rival (see `rivals`) still at the source: then two items have one handle.
    A UUID finds an item whose handle has changed. A number finds only an item without handle, since a repository that
    was built anew uses its numbers again.
    """
    query = select(ITEM.c.source_key.label("key"), ITEM.c.source_id.label("sid"), ITEM.c.handle.label("held"), *columns)
    query = query.where(ITEM.c.repository_id == repository_id)
    by_key = {row.key: row for row in db.session.execute(query.where(ITEM.c.source_key.in_(map(source_key, items))))}
    found = {item.id: row for item in items if (row := by_key.get(source_key(item))) and row.sid == item.id}
    left = [item for item in items if item.id not in found]
    if not left:
        return found
    by_id: dict[str, list[Any]] = {}
    for row in db.session.execute(query.where(ITEM.c.source_id.in_([item.id for item in left]))):
        by_id.setdefault(row.sid, []).append(row)
    others = [row.sid for item in left if (row := by_key.get(source_key(item)))]
    claimed = met(others) if others else set()
    for rule in (
        lambda item: (row for row in by_id.get(item.id, ()) if row.held == item.handle),
        lambda item: (row for row in [by_key.get(source_key(item))] if row and row.sid not in claimed),
        lambda item: (row for row in by_id.get(item.id, ()) if is_uuid(row.sid) or row.held is None),
    ):
        _match(found, left, rule)
    return found


def rivals(repository_id: int, items: Sequence[Item]) -> list[Any]:
    """Return the rows whose handle belongs to one of these items now, which is not held and has another UUID.

    An item keeps its UUID for life, so a row goes to the new item only where the source has lost the one held.
    """
    new = {item.handle: item.id for item in items if item.handle and is_uuid(item.id)}
    columns = (ITEM.c.source_key, ITEM.c.source_id, ITEM.c.handle)
    query = select(*columns).where(ITEM.c.repository_id == repository_id, ITEM.c.source_key.in_(new))
    rows = [row for row in db.session.execute(query) if row.source_id != new[row.source_key] and is_uuid(row.source_id)]
    if not rows:
        return []
    ids = [new[row.source_key] for row in rows]
    mine = (ITEM.c.repository_id == repository_id, ITEM.c.source_id.in_(ids))
    held = set(db.session.scalars(select(ITEM.c.source_id).where(*mine)))
    return [row for row in rows if new[row.source_key] not in held]


def keys_for(repository_id: int, items: Sequence[Item], rows: Mapping[str, Any]) -> dict[str, str]:
    """Return the key that each item is to have, by its id. `rows`: what is held of them (see `find`).

    An item keeps its key where the one that it should have belongs to another.
    """
    wanted = {item.id: source_key(item) for item in items}
    keys = {id: row.key for id, row in rows.items()}
    new = [item for item in items if keys.get(item.id) != wanted[item.id]]
    if not new:
        return keys
    taken = _held(repository_id, {name for item in new for name in (item.handle, item.id) if name}) | set(keys.values())
    for item in new:
        names = (item.handle, item.id)
        while _held(repository_id, {key := free_key(names, taken)}):
            taken.add(key)
        if item.id not in keys or key == wanted[item.id]:
            keys[item.id] = key
            taken.add(key)
    return keys


def is_free(repository_id: int, key: str, item_id: int) -> bool:
    """Return whether no other item of the repository has this key."""
    other = (ITEM.c.repository_id == repository_id, ITEM.c.source_key == key, ITEM.c.id != item_id)
    return db.session.scalar(select(ITEM.c.id).where(*other)) is None


def _held(repository_id: int, keys: Collection[str]) -> set[str]:
    query = select(ITEM.c.source_key).where(ITEM.c.repository_id == repository_id, ITEM.c.source_key.in_(keys))
    return set(db.session.scalars(query))


def _match(found: dict[str, Any], items: Iterable[Item], rule: Callable[[Item], Iterable[Any]]) -> None:
    """Give each item without a row the first one that the rule finds and that no other item has."""
    taken = {row.key for row in found.values()}
    for item in items:
        if item.id not in found and (row := next((row for row in rule(item) if row.key not in taken), None)):
            found[item.id] = row
            taken.add(row.key)
