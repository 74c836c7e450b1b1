"""The items that are tied to an item: those that its metadata names, and those whose metadata names it.

Relations are looked up when they are read. So a link is there while both items are in the catalogue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, ScalarResult, select
from sqlalchemy.orm import defer

from ..extensions import db
from ..models.catalogue import CatalogueItem
from ..models.item_relations import ItemRelation
from .item_presentation import title_of
from .item_record import RelationRecord
from .relation_labels import named_label, naming_label

MOST = 20  # items of a group that a page shows
AT_ONCE = 500  # ids in a query


@dataclass(frozen=True, slots=True)
class RelatedGroup:
    """Related items with the same label. `more`: the number of those that are not among `items`."""

    label: str
    items: Sequence[CatalogueItem]
    more: int


def of_item(item: CatalogueItem, with_restricted: bool) -> list[RelatedGroup]:
    """Return the related items that a reader may see, by label. Hidden items are not among them."""
    groups: dict[str, dict[int, str]] = {}  # by label: the key by which an item is sorted, by its id
    for label, item_id, title_sort in (*_named(item, with_restricted), *_naming(item, with_restricted)):
        groups.setdefault(label, {})[item_id] = title_sort
    return [_group(label, groups[label]) for label in sorted(groups)]


def named_items(item_ids: Collection[int], with_restricted: bool) -> dict[int, list[RelationRecord]]:
    """Return the items that the metadata of each of these items names, by item id. They are those a reader may see."""
    held: dict[tuple[int, str], list[CatalogueItem]] = {}
    relations = _relations(item_ids, with_restricted)
    for repository_id in {relation.repository_id for relation in relations}:
        targets = sorted({one.target_id for one in relations if one.repository_id == repository_id})
        for start in range(0, len(targets), AT_ONCE):
            for item in _visible_items(repository_id, targets[start : start + AT_ONCE], with_restricted):
                held.setdefault((repository_id, item.source_id), []).append(item)
    found: dict[int, list[tuple[str, CatalogueItem]]] = {}
    for one in relations:
        others = [item for item in held.get((one.repository_id, one.target_id), ()) if item.id != one.item_id]
        found.setdefault(one.item_id, []).extend((one.field, item) for item in others)
    return {item_id: _records(named, with_restricted) for item_id, named in found.items() if named}


def _records(named: list[tuple[str, CatalogueItem]], with_restricted: bool) -> list[RelationRecord]:
    """Return these items, each with the field that names it, by field and title."""
    named.sort(key=lambda pair: (pair[0], pair[1].title_sort, pair[1].id))
    return [
        {"field": field, "id": item.id, "link": item.link, "title": title_of(item, with_restricted)}
        for field, item in named
    ]


def _relations(item_ids: Collection[int], with_restricted: bool) -> Sequence[Row[int, str, str, int]]:
    """Return the relations of items, with the repository of each item.

    Their targets are looked up by a query of their own, because SQLite reads all items for a join of the three.
    """
    query = select(ItemRelation.item_id, ItemRelation.field, ItemRelation.target_id, CatalogueItem.repository_id).join(
        CatalogueItem, CatalogueItem.id == ItemRelation.item_id
    )
    query = query.where(ItemRelation.item_id.in_(item_ids), *_visible_relation(with_restricted))
    return db.session.execute(query).all()


def _visible_items(repository_id: int, source_ids: Sequence[str], with_restricted: bool) -> ScalarResult[CatalogueItem]:
    query = select(CatalogueItem).where(
        CatalogueItem.repository_id == repository_id,
        CatalogueItem.source_id.in_(source_ids),
        *_visible_item(with_restricted),
    )
    return db.session.scalars(query.options(*_light()))


def _named(item: CatalogueItem, with_restricted: bool) -> Iterator[tuple[str, int, str]]:
    """Yield the label, the id and the sort key of each item that an item names."""
    fields: dict[str, list[str]] = {}
    for relation in _relations([item.id], with_restricted):
        fields.setdefault(relation.target_id, []).append(relation.field)
    for row in _found(CatalogueItem.source_id, list(fields), item, with_restricted):
        yield from ((named_label(field), row.id, row.title_sort) for field in fields[row.source_id])


def _naming(item: CatalogueItem, with_restricted: bool) -> Iterator[tuple[str, int, str]]:
    """Yield the label, the id and the sort key of each item that names an item."""
    fields: dict[int, list[str]] = {}
    mine = (ItemRelation.target_id == item.source_id, *_visible_relation(with_restricted))
    for item_id, field in db.session.execute(select(ItemRelation.item_id, ItemRelation.field).where(*mine)):
        fields.setdefault(item_id, []).append(field)
    for row in _found(CatalogueItem.id, list(fields), item, with_restricted):
        yield from ((naming_label(field), row.id, row.title_sort) for field in fields[row.id])


def _found(
    column: Any, keys: Sequence[Any], item: CatalogueItem, with_restricted: bool
) -> Iterator[Row[Any, Any, Any]]:
    """Yield (id, source_id, title_sort) of the items with these values in a column, except the item itself."""
    query = select(CatalogueItem.id, CatalogueItem.source_id, CatalogueItem.title_sort).where(
        CatalogueItem.repository_id == item.repository_id,
        CatalogueItem.id != item.id,
        *_visible_item(with_restricted),
    )
    for start in range(0, len(keys), AT_ONCE):
        yield from db.session.execute(query.where(column.in_(keys[start : start + AT_ONCE])))


def _visible_item(with_restricted: bool) -> list[Any]:
    """Return the conditions that a reader may see a related item."""
    return [CatalogueItem.is_hidden.is_(False), *([] if with_restricted else [CatalogueItem.is_restricted.is_(False)])]


def _visible_relation(with_restricted: bool) -> list[Any]:
    """Return the conditions that a reader may see a relation."""
    return [] if with_restricted else [ItemRelation.is_restricted.is_(False)]


def _group(label: str, sort_keys: Mapping[int, str]) -> RelatedGroup:
    """Return the first items of a group, by title. `sort_keys`: of all its items, by their ids."""
    ids = sorted(sort_keys, key=lambda item_id: (sort_keys[item_id], item_id))[:MOST]
    rows = db.session.scalars(select(CatalogueItem).where(CatalogueItem.id.in_(ids)).options(*_light()))
    items = {item.id: item for item in rows}
    return RelatedGroup(label, [items[item_id] for item_id in ids], len(sort_keys) - len(ids))


def _light() -> tuple[Any, ...]:
    """Return the options of a query of items without their large columns."""
    large = (CatalogueItem.source_metadata, CatalogueItem.mapped_values, CatalogueItem.search_text)
    return tuple(defer(column) for column in large)
