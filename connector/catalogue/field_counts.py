"""Counts of the fields in the stored metadata of each repository. Workers count them, with the other counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from ..extensions import db
from ..models.catalogue import ITEM, CatalogueCount, CatalogueItem

ITEMS_AT_ONCE = 500
SAMPLES = 3  # values of each field that are shown
NEAR = 200  # items that are searched for a field after the first one that has it


@dataclass(frozen=True, slots=True)
class FieldCount:
    """A field of a repository: how many items have it, its values, and the ids of the first and the last such item."""

    field: str
    items: int
    values: int
    first_id: int
    last_id: int


def count() -> dict[str, list[list[Any]]]:
    """Return the fields of each repository in the form in which they are stored, by the id of the repository."""
    found: dict[str, dict[str, list[Any]]] = {}
    query = select(ITEM.c.repository_id, ITEM.c.id, ITEM.c.source_metadata).execution_options(yield_per=ITEMS_AT_ONCE)
    for repository_id, item_id, metadata in db.session.execute(query):
        counts = found.setdefault(str(repository_id), {})
        for field, values in Counter(entry["field"] for entry in metadata).items():
            one = counts.setdefault(field, [field, 0, 0, item_id, item_id])
            one[1:] = one[1] + 1, one[2] + values, min(one[3], item_id), max(one[4], item_id)
    return {repository_id: [counts[field] for field in sorted(counts)] for repository_id, counts in found.items()}


def of_repository(repository_id: int) -> tuple[datetime | None, list[FieldCount]]:
    """Return the time of the last counting, None before the first, and the fields of a repository, by name."""
    last = db.session.scalars(select(CatalogueCount)).one_or_none()
    if last is None or last.fields is None:
        return None, []
    return last.counted_at, [FieldCount(*one) for one in last.fields.get(str(repository_id), ())]


def samples(fields: Iterable[FieldCount]) -> dict[str, list[str]]:
    """Return some values of each field, from the first and the last item that had it when it was counted."""
    found: dict[str, dict[str, None]] = {one.field: {} for one in fields}
    ids = {id for one in fields for id in (one.first_id, one.last_id)}
    for metadata in db.session.scalars(select(ITEM.c.source_metadata).where(ITEM.c.id.in_(ids)).order_by(ITEM.c.id)):
        for entry in metadata:
            values = found.get(entry["field"])
            if values is not None and entry["value"] and len(values) < SAMPLES:
                values[entry["value"]] = None
    return {field: list(values) for field, values in found.items()}


def items_with(field: FieldCount, number: int) -> list[CatalogueItem]:
    """Return up to this number of items that have the field: the first ones that are near each other, or the last."""
    first = db.session.get(CatalogueItem, field.first_id)
    if first is None:
        return []
    near = (CatalogueItem.repository_id == first.repository_id, CatalogueItem.id >= first.id)
    query = select(CatalogueItem).where(*near).order_by(CatalogueItem.id).limit(NEAR)
    last = select(CatalogueItem).where(CatalogueItem.id == field.last_id)
    found = {item.id: item for rows in (query, last) for item in db.session.scalars(rows) if _has(item, field.field)}
    return list(found.values())[:number]


def _has(item: CatalogueItem, field: str) -> bool:
    return any(entry["field"] == field for entry in item.source_metadata)
