"""The items that are tied to an item: those that its metadata names, and those whose metadata names it.

Relations are looked up when they are read. So a link is there while both items are in the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select, union
from sqlalchemy.orm import aliased, defer

from ..extensions import db
from ..models.catalogue import CatalogueItem
from ..models.item_relations import ItemRelation
from .item_presentation import title_of
from .item_record import RelationRecord
from .relation_labels import named_label, naming_label

MOST = 20  # items of a group that a page shows


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
    holder = aliased(CatalogueItem)
    query = (
        select(ItemRelation.item_id, ItemRelation.field, CatalogueItem)
        .join(holder, holder.id == ItemRelation.item_id)
        .join(CatalogueItem, CatalogueItem.source_id == ItemRelation.target_id)
        .where(ItemRelation.item_id.in_(item_ids), CatalogueItem.repository_id == holder.repository_id)
        .where(CatalogueItem.id != holder.id, *_visible(with_restricted))
        .order_by(ItemRelation.field, CatalogueItem.title_sort, CatalogueItem.id)
    )
    found: dict[int, list[RelationRecord]] = {}
    for item_id, field, item in db.session.execute(query.options(*_light())):
        title = title_of(item, with_restricted)
        found.setdefault(item_id, []).append({"field": field, "id": item.id, "link": item.link, "title": title})
    return found


def _directions(
    item: CatalogueItem, with_restricted: bool
) -> tuple[tuple[Select[Any], Callable[[str], str]], tuple[Select[Any], Callable[[str], str]]]:
    """Return the SELECTs of the ids of the items that the item names, and that name it, each with its labels."""
    query = select(CatalogueItem.id).where(
        CatalogueItem.repository_id == item.repository_id, CatalogueItem.id != item.id, *_visible(with_restricted)
    )
    named = query.join(ItemRelation, ItemRelation.target_id == CatalogueItem.source_id)
    naming = query.join(ItemRelation, ItemRelation.item_id == CatalogueItem.id)
    return (
        (named.where(ItemRelation.item_id == item.id), named_label),
        (naming.where(ItemRelation.target_id == item.source_id), naming_label),
    )


def _visible(with_restricted: bool) -> list[Any]:
    """Return the conditions that a reader may see a relation and its item."""
    found: list[Any] = [CatalogueItem.is_hidden.is_(False)]
    if not with_restricted:
        found += [CatalogueItem.is_restricted.is_(False), ItemRelation.is_restricted.is_(False)]
    return found


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
