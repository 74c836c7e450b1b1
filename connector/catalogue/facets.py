"""The numbers of found items with each facet value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, String, cast, func, literal, select, union_all

from ..extensions import db
from ..models.catalogue import CatalogueItem, Membership
from ..models.item_facets import ItemFacet
from .facet_values import FACET_NUMBERS, FACETS
from .search import FoundItems

COUNTED = 3_000  # items; counting more would make pages slow
MOST_VALUES = 20  # of each facet
TOTAL = -1  # in place of the number of a facet: the number of all items
ITEM_SET, REPOSITORY, STATE = "item_set", "repository", "state"
COLUMNS = (ITEM_SET, REPOSITORY, STATE)  # facets that other tables have
NAMES: Sequence[str] = (*FACETS, *COLUMNS)
Counts = Mapping[str, list[tuple[str, int]]]


def count(items: FoundItems) -> tuple[Counts, bool]:
    """Return the facets of the newest COUNTED of the items (see `count_all`), and whether there are more items."""
    newest = items.newest(COUNTED + 1).cte("newest")
    [item_id] = newest.c
    found = select(item_id).order_by(item_id.desc()).limit(COUNTED).cte("found")
    total = select(literal(TOTAL), literal(""), func.count()).select_from(newest)
    rows: Sequence[Any] = db.session.execute(union_all(*_values(items, found, are_few=True), total)).all()
    return _by_name(rows), any(facet == TOTAL and number > COUNTED for facet, _, number in rows)


def count_all(items: FoundItems) -> Counts:
    """Return the most frequent values of each facet, each with its number of items, by the name of the facet.

    This takes seconds for many items.
    """
    return _by_name(db.session.execute(union_all(*_values(items, items.newest(None).cte("found"), are_few=False))))


def _by_name(rows: Iterable[Any]) -> Counts:
    """Return rows of (number of the facet, value, number of items) by the name of the facet, most frequent first."""
    counts: dict[str, list[tuple[str, int]]] = {name: [] for name in NAMES}
    for facet, value, number in rows:
        if facet != TOTAL:
            counts[NAMES[facet]].append((value, number))
    return {name: sorted(values, key=lambda pair: (-pair[1], pair[0])) for name, values in counts.items()}


def _values(items: FoundItems, found: CTE, *, are_few: bool) -> list[Select[Any]]:
    """Return SELECTs of (number of the facet, value, number of items) for the items in `found`."""
    return [_stored_values(found, items.selection.with_restricted), *_columns(found, are_few)]


def _stored_values(found: CTE, with_restricted: bool) -> Select[Any]:
    """Return a SELECT of (number of the facet, value, number of items) for the stored facet values."""
    number = func.count().label("number")
    groups = select(ItemFacet.value_id, number).where(ItemFacet.item_id.in_(select(found))).group_by(ItemFacet.value_id)
    if not with_restricted:
        groups = groups.where(ItemFacet.is_restricted.is_(False))
    all_values = groups.subquery()
    facet = all_values.c.value_id % FACET_NUMBERS
    place = func.row_number().over(partition_by=facet, order_by=(all_values.c.number.desc(), all_values.c.value_id))
    ranked = select(all_values, facet.label("facet"), place.label("place")).subquery()
    value = select(ItemFacet.value).where(ItemFacet.value_id == ranked.c.value_id).limit(1).scalar_subquery()
    return select(ranked.c.facet, value, ranked.c.number).where(ranked.c.place <= MOST_VALUES)


def _columns(found: CTE, are_few: bool) -> list[Select[Any]]:
    """Return a SELECT like that of `_stored_values` for each facet that another table has."""
    members = select(Membership.id).where(Membership.item_id.in_(select(found)))
    few = CatalogueItem.id.in_(select(found))
    # The sum keeps SQLite from reading the wide rows of many items. It reads narrow indexes of all items instead.
    many = CatalogueItem.is_hidden.is_(False) & (CatalogueItem.id + 0).in_(select(found))
    items = select(CatalogueItem.id).where(few if are_few else many)
    return [
        _most_frequent(ITEM_SET, Membership.item_set_id, func.count(Membership.item_id.distinct()), members),
        _most_frequent(REPOSITORY, CatalogueItem.repository_id, func.count(), items),
        _most_frequent(STATE, CatalogueItem.source_state, func.count(), items),
    ]


def _most_frequent(name: str, column: Any, number: ColumnElement[int], rows: Select[Any]) -> Select[Any]:
    values = (literal(NAMES.index(name)), cast(column, String).label("value"), number.label("number"))
    groups = rows.with_only_columns(*values).group_by(column).order_by(number.desc(), column).limit(MOST_VALUES)
    return select(groups.subquery())
