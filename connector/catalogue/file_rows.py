"""Rows of files: made from the files that a source lists, and from earlier rows of the same files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select

from ..characters import storable
from ..dspace.records import Bitstream, Item
from ..extensions import db
from ..models.catalogue import FILE, FileStatus

FILE_DATA = tuple(column.name for column in FILE.columns if column.name not in ("id", "item_id"))
BITSTREAM = ("bundle", "sequence", "name", "description", "media_type", "size", "checksum", "checksum_algorithm")
KEPT = (
    *("sha256", "is_outdated", "status", "reason", "technical_details"),
    *("last_tried_job_id", "status_since_job_id"),
    *("content_is_restricted", "name_is_restricted", "embargo_ends_on", "is_unstable"),
)
UNTRIED = dict.fromkeys(KEPT) | {
    "status": FileStatus.NOT_DOWNLOADED.value,
    "is_outdated": False,
    "content_is_restricted": False,
    "name_is_restricted": False,
    "is_unstable": False,
}
# Values of a file whose content is damaged or missing in the folder.
LOST = {"status": FileStatus.NOT_DOWNLOADED.value, "sha256": None, "is_outdated": False, "last_tried_job_id": None}


def files_of(item_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the file rows of these items as dicts in order, by item id."""
    files: dict[int, list[dict[str, Any]]] = {}
    query = select(FILE.c.item_id, *(FILE.c[name] for name in FILE_DATA)).where(FILE.c.item_id.in_(item_ids))
    for row in db.session.execute(query.order_by(FILE.c.item_id, FILE.c.position)).mappings():
        files.setdefault(row["item_id"], []).append({name: row[name] for name in FILE_DATA})
    return files


def file_rows(item: Item, earlier: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the file rows of an item. Files with unchanged id or name, checksum and size keep their status."""
    files = item.bitstreams or ()
    return [_file(position, file) | _kept(file, _earlier(file, files, earlier)) for position, file in enumerate(files)]


def insert_files(files: Mapping[int, Sequence[Mapping[str, Any]]]) -> None:
    """Insert file rows, given by item id."""
    rows = [{"item_id": item_id, **row} for item_id, rows in files.items() for row in rows]
    if rows:
        db.session.execute(insert(FILE), rows)


def stored_files(item: Item) -> list[dict[str, Any]]:
    """Return the files of an item as stored, but without status: a list of dicts."""
    return [_file(position, bitstream) for position, bitstream in enumerate(item.bitstreams or ())]


def bitstream_of(file: Mapping[str, Any]) -> Bitstream:
    """Return a file as the source listed it, from its row."""
    return Bitstream(id=file["bitstream_id"], **{name: file[name] for name in BITSTREAM})


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
    kept = {name: stored[name] for name in ("sha256", "content_is_restricted", "name_is_restricted")}
    return UNTRIED | kept | {"is_outdated": True}
