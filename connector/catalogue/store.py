"""Stores items from a source and decides which are new, changed or unchanged, by identity and content.

It uses Core statements per page instead of session objects, to store thousands of items a second. The caller owns the
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, insert, select, update

from ..dspace.records import Item, SourceState
from ..extensions import db
from ..models.catalogue import FILE, ITEM
from . import facet_values, identity, problem_files, relation_rows, restricted_values
from .earlier_states import data_group, data_groups, state_group
from .file_rows import bitstream_of, file_rows, files_of, insert_files
from .identity import SeenIds, no_ids
from .item_rows import DATA, content_hash, item_data, item_row, write
from .repository_context import RepositoryContext

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class StoredItem:
    """The part of a stored item that is compared with a listing without details."""

    item_id: int
    key: str
    source_id: str
    handle: str | None
    last_modified: str | None
    source_state: str
    is_restored: bool

    def is_as(self, item: Item) -> bool:
        """Return whether it is the same item, with an unchanged time stamp at the source."""
        same = (self.source_id, self.handle, self.last_modified) == (item.id, item.handle, item.last_modified)
        is_known = item.last_modified is not None and self.source_state == SourceState.PRESENT
        return same and is_known and not self.is_restored


@dataclass(frozen=True, slots=True)
class Saved:
    """The result for one item: `outcome` is added, updated or unchanged; `before` has the groups that an undo restores.

    `key`: unique within the repository. `item_id`: None only for a new item in `compare`. `before` of an unchanged item
    may have its `last_modified`, if this has changed.
    """

    item: Item
    key: str
    item_id: int | None
    outcome: str
    before: dict[str, Any]

    @property
    def stored_id(self) -> int:
        """Return the id of an item that `save` has stored."""
        if self.item_id is None:
            raise ValueError("A preview stores no new item.")
        return self.item_id


def stored_items(repository_id: int, items: Sequence[Item]) -> dict[str, StoredItem]:
    """Return the stored items among these, by their id at the source."""
    columns = (ITEM.c.id, ITEM.c.last_modified, ITEM.c.source_state, ITEM.c.is_restored)
    return {
        id: StoredItem(row.id, row.key, row.sid, row.own_handle, row.last_modified, row.source_state, row.is_restored)
        for id, row in identity.find(repository_id, items, columns).items()
    }


def save(
    repository: RepositoryContext,
    items: Sequence[Item],
    seen: SeenIds = no_ids,
    closed: Mapping[str, Mapping[str, Any]] = NOTHING,
) -> list[Saved]:
    """Add new items and update those with other content. Items must be complete and unique. No commit.

    `seen`: a function that returns which of the given source ids this run has seen (see `identity.find`). `closed`: new
    values of files that stay although their items no longer list them, by file id. Items whose files could not be
    listed keep their stored files.
    """
    rows, data, fresh, known, changed = _sorted_out(repository, items, seen)
    ids = _insert(repository, fresh, data)
    added = [Saved(item, key := data[item.id]["source_key"], ids[key], "added", {}) for item in fresh]
    before = _update(repository, changed, rows, data, closed)
    _touch([(rows[item.id], data[item.id]) for item in known if item.id not in before])
    return added + _outcomes(repository, known, rows, before, data)


def compare(repository: RepositoryContext, items: Sequence[Item], seen: SeenIds = no_ids) -> list[Saved]:
    """Return what `save` would return for these items, in the same order, without writing."""
    rows, data, fresh, known, changed = _sorted_out(repository, items, seen)
    groups = data_groups([rows[item.id].id for item in changed])
    before = {item.id: {"data": groups[rows[item.id].id]} for item in changed}
    added = [Saved(item, data[item.id]["source_key"], None, "added", {}) for item in fresh]
    return added + _outcomes(repository, known, rows, before, data)


def _sorted_out(
    repository: RepositoryContext, items: Sequence[Item], seen: SeenIds
) -> tuple[dict[str, Any], dict[str, dict[str, Any]], list[Item], list[Item], list[Item]]:
    """Return stored rows and new data by source id, then the lists of new, known and changed items.

    Changed items are known items with other content.
    """
    states = (ITEM.c.source_state, ITEM.c.state_since, ITEM.c.last_modified, ITEM.c.is_restored)
    columns = (ITEM.c.id, ITEM.c.crosswalk_id, *states, *(ITEM.c[name] for name in DATA))
    rows = identity.find(repository.id, items, columns, seen)
    items = _with_held_files(items, rows)
    keys = identity.keys_for(repository.id, items, rows)
    data = {item.id: item_data(repository, item, keys[item.id]) for item in items}
    known = [item for item in items if item.id in rows]
    changed = [item for item in known if _is_changed(item, rows[item.id].content_hash, data[item.id])]
    return rows, data, [item for item in items if item.id not in rows], known, changed


def _is_changed(item: Item, stored_hash: str, data: Mapping[str, Any]) -> bool:
    """Return whether an item has other content than is stored, apart from an id that OAI-PMH did not give."""
    if stored_hash == data["content_hash"]:
        return False
    return item.handle is None or stored_hash != content_hash(item, item.handle, data["source_metadata"])


def _with_held_files(items: Sequence[Item], rows: Mapping[str, Any]) -> list[Item]:
    """Return the items, with stored files for those whose files could not be listed."""
    unlisted = {rows[item.id].id for item in items if item.files_error is not None and item.id in rows}
    held = files_of(unlisted) if unlisted else {}
    return [
        replace(item, bitstreams=tuple(bitstream_of(file) for file in held.get(rows[item.id].id, ())))
        if item.files_error is not None and item.id in rows
        else item
        for item in items
    ]


def _outcomes(
    repository: RepositoryContext,
    known: Sequence[Item],
    rows: Mapping[str, Any],
    before: Mapping[str, dict[str, Any]],
    data: Mapping[str, Any],
) -> list[Saved]:
    """Return the results for stored items. An item that is at its source again counts as updated."""
    outcomes = []
    for item in known:
        row, groups = rows[item.id], dict(before.get(item.id, {}))
        if groups and row.crosswalk_id != repository.rules.id:
            groups["crosswalk"] = row.crosswalk_id
        if row.source_state != SourceState.PRESENT:
            groups["state"] = state_group(row)
        outcome = "updated" if groups else "unchanged"
        if row.last_modified != item.last_modified:
            groups["last_modified"] = row.last_modified
        outcomes.append(Saved(item, data[item.id]["source_key"], row.id, outcome, groups))
    return outcomes


def _insert(repository: RepositoryContext, fresh: list[Item], data: Mapping[str, dict[str, Any]]) -> dict[str, int]:
    """Insert new items with their files, facet values and relations. Return their ids by source key."""
    if not fresh:
        return {}
    state = {"repository_id": repository.id, "source_state": SourceState.PRESENT.value}
    files = {data[item.id]["source_key"]: file_rows(item, {}) for item in fresh}
    rows = [
        item_row(repository, data[item.id], its_files) for item, its_files in zip(fresh, files.values(), strict=True)
    ]
    db.session.execute(insert(ITEM), [state | row for row in rows])
    query = select(ITEM.c.source_key, ITEM.c.id).where(ITEM.c.repository_id == repository.id)
    ids = dict(db.session.execute(query.where(ITEM.c.source_key.in_(files))).all())
    insert_files({ids[key]: its_files for key, its_files in files.items()})
    values = {row["source_key"]: row["mapped_values"] for row in rows}
    facet_values.add({ids[key]: facet_values.values_of(values[key], files[key]) for key in values})
    relation_rows.add({ids[row["source_key"]]: row["source_metadata"] for row in rows})
    return ids


def _update(
    repository: RepositoryContext,
    changed: list[Item],
    rows: Mapping[str, Any],
    data: Mapping[str, Any],
    closed: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Write changed items. Return the previous "data" group of each, by source id. Equal values keep their marks."""
    if not changed:
        return {}
    files = files_of([rows[item.id].id for item in changed])
    before = {}
    for item in changed:
        row = rows[item.id]
        old = files.get(row.id, [])
        before[item.id] = {"data": data_group(row, old)}
        present = {"source_state": SourceState.PRESENT.value, "state_since": None}
        metadata = restricted_values.with_marks_of(row.source_metadata, data[item.id]["source_metadata"])
        new_rows = file_rows(item, {file["bitstream_id"]: file for file in old})
        kept = [{**file, **closed[file["bitstream_id"]]} for file in old if file["bitstream_id"] in closed]
        new_rows += [{**file, "position": position} for position, file in enumerate(kept, len(new_rows))]
        values = item_row(repository, data[item.id] | {"source_metadata": metadata}, new_rows) | present
        write(row.id, values, new_rows)
        db.session.execute(delete(FILE).where(FILE.c.item_id == row.id))
        insert_files({row.id: new_rows})
    problem_files.mark([rows[item.id].id for item in changed])
    return before


def _touch(pairs: Iterable[tuple[Any, dict[str, Any]]]) -> None:
    """Update the time stamp, id and state of items with unchanged content, and whether they were read in full."""
    names = ("last_modified", "is_restored", "source_id", "page_link", "content_hash")
    for row, data in pairs:
        is_moved = row.last_modified != data["last_modified"] or row.source_state != SourceState.PRESENT
        if is_moved or row.is_restored != data["is_restored"] or row.content_hash != data["content_hash"]:
            values = {name: data[name] for name in names} | {"source_state": "present", "state_since": None}
            db.session.execute(update(ITEM).where(ITEM.c.id == row.id).values(values))
