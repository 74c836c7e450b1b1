"""The items that are tied to an item: those that its metadata names, and those whose metadata names it.

Relations are looked up when they are read. So a link is there while both items are in the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, ScalarResult, Select, func, select, union
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
    groups: dict[str, list[Select[Any]]] = {}
    for query, label_of in _directions(item, with_restricted):
        for field in db.session.scalars(query.with_only_columns(ItemRelation.field).distinct()):
            groups.setdefault(label_of(field), []).append(query.where(ItemRelation.field == field))
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


def _directions(
    item: CatalogueItem, with_restricted: bool
) -> tuple[tuple[Select[Any], Callable[[str], str]], tuple[Select[Any], Callable[[str], str]]]:
    """Return the SELECTs of the ids of the items that the item names, and that name it, each with its labels."""
    query = select(CatalogueItem.id).where(
        CatalogueItem.repository_id == item.repository_id,
        CatalogueItem.id != item.id,
        *_visible_item(with_restricted),
        *_visible_relation(with_restricted),
    )
    named = query.join(ItemRelation, ItemRelation.target_id == CatalogueItem.source_id)
    naming = query.join(ItemRelation, ItemRelation.item_id == CatalogueItem.id)
    return (
        (named.where(ItemRelation.item_id == item.id), named_label),
        (naming.where(ItemRelation.target_id == item.source_id), naming_label),
    )


def _visible_item(with_restricted: bool) -> list[Any]:
    """Return the conditions that a reader may see a related item."""
    return [CatalogueItem.is_hidden.is_(False), *([] if with_restricted else [CatalogueItem.is_restricted.is_(False)])]


def _visible_relation(with_restricted: bool) -> list[Any]:
    """Return the conditions that a reader may see a relation."""
    return [] if with_restricted else [ItemRelation.is_restricted.is_(False)]


def _group(label: str, queries: Sequence[Select[Any]]) -> RelatedGroup:
    """Return the items of a group, by title. An item that several relations lead to counts once."""
    ids = union(*queries).subquery()
    items = select(CatalogueItem).join(ids, ids.c.id == CatalogueItem.id).options(*_light())
    shown = db.session.scalars(items.order_by(CatalogueItem.title_sort, CatalogueItem.id).limit(MOST)).all()
    count = len(shown) if len(shown) < MOST else db.session.scalars(select(func.count()).select_from(ids)).one()
    return RelatedGroup(label, shown, count - len(shown))


def _light() -> tuple[Any, ...]:
    """Return the options of a query of items without their large columns."""
    large = (CatalogueItem.source_metadata, CatalogueItem.mapped_values, CatalogueItem.search_text)
    return tuple(defer(column) for column in large)
