"""Stores items from a source and decides which are new, changed or unchanged, by identity and content.

It uses Core statements per page instead of session objects, to store thousands of items a second. The caller owns the
transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, exists, insert, select, update

from ..characters import storable
from ..dspace.records import Bitstream, Item, Server, SourceState
from ..extensions import db
from ..models.catalogue import CatalogueFile, CatalogueItem, FileStatus, StoredFile
from ..word_search import search_text
from . import identity, problem_files, restricted_values
from .crosswalk import crosswalk
from .identity import Met, nobody_met, source_key
from .source_links import handle_link, page_link

ITEM = CatalogueItem.__table__
FILE = CatalogueFile.__table__
STORED = StoredFile.__table__
DATA = (  # of an item, restored by an undo; the time stamp has its own group
    *("source_key", "source_id", "handle", "handle_link", "page_link"),
    *("title", "source_metadata", "content_hash"),
)
FILE_DATA = tuple(column.name for column in FILE.columns if column.name not in ("id", "item_id"))
BITSTREAM = ("bundle", "sequence", "name", "description", "media_type", "size", "checksum", "checksum_algorithm")
KEPT = (
    *("sha256", "is_outdated", "fate", "reason", "tried_by", "first_met_by"),
    *("by_login", "name_is_restricted", "until", "is_unstable"),
)
UNTRIED = dict.fromkeys(KEPT) | {
    "fate": FileStatus.LINKED.value,
    "is_outdated": False,
    "by_login": False,
    "name_is_restricted": False,
    "is_unstable": False,
}
NOTHING: Mapping[str, Any] = MappingProxyType({})
# Values of a file whose content is damaged or missing in the folder.
LOST = {"fate": FileStatus.LINKED.value, "sha256": None, "is_outdated": False, "tried_by": None}


@dataclass(frozen=True, slots=True)
class RepositoryContext:
    """The repository of items, and its settings that affect how items are stored."""

    repository_id: int
    server: Server
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
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


def held(repository_id: int, items: Sequence[Item]) -> dict[str, Held]:
    """Return the stored items among these, by their id at the source."""
    columns = (ITEM.c.id, ITEM.c.last_modified, ITEM.c.source_state, ITEM.c.is_restored)
    return {
        id: Held(row.id, row.key, row.sid, row.held, row.last_modified, row.source_state, row.is_restored)
        for id, row in identity.find(repository_id, items, columns).items()
    }


def save(
    place: RepositoryContext,
    items: Sequence[Item],
    met: Met = nobody_met,
    closed: Mapping[str, Mapping[str, Any]] = NOTHING,
) -> list[Saved]:
    """Add new items and update those with other content. Items must be complete and unique. No commit.

    `met`: a function that returns which of the given source ids this run has met (see `identity.find`). `closed`: new
    values of files that stay although their items no longer list them, by file id. Items whose files could not be
    listed keep their stored files.
    """
    rows, data, fresh, known, changed = _sorted_out(place, items, met)
    ids = _insert(place, fresh, data)
    added = [Saved(item, key := data[item.id]["source_key"], ids[key], "added", {}) for item in fresh]
    _insert_files({ids[s.key]: _file_rows(s.item, {}) for s in added})
    before = _update(place, changed, rows, data, closed)
    _touch([(rows[item.id], data[item.id]) for item in known if item.id not in before])
    return added + _outcomes(known, rows, before, data)


def compare(place: RepositoryContext, items: Sequence[Item], met: Met = nobody_met) -> list[Saved]:
    """Return what `save` would return for these items, in the same order, without writing."""
    rows, data, fresh, known, changed = _sorted_out(place, items, met)
    groups = data_groups([rows[item.id].id for item in changed])
    before = {item.id: {"data": groups[rows[item.id].id]} for item in changed}
    added = [Saved(item, data[item.id]["source_key"], None, "added", {}) for item in fresh]
    return added + _outcomes(known, rows, before, data)


def state_group(row: Any) -> dict[str, Any]:
    """Return the "state" group of a change: the state of the item at its source."""
    return {"source_state": row.source_state, "state_since": row.state_since and row.state_since.isoformat()}


def data_groups(item_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return the "data" groups of changes by item id: all source data of these items with their files."""
    rows = db.session.execute(select(ITEM.c.id, *(ITEM.c[name] for name in DATA)).where(ITEM.c.id.in_(item_ids)))
    files = files_of(item_ids)
    return {row.id: _data_group(row, files.get(row.id, [])) for row in rows}


def restore_data(place: RepositoryContext, item_id: int, group: Mapping[str, Any]) -> None:
    """Restore the source's data of an item and its files from the "data" group of a change.

    The next import reads the item in full and checks its files, because the source may have changed without a new time
    stamp. Values, files and file names that are restricted now stay restricted.
    """
    held = db.session.scalar(select(ITEM.c.source_metadata).where(ITEM.c.id == item_id))
    metadata = restricted_values.with_marks_of(held or (), group["source_metadata"])
    values = {name: group[name] for name in DATA} | {"source_metadata": metadata, "is_restored": True}
    if not identity.is_free(place.repository_id, group["source_key"], item_id):
        del values["source_key"]
    present = {file["bitstream_id"]: file for file in files_of([item_id]).get(item_id, [])}
    files = [_restored(file, present.get(file["bitstream_id"])) for file in group["files"]]
    values |= derived(place, group["title"], metadata, files)
    db.session.execute(update(ITEM).where(ITEM.c.id == item_id).values(values))
    db.session.execute(delete(FILE).where(FILE.c.item_id == item_id))
    if files:
        _insert_files({item_id: files})
        lost = (FILE.c.sha256.is_not(None), ~exists().where(STORED.c.sha256 == FILE.c.sha256))
        db.session.execute(update(FILE).where(FILE.c.item_id == item_id, *lost).values(LOST))
    problem_files.mark([item_id])


def _restored(file: Mapping[str, Any], present: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an earlier row of a file, with the restrictions of its present row."""
    name_is_restricted = file.get("name_is_restricted", False) or bool(present and present["name_is_restricted"])
    first_met_by = file.get("first_met_by") or file.get("tried_by")
    row = {**file, "name_is_restricted": name_is_restricted, "tried_by": None, "first_met_by": first_met_by}
    if present is None or not (present["by_login"] or present["fate"] == FileStatus.RESTRICTED):
        return row
    status = ("fate", "reason", "until") if present["fate"] == FileStatus.RESTRICTED else ()
    return row | {name: present[name] for name in status} | {"by_login": file["sha256"] is not None}


def remap(place: RepositoryContext) -> int:
    """Repeat the crosswalk for all stored items of a repository, without downloads. Return the number of items."""
    rows = db.session.execute(
        select(ITEM.c.id, ITEM.c.title, ITEM.c.source_metadata).where(ITEM.c.repository_id == place.repository_id)
    ).partitions(100)
    count = 0
    for page in list(rows):
        files = files_of([row.id for row in page])
        for row in page:
            values = derived(place, row.title, row.source_metadata, files.get(row.id, []))
            db.session.execute(update(ITEM).where(ITEM.c.id == row.id).values(values))
        count += len(page)
    return count


def files_of(item_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the file rows of these items as dicts in order, by item id."""
    files: dict[int, list[dict[str, Any]]] = {}
    query = select(FILE.c.item_id, *(FILE.c[name] for name in FILE_DATA)).where(FILE.c.item_id.in_(item_ids))
    for row in db.session.execute(query.order_by(FILE.c.item_id, FILE.c.position)).mappings():
        files.setdefault(row["item_id"], []).append({name: row[name] for name in FILE_DATA})
    return files


def _sorted_out(
    place: RepositoryContext, items: Sequence[Item], met: Met
) -> tuple[dict[str, Any], dict[str, dict[str, Any]], list[Item], list[Item], list[Item]]:
    """Return stored rows and new data by source id, then the lists of new, known and changed items.

    Changed items are known items with other content.
    """
    states = (ITEM.c.source_state, ITEM.c.state_since, ITEM.c.last_modified, ITEM.c.is_restored)
    columns = (ITEM.c.id, *states, *(ITEM.c[name] for name in DATA))
    rows = identity.find(place.repository_id, items, columns, met)
    items = _with_held_files(items, rows)
    keys = identity.keys_for(place.repository_id, items, rows)
    data = {item.id: _data(place, item, keys[item.id]) for item in items}
    known = [item for item in items if item.id in rows]
    changed = [item for item in known if rows[item.id].content_hash != data[item.id]["content_hash"]]
    return rows, data, [item for item in items if item.id not in rows], known, changed


def _with_held_files(items: Sequence[Item], rows: Mapping[str, Any]) -> list[Item]:
    """Return the items, with stored files for those whose files could not be listed."""
    unlisted = {rows[item.id].id for item in items if item.files_error is not None and item.id in rows}
    held = files_of(unlisted) if unlisted else {}
    return [
        replace(item, bitstreams=tuple(_bitstream(file) for file in held.get(rows[item.id].id, ())))
        if item.files_error is not None and item.id in rows
        else item
        for item in items
    ]


def _bitstream(file: Mapping[str, Any]) -> Bitstream:
    return Bitstream(id=file["bitstream_id"], **{name: file[name] for name in BITSTREAM})


def _outcomes(
    known: Sequence[Item], rows: Mapping[str, Any], before: Mapping[str, dict[str, Any]], data: Mapping[str, Any]
) -> list[Saved]:
    """Return the results for stored items. An item that is at its source again counts as updated."""
    outcomes = []
    for item in known:
        row, groups = rows[item.id], dict(before.get(item.id, {}))
        if row.source_state != SourceState.PRESENT:
            groups["state"] = state_group(row)
        outcome = "updated" if groups else "unchanged"
        if row.last_modified != item.last_modified:
            groups["last_modified"] = row.last_modified
        outcomes.append(Saved(item, data[item.id]["source_key"], row.id, outcome, groups))
    return outcomes


def stored_metadata(item: Item) -> list[dict[str, Any]]:
    """Return the metadata of an item as stored: a list of dicts, one for each value."""
    return [
        {
            "field": v.field,
            "value": v.value,
            "language": v.language,
            "authority": v.authority,
            "confidence": v.confidence,
        }
        for v in item.metadata or ()
    ]


def stored_files(item: Item) -> list[dict[str, Any]]:
    """Return the files of an item as stored, but without status: a list of dicts."""
    return [_file(position, bitstream) for position, bitstream in enumerate(item.bitstreams or ())]


def _file_rows(item: Item, earlier: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the file rows of an item. Files with unchanged id or name, checksum and size keep their status."""
    files = item.bitstreams or ()
    return [_file(position, file) | _kept(file, _earlier(file, files, earlier)) for position, file in enumerate(files)]


def stored(place: RepositoryContext, item: Item) -> dict[str, Any]:
    """Return the columns of an item as `save` would fill them, with mapped values."""
    row = _row(place, _data(place, item, source_key(item)), _file_rows(item, {}))
    return {"repository_id": place.repository_id, **row}


def _data(place: RepositoryContext, item: Item, key: str) -> dict[str, Any]:
    metadata = stored_metadata(item)
    return {
        "source_key": key,
        "source_id": item.id,
        "handle": item.handle,
        "handle_link": handle_link(item.handle, metadata),
        "page_link": page_link(
            place.server.site_url, place.server.ui_url, place.server.generation, item.id, item.handle
        ),
        "title": storable(item.name),
        "source_metadata": metadata,
        "last_modified": item.last_modified,
        "is_restored": item.files_error is not None,
        "content_hash": _content_hash(item, metadata),
    }


def _content_hash(item: Item, metadata: list[dict[str, Any]]) -> str:
    """Return the SHA-256 of the source's data alone, so that options never make an item "updated"."""
    files = [[b.id, *(getattr(b, name) for name in BITSTREAM)] for b in item.bitstreams or ()]
    text = json.dumps([item.id, item.handle, item.name, metadata, files], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def derived(
    place: RepositoryContext, title: str | None, metadata: Any, files: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the columns computed from the source's data: mapped values and search texts."""
    mapped = crosswalk(metadata, place.ignored)
    is_closed = restricted_values.closes_title(metadata, title)
    names, closed_names = restricted_values.open_names(files), restricted_values.restricted_names(files)
    closed_text = search_text(title if is_closed else None, restricted_values.restricted_terms(mapped), closed_names)
    return {
        "mapped_values": mapped,
        "title_is_restricted": is_closed,
        "search_text": search_text(None if is_closed else title, restricted_values.open_terms(mapped), names),
        "restricted_search_text": closed_text if restricted_values.is_marked(metadata) or closed_names else None,
    }


def _row(place: RepositoryContext, data: dict[str, Any], files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    row = {name: data[name] for name in (*DATA, "last_modified", "is_restored")}
    return row | derived(place, data["title"], data["source_metadata"], files)


def _insert(place: RepositoryContext, fresh: list[Item], data: Mapping[str, dict[str, Any]]) -> dict[str, int]:
    if not fresh:
        return {}
    state = {"repository_id": place.repository_id, "source_state": SourceState.PRESENT.value}
    rows = [state | _row(place, data[item.id], _file_rows(item, {})) for item in fresh]
    db.session.execute(insert(ITEM), rows)
    keys = [row["source_key"] for row in rows]
    query = select(ITEM.c.source_key, ITEM.c.id).where(ITEM.c.repository_id == place.repository_id)
    return dict(db.session.execute(query.where(ITEM.c.source_key.in_(keys))).all())


def _update(
    place: RepositoryContext,
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
        before[item.id] = {"data": _data_group(row, old)}
        present = {"source_state": SourceState.PRESENT.value, "state_since": None}
        metadata = restricted_values.with_marks_of(row.source_metadata, data[item.id]["source_metadata"])
        file_rows = _file_rows(item, {file["bitstream_id"]: file for file in old})
        kept = [{**file, **closed[file["bitstream_id"]]} for file in old if file["bitstream_id"] in closed]
        file_rows += [{**file, "position": position} for position, file in enumerate(kept, len(file_rows))]
        values = _row(place, data[item.id] | {"source_metadata": metadata}, file_rows) | present
        db.session.execute(update(ITEM).where(ITEM.c.id == row.id).values(values))
        db.session.execute(delete(FILE).where(FILE.c.item_id == row.id))
        _insert_files({row.id: file_rows})
    problem_files.mark([rows[item.id].id for item in changed])
    return before


def _data_group(row: Any, files: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in DATA} | {"files": files}


def _touch(pairs: Iterable[tuple[Any, dict[str, Any]]]) -> None:
    """Update the time stamp and state of items with unchanged content, and whether they were read in full."""
    for row, data in pairs:
        is_moved = row.last_modified != data["last_modified"] or row.source_state != SourceState.PRESENT
        if is_moved or row.is_restored != data["is_restored"]:
            values = {"last_modified": data["last_modified"], "source_state": "present", "state_since": None}
            values |= {"is_restored": data["is_restored"]}
            db.session.execute(update(ITEM).where(ITEM.c.id == row.id).values(values))


def _insert_files(files: Mapping[int, Sequence[Mapping[str, Any]]]) -> None:
    """Insert file rows, given by item id."""
    rows = [{"item_id": item_id, **row} for item_id, rows in files.items() for row in rows]
    if rows:
        db.session.execute(insert(FILE), rows)


def _file(position: int, bitstream: Bitstream) -> dict[str, Any]:
    data = {name: _storable(getattr(bitstream, name)) for name in BITSTREAM}
    return {"position": position, "bitstream_id": bitstream.id, **data}


def _storable(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def _earlier(
    bitstream: Bitstream, bitstreams: Sequence[Bitstream], old: Mapping[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the previous rows of a file: that with its id, else those with its bundle and name that have no file now.

    An upgrade changes ids, but not names and bundles.
    """
    if bitstream.id in old:
        return [old[bitstream.id]]
    listed = {other.id for other in bitstreams}
    named = (bitstream.bundle, bitstream.name)
    return [file for id, file in old.items() if id not in listed and (file["bundle"], file["name"]) == named]


def _kept(bitstream: Bitstream, earlier: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the status of a file: unchanged while its content is the same, else not downloaded.

    A changed file keeps its stored content until the new content is downloaded.
    """
    announced = (bitstream.checksum, bitstream.size)
    for file in earlier:
        if (file["checksum"], file["size"]) == announced:
            return {name: file[name] for name in KEPT}
    stored = next((file for file in earlier if file["sha256"]), None)
    if stored is None:
        return UNTRIED | {"name_is_restricted": any(file["name_is_restricted"] for file in earlier)}
    kept = {name: stored[name] for name in ("sha256", "by_login", "name_is_restricted")}
    return UNTRIED | kept | {"is_outdated": True}
