"""The items that are tied to an item: those that its metadata names, and those whose metadata names it.

Relations are looked up when they are read. So a link is there while both items are in the catalogue.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, ScalarResult, select
from sqlalchemy.orm import aliased, defer

from ..extensions import db
from ..models.catalogue import CatalogueItem
from ..models.item_relations import ItemRelation
from ..text import natural_key
from .item_order import Sort, order_of
from .item_presentation import title_of
from .item_record import RelationRecord
from .related_queries import Related, fields, visible_relation
from .relation_labels import named_label, naming_label
from .search import Selection, find

MOST = 20  # items of a group that a page shows
AT_ONCE = 500  # ids in a query
COUNTED = 1000  # items of a group; counting more would make the page slow


@dataclass(frozen=True, slots=True)
class RelatedGroup:
    """The first related items with the same label. `more`: the number of the others, at least if not `is_counted`."""

    label: str
    items: Sequence[CatalogueItem]
    more: int
    is_counted: bool


def of_item(item: CatalogueItem, with_restricted: bool) -> list[RelatedGroup]:
    """Return the related items that a reader may see, by label. Hidden items are not among them."""
    groups: dict[str, tuple[list[str], list[str]]] = {}
    for field in fields(ItemRelation.item_id == item.id, with_restricted):
        groups.setdefault(named_label(field), ([], []))[0].append(field)
    for field in fields(ItemRelation.target_id == item.source_id, with_restricted):
        groups.setdefault(naming_label(field), ([], []))[1].append(field)
    found = [
        _group(label, Selection(related=Related(item.id, *map(tuple, groups[label])), with_restricted=with_restricted))
        for label in sorted(groups)
    ]
    return [group for group in found if group.items]


def named_items(
    item_ids: Collection[int], with_restricted: bool, most: int | None = None
) -> dict[int, list[RelationRecord]]:
    """Return the items that the metadata of each of these items names, by item id. They are those a reader may see.

    `most`: read only this many relations.
    """
    held: dict[tuple[int, str], list[CatalogueItem]] = {}
    relations = _relations(item_ids, with_restricted, most)
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
    named.sort(key=lambda pair: (pair[0], natural_key(pair[1].title_sort), pair[1].id))
    return [
        {"field": field, "id": item.id, "link": item.link, "title": title_of(item, with_restricted)}
        for field, item in named
    ]


def _relations(item_ids: Collection[int], with_restricted: bool, most: int | None) -> Sequence[Row[int, str, str, int]]:
    """Return the first relations of items by field and target, with the repository of each item.

    Their targets are looked up by a query of their own, because SQLite reads all items for a join of the three.
    """
    query = select(ItemRelation.item_id, ItemRelation.field, ItemRelation.target_id, CatalogueItem.repository_id).join(
        CatalogueItem, CatalogueItem.id == ItemRelation.item_id
    )
    query = query.where(ItemRelation.item_id.in_(item_ids), *visible_relation(with_restricted))
    return db.session.execute(query.order_by(ItemRelation.field, ItemRelation.target_id).limit(most)).all()


def _visible_items(repository_id: int, source_ids: Sequence[str], with_restricted: bool) -> ScalarResult[CatalogueItem]:
    """Return these items of a repository. Their ids are selected first, else SQLite reads all its items."""
    item = aliased(CatalogueItem)
    ids = select(item.id).where(item.repository_id == repository_id, item.source_id.in_(source_ids))
    query = select(CatalogueItem).where(CatalogueItem.id.in_(ids), *_visible_item(with_restricted))
    return db.session.scalars(query.options(*_light()))


def _visible_item(with_restricted: bool) -> list[Any]:
    """Return the conditions that a reader may see a related item."""
    return [CatalogueItem.is_hidden.is_(False), *([] if with_restricted else [CatalogueItem.is_restricted.is_(False)])]


def _group(label: str, selection: Selection) -> RelatedGroup:
    """Return the first of these items, by title."""
    items = find(selection)
    columns = order_of(items, Sort.TITLE).columns
    rows = db.session.execute(items.keys(*columns).order_by(*columns).limit(COUNTED + 1)).all()
    ids = [id for _title, id in sorted(rows[:COUNTED], key=lambda row: (natural_key(row[0]), row[1]))]
    query = select(CatalogueItem).options(*_light()).where(CatalogueItem.id.in_(ids[:MOST]))
    shown = sorted(db.session.scalars(query), key=lambda item: ids.index(item.id))
    return RelatedGroup(label, shown, len(ids) - len(shown), is_counted=len(rows) <= COUNTED)


def _light() -> tuple[Any, ...]:
    """Return the options of a query of items without their large columns."""
    large = (CatalogueItem.source_metadata, CatalogueItem.mapped_values, CatalogueItem.search_text)
    return tuple(defer(column) for column in large)
