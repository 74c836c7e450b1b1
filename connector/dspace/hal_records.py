"""Converts the JSON of DSpace 7 to 10 into records. A promised member that is missing raises BadResponseError.

Members that real servers leave null are optional: handles, names, languages, checksums. All text is kept unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from msgspec import structs

from ..characters import is_storable
from ..errors import BadResponseError
from ..i18n import gettext as _
from .json_members import label, optional, required, text
from .records import ORIGINAL, Bitstream, Collection, Community, FileAccess, Item, MetadataValue, SourceState

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list: its rows, the requested size, the number of pages and rows, and its size in bytes."""

    rows: list[Any]
    size: int
    pages: int
    total: int
    size_bytes: int = 0


def embedded_object(where: Any, name: str, url: str) -> Any:
    """Return the object embedded under this name, or None. DSpace silently leaves out objects that may not be read."""
    return (optional(where, "_embedded", dict, url) or {}).get(name)


def list_page(answer: Any, name: str, url: str) -> Listed:
    """Return a page of a list under /core. A page beyond the end of the list has no `_embedded` (measured on 9.3).

    The list may end before the last page that `totalPages` promises.
    """
    size, pages, total = _size_and_counts(answer, url)
    is_beyond_end = "_embedded" not in answer and required(answer["page"], "number", int, url) >= min(pages, 1)
    rows = [] if is_beyond_end else required(required(answer, "_embedded", dict, url), name, list, url)
    return Listed(rows, size, pages, total)


def search_page(answer: Any, url: str) -> Listed:
    """Return a page of /discover/search/objects."""
    result = required(required(answer, "_embedded", dict, url), "searchResult", dict, url)
    rows = required(required(result, "_embedded", dict, url), "objects", list, url)
    return Listed(rows, *_size_and_counts(result, url))


def _size_and_counts(holder: Any, url: str) -> tuple[int, int, int]:
    """Return the requested size of a page, and the number of pages and rows of its list."""
    page = required(holder, "page", dict, url)
    size, pages = required(page, "size", int, url), required(page, "totalPages", int, url)
    return size, pages, required(page, "totalElements", int, url)


def found_object(row: Any, url: str) -> Json:
    """Return the object in a row of a search."""
    return required(required(row, "_embedded", dict, url), "indexableObject", dict, url)


def known_id(row: Any) -> str | None:
    """Return the id in a malformed row, or None if it cannot be read."""
    for name in ("_embedded", "indexableObject", "uuid"):
        row = row.get(name) if isinstance(row, dict) else None
    return row if isinstance(row, str) and is_storable(row) else None


def item_of(found: Json, url: str, collection: Collection | None = None) -> Item:
    """Return an item with its metadata, without its files."""
    return Item(
        id=required(found, "uuid", str, url),
        handle=optional(found, "handle", str, url),
        name=label(found, "name", url),
        last_modified=optional(found, "lastModified", str, url),
        metadata=tuple(_metadata(found, url)),
        collection=collection or _owning_collection(found, url),
        state=state_of(found, url),
        first_access=_access_or_none(found, url),
    )


def with_bitstreams(item: Item, bitstreams: tuple[Bitstream, ...]) -> Item:
    """Return the item with its files. An item's access status is that of its primary or first ORIGINAL file."""
    original = [file for file in bitstreams if file.bundle == ORIGINAL]
    if item.first_access is not None and len(original) == 1:
        by_id = {original[0].id: item.first_access}
        bitstreams = tuple(structs.replace(file, access=file.access or by_id.get(file.id)) for file in bitstreams)
    return replace(item, bitstreams=bitstreams)


def state_of(found: Json, url: str) -> SourceState:
    """Return the state of an item. HIDDEN is not discoverable: only its uuid, or a login, leads to the item."""
    if optional(found, "withdrawn", bool, url):
        return SourceState.WITHDRAWN
    if optional(found, "inArchive", bool, url) is False:
        return SourceState.SUPERSEDED
    return SourceState.NOT_PUBLIC if optional(found, "discoverable", bool, url) is False else SourceState.PRESENT


def _owning_collection(found: Json, url: str) -> Collection | None:
    owner = embedded_object(found, "owningCollection", url)
    return None if owner is None else collection_of(owner, url)


def collection_ids_of(found: Json, url: str) -> set[str]:
    """Return the ids of the embedded collections of an item: its owning collection, and those it is mapped to."""
    owner, mapped = embedded_object(found, "owningCollection", url), embedded_object(found, "mappedCollections", url)
    homes = [] if mapped is None else list_page(mapped, "mappedCollections", url).rows
    return {required(home, "uuid", str, url) for home in (*homes, *([] if owner is None else [owner]))}


def _metadata(found: Json, url: str) -> Iterator[MetadataValue]:
    """Yield every value, with fields in the server's order and the values of a field by place."""
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
    """Return a file. Its media type is known if the format is embedded."""
    checksum = optional(found, "checkSum", dict, url) or {}
    digest = label(checksum, "value", url)
    form = embedded_object(found, "format", url)
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
        access=_access_or_none(found, url),
    )


def _access_or_none(found: Json, url: str) -> FileAccess | None:
    """Return the access status embedded in an item or a file, or None if it is missing or malformed."""
    try:
        return access_of(found, url)
    except BadResponseError:
        return None


def access_of(found: Json, url: str) -> FileAccess | None:
    """Return whether a file may be read, from the embedded access status, or None if that is missing."""
    status = embedded_object(found, "accessStatus", url)
    value = None if status is None else optional(status, "status", str, url)
    if value not in ("open.access", "embargo", "restricted"):
        return None
    return FileAccess(value == "open.access", None if value == "open.access" else embargo_end_of(status, url))


def embargo_end_of(status: Json, url: str) -> date | None:
    """Return the day from which a file is open, from its access status on 9 and later.

    Return None if the file is open, or closed without an end date. Raise BadResponseError if the date is malformed.
    """
    day = optional(status, "embargoDate", str, url)
    try:
        return None if day is None else date.fromisoformat(day)
    except ValueError as error:
        raise BadResponseError(
            _("%(url)s gives “%(day)s” as the end of an embargo, which is no date.", url=url, day=day), url
        ) from error


def community_of(found: Json, url: str) -> Community:
    """Return a community. Its parent is known if it is embedded."""
    return Community(**_container(found, url))


def collection_of(found: Json, url: str) -> Collection:
    """Return a collection. Its parent is known if it is embedded."""
    return Collection(
        **_container(found, url),
        abstract=_first(found, "dc.description.abstract", url) or "",
        rights=_first(found, "dc.rights", url) or "",
        license=_first(found, "dc.rights.license", url) or "",
    )


def _container(found: Json, url: str) -> dict[str, Any]:
    parent = embedded_object(found, "parentCommunity", url)
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
