"""Converts the JSON of DSpace 4 to 6 into records. A promised member that is missing raises BadResponseError.

Optional members are null or missing in the JSON and become None. All text is kept unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..characters import storable
from ..errors import BadResponseError
from ..i18n import gettext as _
from .json_members import label, optional, required, text
from .page_reader import Rows
from .records import Bitstream, Collection, Community, Failure, Item, MetadataValue, Scope, ScopeKind, SourceState


def list_rows(answer: Any, url: str) -> list[Any]:
    """Return the rows of a list. Raise BadResponseError if the JSON is not a list."""
    if not isinstance(answer, list):
        raise BadResponseError(_("%(url)s did not answer as DSpace does: it is no list.", url=url), url)
    return answer


def children(row: Any, key: str, url: str) -> list[Any]:
    """Return the objects of a nested list, without the nulls that stand for objects that may not be read."""
    return [child for child in required(row, key, list, url) if child is not None]


def identifier(row: Any, url: str) -> str:
    """Return the `uuid` of DSpace 6, or the integer `id` of 4 and 5 as text."""
    if isinstance(row, dict) and row.get("uuid") is not None:
        return required(row, "uuid", str, url)
    return str(required(row, "id", int, url))


def scope_of(kind: ScopeKind, row: Any, url: str) -> Scope:
    """Return a community, a collection or an item as a scope."""
    handle, name = label(row, "handle", url), label(row, "name", url)
    return Scope(kind, identifier(row, url), handle, name or "")


def community(row: Any, url: str, parent_id: str | None = None) -> Community:
    """Return a community. Its item count includes everything below it, and items that are not visible."""
    return Community(
        id=identifier(row, url),
        handle=label(row, "handle", url),
        name=label(row, "name", url) or "",
        parent_id=parent_id,
        item_count=optional(row, "countItems", int, url),
        description=label(row, "introductoryText", url) or "",
    )


def collection(row: Any, url: str, parent_id: str | None = None) -> Collection:
    """Return a collection. Its item count is an upper bound: it includes restricted, private and mapped items."""
    return Collection(
        id=identifier(row, url),
        handle=label(row, "handle", url),
        name=label(row, "name", url) or "",
        parent_id=parent_id,
        item_count=optional(row, "numberItems", int, url),
        description=label(row, "introductoryText", url) or "",
        abstract=label(row, "shortDescription", url) or "",
        rights=label(row, "copyrightText", url) or "",
        license=label(row, "license", url) or "",
    )


def item(row: Any, url: str, collection: Collection | None = None) -> Item:
    """Return an item. It is complete if the row was requested with `expand=metadata,bitstreams`."""
    entries = optional(row, "metadata", list, url)
    files = optional(row, "bitstreams", list, url)
    return Item(
        id=identifier(row, url),
        handle=optional(row, "handle", str, url),
        name=label(row, "name", url),
        last_modified=optional(row, "lastModified", str, url),
        metadata=None if entries is None else tuple([_value(entry, url) for entry in entries]),
        bitstreams=None if files is None else tuple([_bitstream(file, url) for file in files]),
        collection=collection,
        state=_state(row, url),
    )


def _state(row: Any, url: str) -> SourceState:
    """Return WITHDRAWN for an item that is withdrawn or not in the archive: administrators see these in `/items`."""
    is_withdrawn = optional(row, "withdrawn", str, url) == "true" or optional(row, "archived", str, url) == "false"
    return SourceState.WITHDRAWN if is_withdrawn else SourceState.PRESENT


def item_with_details(row: Any, url: str, collection: Collection | None = None) -> Item:
    """Return an item that was requested with everything, without its files if these are missing or malformed.

    Raise BadResponseError if its metadata are missing.
    """
    required(row, "metadata", list, url)
    try:
        return item(row, url, collection)
    except BadResponseError:
        return item(row | {"bitstreams": None}, url, collection)


def files(row: Any, url: str) -> tuple[Bitstream, ...]:
    """Return the files of an item that was requested with them.

    Raise BadResponseError if they are missing or malformed.
    """
    return tuple([_bitstream(file, url) for file in required(row, "bitstreams", list, url)])


def item_rows(
    rows: list[Any], url: str, complete: bool, collection: Collection | None = None, total: int | None = None
) -> Rows:
    """Return the items of a list. A malformed row becomes a Failure, and the other rows are not affected.

    Withdrawn items are left out: counts of collections do not include them, and only administrators see them.
    """
    read, items, failures = item_with_details if complete else item, [], []
    for row in rows:
        try:
            items.append(read(row, url, collection))
        except BadResponseError as error:
            failures.append(_broken(row, error))
    return Rows(tuple(item for item in items if item.is_present), total, tuple(failures))


def _value(entry: Any, url: str) -> MetadataValue:
    return MetadataValue(_field(entry, url), text(entry, "value", url), text(entry, "language", url))


def _field(entry: Any, url: str) -> str:
    field = text(entry, "key", url)
    if field is None:
        raise BadResponseError(_("%(url)s did not answer as DSpace does: a metadata value has no “key”.", url=url), url)
    return field


def _bitstream(row: Any, url: str) -> Bitstream:
    checksum = optional(row, "checkSum", dict, url)
    digest = label(checksum, "value", url) if checksum else None
    return Bitstream(
        id=identifier(row, url),
        bundle=label(row, "bundleName", url) or "",
        name=label(row, "name", url),
        description=label(row, "description", url),
        media_type=label(row, "mimeType", url),
        size=optional(row, "sizeBytes", int, url),
        checksum=digest.lower() if digest else None,
        checksum_algorithm=label(checksum, "checkSumAlgorithm", url) if checksum else None,
        sequence=optional(row, "sequenceId", int, url),
    )


def _broken(row: Any, error: BadResponseError) -> Failure:
    """Return a Failure with the readable members of a malformed row."""
    texts = {key: value for key, value in row.items() if isinstance(value, str)} if isinstance(row, dict) else {}
    try:
        id = identifier(row, error.url)
    except BadResponseError:
        id = None
    handle, name = (storable(texts.get(key)) for key in ("handle", "name"))
    return Failure(id, handle, name, error.in_short, error.technical_details)


def sum_if_known(counts: Iterable[int | None]) -> int | None:
    """Return the sum of the counts, or None if one is missing."""
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total
