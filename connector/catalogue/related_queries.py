"""SELECTs of the items that relations tie to an item, in both directions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, false, select, union_all
from sqlalchemy.orm import aliased, load_only

from ..extensions import db
from ..models.catalogue import CatalogueItem
from ..models.item_relations import ItemRelation

FEW = 1000  # items; reading more would make pages slow
KEYS = (CatalogueItem.repository_id, CatalogueItem.source_id, CatalogueItem.is_restricted)
Fields = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Related:
    """The items that are related to an item.

    `named`: the fields in which the item names them. `naming`: those in which they name the item. None means any field.
    """

    item_id: int
    named: Fields = None
    naming: Fields = None


def fields(condition: Any, with_restricted: bool) -> list[str]:
    """Return the fields of the relations that meet a condition and that a reader may see."""
    query = _relations(ItemRelation.field, None, with_restricted).where(condition)
    return list(db.session.scalars(query.distinct()))


def related_ids(related: Related, with_restricted: bool) -> Select[Any]:
    """Return a SELECT of the ids of the related items, or of none if a reader may not see the item itself.

    Hidden and restricted items, the item itself and those of other repositories may be among them (see `is_related`).
    An item that names the item and that the item names may be among them twice.
    """
    item = db.session.get(CatalogueItem, related.item_id, options=[load_only(*KEYS)])
    if item is None or (item.is_restricted and not with_restricted):
        return _with_ids(())
    naming = _relations(ItemRelation.item_id, related.naming, with_restricted)
    naming = naming.where(ItemRelation.target_id == item.source_id)
    few: set[int] = set()
    many = []
    for query in (naming, _named(item, related.named, with_restricted)):
        ids = db.session.scalars(query.limit(FEW + 1)).all()
        if len(ids) <= FEW:
            few.update(ids)
        else:
            many.append(query)
    if naming in many:  # often has them, too, and is faster alone
        few.difference_update(db.session.scalars(naming.where(ItemRelation.item_id.in_(few))))
    if few or not many:
        many.append(_with_ids(few))
    return many[0] if len(many) == 1 else select(union_all(*many).subquery())


def is_related(related: Related) -> ColumnElement[bool]:
    """Return the condition that an item with an id of `related_ids` is another item of the same repository."""
    item = aliased(CatalogueItem)
    repository_id = select(item.repository_id).where(item.id == related.item_id).scalar_subquery()
    return (CatalogueItem.id != related.item_id) & (CatalogueItem.repository_id == repository_id)


def _with_ids(ids: Collection[int]) -> Select[Any]:
    item = aliased(CatalogueItem)
    return select(item.id).where(item.id.in_(ids))


def _named(item: CatalogueItem, fields: Fields, with_restricted: bool) -> Select[Any]:
    """Return a SELECT of the ids of the items that an item names."""
    targets = _relations(ItemRelation.target_id, fields, with_restricted).where(ItemRelation.item_id == item.id)
    other = aliased(CatalogueItem)
    return select(other.id).where(other.repository_id == item.repository_id, other.source_id.in_(targets))


def _relations(column: Any, fields: Fields, with_restricted: bool) -> Select[Any]:
    """Return a SELECT of a column of the relations in these fields that a reader may see."""
    query = select(column).where(*visible_relation(with_restricted))
    if fields is None:
        return query
    return query.where(ItemRelation.field.in_(fields) if fields else false())  # SQLite reads all rows for an empty list


def visible_relation(with_restricted: bool) -> list[Any]:
    """Return the conditions that a reader may see a relation."""
    return [] if with_restricted else [ItemRelation.is_restricted.is_(False)]
