"""From the JSON of DSpace 7 to 10 to records. What the API promises and does not give raises BadResponseError, never
passes.

Optional are what real servers leave null: handles, names, languages, checksums. All text is kept as it came.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from ..characters import is_storable
from ..errors import BadResponseError
from .json_members import label, optional, required, text
from .records import ORIGINAL, Bitstream, Collection, Community, FileAccess, Item, MetadataValue, SourceState

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list: its rows, the size asked for, how many pages and rows there are, and its size in bytes."""

    rows: list[Any]
    size: int
    pages: int
    total: int
    size_bytes: int = 0


def embedded(where: Any, name: str, url: str) -> Any:
    """What is embedded under this name, or None: DSpace silently leaves out what may not be read."""
    return (optional(where, "_embedded", dict, url) or {}).get(name)


def listed(answer: Any, name: str, url: str) -> Listed:
    """Return a page of a list under /core. Behind the end of such a list `_embedded` is left out (measured on 9.3).

    That end may come before the one that `totalPages` promises.
    """
    page = _page(answer, [], url)
    if "_embedded" not in answer and required(answer["page"], "number", int, url) >= min(page.pages, 1):
        return page
    return replace(page, rows=required(required(answer, "_embedded", dict, url), name, list, url))


def searched(answer: Any, url: str) -> Listed:
    """A page of /discover/search/objects."""
    result = required(required(answer, "_embedded", dict, url), "searchResult", dict, url)
    return _page(result, required(required(result, "_embedded", dict, url), "objects", list, url), url)


def _page(holder: Any, rows: list[Any], url: str) -> Listed:
    page = required(holder, "page", dict, url)
    size, pages, total = (required(page, name, int, url) for name in ("size", "totalPages", "totalElements"))
    return Listed(rows, size, pages, total)


def found_object(row: Any, url: str) -> Json:
    """The object that a row of a search shows."""
    return required(required(row, "_embedded", dict, url), "indexableObject", dict, url)


def known_id(row: Any) -> str | None:
    """The id in a row that is broken otherwise, if it can be told."""
    for name in ("_embedded", "indexableObject", "uuid"):
        row = row.get(name) if isinstance(row, dict) else None
    return row if isinstance(row, str) and is_storable(row) else None


def item_of(found: Json, url: str, collection: Collection | None = None) -> Item:
    """An item with its metadata, without its files."""
    return Item(
        id=required(found, "uuid", str, url),
        handle=optional(found, "handle", str, url),
        name=label(found, "name", url),
        last_modified=optional(found, "lastModified", str, url),
        metadata=tuple(_metadata(found, url)),
        collection=collection or _owning_collection(found, url),
        state=state_of(found, url),
        first_access=_access_told(found, url),
    )


def with_bitstreams(item: Item, bitstreams: tuple[Bitstream, ...]) -> Item:
    """Return the item with its files. Its own access status is that of its primary or first ORIGINAL file."""
    original = [file for file in bitstreams if file.bundle == ORIGINAL]
    if item.first_access is not None and len(original) == 1:
        told = {original[0].id: item.first_access}
        bitstreams = tuple(replace(file, access=file.access or told.get(file.id)) for file in bitstreams)
    return replace(item, bitstreams=bitstreams)


def state_of(found: Json, url: str) -> SourceState:
    """Return where an item stands. One that is not discoverable is HIDDEN: only its uuid, or a login, leads to it."""
    if optional(found, "withdrawn", bool, url):
        return SourceState.WITHDRAWN
    if optional(found, "inArchive", bool, url) is False:
        return SourceState.SUPERSEDED
    return SourceState.HIDDEN if optional(found, "discoverable", bool, url) is False else SourceState.PRESENT


def _owning_collection(found: Json, url: str) -> Collection | None:
    owner = embedded(found, "owningCollection", url)
    return None if owner is None else collection_of(owner, url)


def collection_ids_of(found: Json, url: str) -> set[str]:
    """Return the ids of the collections that an item is in, as far as they are embedded: its own, and those mapped."""
    owner, mapped = embedded(found, "owningCollection", url), embedded(found, "mappedCollections", url)
    homes = [] if mapped is None else listed(mapped, "mappedCollections", url).rows
    return {required(home, "uuid", str, url) for home in (*homes, *([] if owner is None else [owner]))}


def _metadata(found: Json, url: str) -> Iterator[MetadataValue]:
    """Every value, the fields in the server's order, the values of a field by place."""
    metadata = required(found, "metadata", dict, url)
    for field in metadata:
        for value in required(metadata, field, list, url):
            yield MetadataValue(
                field,
                text(value, "value", url),
                text(value, "language", url),
                text(value, "authority", url),
                optional(value, "confidence", int, url),
            )


def bitstream_of(found: Json, bundle: str, url: str) -> Bitstream:
    """A file; its media type is known where the format is embedded."""
    checksum = optional(found, "checkSum", dict, url) or {}
    digest = label(checksum, "value", url)
    form = embedded(found, "format", url)
    return Bitstream(
        id=required(found, "uuid", str, url),
        bundle=bundle,
        name=label(found, "name", url),
        description=_first(found, "dc.description", url),
        media_type=None if form is None else label(form, "mimetype", url),
        size=optional(found, "sizeBytes", int, url),
        checksum=None if digest is None else digest.lower(),
        checksum_algorithm=label(checksum, "checkSumAlgorithm", url),
        sequence=optional(found, "sequenceId", int, url),
        access=_access_told(found, url),
    )


def _access_told(found: Json, url: str) -> FileAccess | None:
    """Return the access status that is embedded in an item or a file; None where it is not told, or is malformed."""
    with suppress(BadResponseError):
        return access_of(found, url)
    return None


def access_of(found: Json, url: str) -> FileAccess | None:
    """Whether a file may be read, by the access status that is embedded in it; None where that is not told."""
    status = embedded(found, "accessStatus", url)
    told = None if status is None else optional(status, "status", str, url)
    if told not in ("open.access", "embargo", "restricted"):
        return None
    return FileAccess(told == "open.access", None if told == "open.access" else embargo_end_of(status, url))


def embargo_end_of(status: Json, url: str) -> date | None:
    """The day from which a file is open, in its access status on 9 and later. None: it is open, or closed for good."""
    day = optional(status, "embargoDate", str, url)
    try:
        return None if day is None else date.fromisoformat(day)
    except ValueError as error:
        raise BadResponseError(f"{url} gives “{day}” as the end of an embargo, which is no date.", url) from error


def community_of(found: Json, url: str) -> Community:
    """A community; its parent is known where it is embedded."""
    return Community(**_container(found, url))


def collection_of(found: Json, url: str) -> Collection:
    """A collection; its parent is known where it is embedded."""
    return Collection(
        **_container(found, url),
        abstract=_first(found, "dc.description.abstract", url) or "",
        rights=_first(found, "dc.rights", url) or "",
        license=_first(found, "dc.rights.license", url) or "",
    )


def _container(found: Json, url: str) -> dict[str, Any]:
    parent = embedded(found, "parentCommunity", url)
    count = optional(found, "archivedItemsCount", int, url)
    return {
        "id": required(found, "uuid", str, url),
        "handle": label(found, "handle", url),
        "name": label(found, "name", url) or "",
        "parent_id": None if parent is None else required(parent, "uuid", str, url),
        "item_count": count if count is not None and count >= 0 else None,  # 7.6 and later: -1 when not counted
        "description": _first(found, "dc.description", url) or "",
    }


def _first(found: Json, field: str, url: str) -> str | None:
    values = optional(required(found, "metadata", dict, url), field, list, url)
    return label(values[0], "value", url) if values else None
