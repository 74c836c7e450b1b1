"""The relations of items, made from their metadata. The writers of items store them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import delete, insert

from ..characters import storable
from ..dspace.urls import is_uuid
from ..extensions import db
from ..models.item_relations import RELATION
from .restricted_values import MARK, Entry

PREFIX = "relation."  # of fields whose values are ids of items, since DSpace 7
SUFFIX = ".latestForDiscovery"  # DSpace repeats the relations to the latest versions of items in such fields
Relations = dict[tuple[str, str], bool]


def relations_of(metadata: Iterable[Entry]) -> Relations:
    """Return the field and the id of each relation of an item, with whether it is restricted.

    An equal open value makes it open. Only UUIDs count, because authorities can be any text, also a number.
    """
    found: Relations = {}
    for field, target_id, is_restricted in _named_ids(metadata):
        key = storable(field.removesuffix(SUFFIX)), target_id
        found[key] = found.get(key, True) and is_restricted
    return found


def is_item_id(field: str, value: str | None) -> bool:
    """Return whether the value of a field is the id of a related item."""
    return field.startswith(PREFIX) and value is not None and is_uuid(value)


def store(metadata: Mapping[int, Iterable[Entry]]) -> None:
    """Replace the relations of items by those in their metadata, given by item id. The caller owns the transaction."""
    db.session.execute(delete(RELATION).where(RELATION.c.item_id.in_(metadata)))
    add(metadata)


def add(metadata: Mapping[int, Iterable[Entry]]) -> None:
    """Store the relations of new items, given by item id. The caller owns the transaction."""
    if rows := [row for item_id, entries in metadata.items() for row in _rows(item_id, entries)]:
        db.session.execute(insert(RELATION), rows)


def _named_ids(metadata: Iterable[Entry]) -> Iterator[tuple[str, str, bool]]:
    for entry in metadata:
        field, value, authority = entry["field"], entry["value"], entry.get("authority")
        if is_item_id(field, value):
            yield field, value, MARK in entry
        if authority and is_uuid(authority):
            yield field, authority, MARK in entry


def _rows(item_id: int, metadata: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    for (field, target_id), is_restricted in relations_of(metadata).items():
        yield {"item_id": item_id, "field": field, "target_id": target_id, "is_restricted": is_restricted}
