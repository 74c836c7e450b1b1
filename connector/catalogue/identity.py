"""Identifies items by handle and id, and gives each a key that is unique in its repository (design rule 4)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from typing import Any, Protocol

from sqlalchemy import select, update

from ..dspace.records import Item
from ..dspace.urls import is_uuid
from ..extensions import db
from ..models.catalogue import ITEM
from .repository_context import RepositoryContext
from .source_links import page_link

SeenIds = Callable[[Collection[str]], set[str]]


class Known(Protocol):
    """An item's identifiers at its source, even if the item could not be read."""

    @property
    def id(self) -> str | None:
        """Return the id at the source, or None."""

    @property
    def handle(self) -> str | None:
        """Return the handle, or None."""


def source_key(subject: Known) -> str:
    """Return the preferred key of an item: its handle, which survives upgrades, else its id."""
    return subject.handle or subject.id or ""


def free_key(names: Sequence[str | None], taken: Container[str]) -> str:
    """Return the first of these names that is not taken as a key, else the last of them with a number."""
    given = [name for name in names if name]
    numbered = (f"{given[-1]} ({number})" for number in count(2))
    return next(key for key in chain(given, numbered) if key not in taken)


def no_ids(ids: Collection[str]) -> set[str]:
    """Return no ids. The default for callers that do not record the items of a run."""
    return set()


def find(repository_id: int, items: Sequence[Item], columns: Sequence[Any], seen: SeenIds = no_ids) -> dict[str, Any]:
    """Return the stored rows of these items, by item id. Each row also has `key`, `sid` and `own_handle`.

    A row with both the id and the handle of an item is that item. Otherwise the handle decides, unless `seen` returns
    the row's source id: this run has seen that item, or it is a rival that is still at the source (see `rivals`). Then
    two items have the same handle. But a row whose id is its handle was read over OAI-PMH and is the item. A UUID also
    finds an item whose handle has changed. A number only finds an item without handle, because a repository that was
    reinstalled reuses its numbers.
    """
    query = select(
        ITEM.c.source_key.label("key"), ITEM.c.source_id.label("sid"), ITEM.c.handle.label("own_handle"), *columns
    )
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
    claimed = seen(others) if others else set()
    for rule in (
        lambda item: (row for row in by_id.get(item.id, ()) if row.own_handle == item.handle),
        lambda item: (
            row for row in [by_key.get(source_key(item))] if row and (row.sid == row.key or row.sid not in claimed)
        ),
        lambda item: (row for row in by_id.get(item.id, ()) if is_uuid(row.sid) or row.own_handle is None),
    ):
        _match(found, left, rule)
    return found


def with_known_ids(repository: RepositoryContext, items: Sequence[Item]) -> list[Item]:
    """Return items that were read over OAI-PMH with their ids, as far as these are stored.

    Store the ids of items that are stored without. That is no change of an item. The caller owns the transaction.
    """
    query = select(ITEM.c.source_key, ITEM.c.source_id).where(ITEM.c.repository_id == repository.id)
    by_handle = {item.handle: item for item in items if item.handle}
    stored = dict(db.session.execute(query.where(ITEM.c.source_key.in_(by_handle))).all())
    new = {handle: item for handle, item in by_handle.items() if stored.get(handle) == handle != item.id}
    held = ITEM.c.source_id.in_([item.id for item in new.values()])
    taken = set(db.session.scalars(query.with_only_columns(ITEM.c.source_id).where(held))) if new else set()
    for handle, item in new.items():
        if item.id not in taken:
            values = {"source_id": item.id, "page_link": page_link(repository.server, item.id, handle)}
            mine = (ITEM.c.repository_id == repository.id, ITEM.c.source_key == handle)
            db.session.execute(update(ITEM).where(*mine).values(values))
    return [replace(item, id=stored.get(item.handle, item.id)) if item.id == item.handle else item for item in items]


def rivals(repository_id: int, items: Sequence[Item]) -> list[Any]:
    """Return the rows that have the handle of one of these items, but another UUID, if the item itself is not stored.

    An item never changes its UUID. So the row becomes the new item only if the old one is missing at the source.
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
    """Return the key of each item, by item id. `rows`: the stored rows of the items (see `find`).

    An item keeps its current key if its preferred key belongs to another item.
    """
    wanted = {item.id: source_key(item) for item in items}
    keys = {id: row.key for id, row in rows.items()}
    new = [item for item in items if keys.get(item.id) != wanted[item.id]]
    if not new:
        return keys
    taken = _held(repository_id, {name for item in new for name in (item.handle, item.id) if name}) | set(keys.values())
    for item in new:
        names = (item.handle, item.id)
        # `taken` has the names of all new items that are keys, so only a name with a number may be an unknown key.
        while (key := free_key(names, taken)) not in names and _held(repository_id, {key}):
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
    """Assign to each unmatched item the first row of the rule that is not yet assigned."""
    taken = {row.key for row in found.values()}
    for item in items:
        if item.id not in found and (row := next((row for row in rule(item) if row.key not in taken), None)):
            found[item.id] = row
            taken.add(row.key)
