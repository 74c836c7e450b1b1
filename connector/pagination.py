"""Long lists, a page at a time. An address names the row that its page begins after or ends before by its sort key.

So an index leads to each page, and the last page of a list costs as much as the first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request
from sqlalchemy import ColumnElement, Row, Select, func, inspect, select, tuple_

from .characters import storable
from .extensions import db
from .formatting import number as in_words
from .row_ids import row_id

SIZE = 25
COUNTED = 10_000  # rows: no page waits until a longer list is counted
LAST = "last"  # as a sort key in an address: the end of the list


@dataclass(frozen=True, slots=True)
class Order:
    """The sort order of a list: columns of its table, of which the last one is the primary key. No column is null."""

    columns: tuple[ColumnElement[Any], ...]
    is_descending: bool = False

    def sort(self, query: Select[Any]) -> Select[Any]:
        """Return the query in this order."""
        return query.order_by(None).order_by(*_sorted(self.columns, self.is_descending))


@dataclass(frozen=True, slots=True)
class Place:
    """The start of a list, or a place `after` or `before` a row, named by its sort key as an address has it."""

    after: str | None = None
    before: str | None = None

    @property
    def arguments(self) -> dict[str, str]:
        """The place as arguments of an address."""
        named = {"after": self.after, "before": self.before}
        return {name: key for name, key in named.items() if key is not None}


@dataclass(frozen=True, slots=True)
class Page:
    """Up to SIZE rows of a list. `previous` and `next`: the places of the pages beside it, None where there is none.

    `total`: the number of rows in the list, counted up to `counted` + 1. `first`: the position of the first row in the
    list, from 1; None in a list that is not counted to its end.
    """

    rows: Sequence[Any]
    total: int
    counted: int
    first: int | None
    previous: Place | None
    next: Place | None

    end = Place(before=LAST)

    @property
    def total_in_words(self) -> str:
        """The number of rows in the list: "12", or "more than 10 000"."""
        return in_words(self.total) if self.total <= self.counted else f"more than {in_words(self.counted)}"

    @property
    def last(self) -> int | None:
        """The position of its last row, where that of the first is known."""
        return self.first and self.first + len(self.rows) - 1


def asked_place() -> Place:
    """Return the place in a list that the address asks for; the start where it asks for none."""
    return Place(request.args.get("after"), request.args.get("before"))


def page_of(
    query: Select[Any], order: Order, place: Place, keys: Select[Any] | None = None, counted: int | None = None
) -> Page:
    """Return the page at a place of a SELECT of rows of one table; the page nearest to it if that row is gone.

    The sort keys come first, alone: an index answers that, and no row is read that the page does not show. `keys`: a
    SELECT of them where another table has an index for it, with a column for each of `order`. `counted`: up to
    how many rows are counted, COUNTED if None.
    """
    window = _Window(query.with_only_columns(*order.columns) if keys is None else keys, order.is_descending)
    counted = COUNTED if counted is None else counted
    found, previous, following = window.at(place)
    total = _count(window.keys.limit(counted + 1))
    return Page(
        _rows(query, order, [key[-1] for key in found]),
        total,
        counted,
        first=None if total > counted else window.number_before(found[0]) + 1 if previous else 1,
        previous=Place(before=_as_text(found[0])) if previous else None,
        next=Place(after=_as_text(found[-1])) if following else None,
    )


@dataclass(frozen=True, slots=True)
class _Window:
    """The sort keys of a list, without its order."""

    keys: Select[Any]
    is_descending: bool

    def at(self, place: Place) -> tuple[Sequence[Row[Any]], bool, bool]:
        """Return (keys of the page, whether rows stand before it, whether rows follow)."""
        after, before = (self._key(text) for text in (place.after, place.before))
        if after is not None and (found := self._some(after)):
            return found[:SIZE], True, len(found) > SIZE
        if after is not None or before is not None or place.before == LAST:
            found = self._some(before, is_back=True)
            if before is None or len(found) > SIZE:
                return found[:SIZE][::-1], len(found) > SIZE, before is not None
        found = self._some()
        return found[:SIZE], False, len(found) > SIZE

    def number_before(self, key: Sequence[Any]) -> int:
        """Return the number of rows before this key."""
        return _count(self._beyond(key, is_back=True))

    def _beyond(self, key: Sequence[Any], *, is_back: bool) -> Select[Any]:
        """Return a SELECT of the keys that follow this one, or that stand before it."""
        columns, values = tuple_(*self._columns), tuple_(*key)
        return self.keys.where(columns < values if self.is_descending != is_back else columns > values)

    @property
    def _columns(self) -> Sequence[ColumnElement[Any]]:
        return list(self.keys.selected_columns)

    def _some(self, beyond: Sequence[Any] | None = None, *, is_back: bool = False) -> Sequence[Row[Any]]:
        """Return the keys of a page and the one after it; backwards, those nearest to the key first."""
        query = self.keys if beyond is None else self._beyond(beyond, is_back=is_back)
        order = _sorted(self._columns, self.is_descending != is_back)
        return db.session.execute(query.order_by(None).order_by(*order).limit(SIZE + 1)).all()

    def _key(self, text: str | None) -> Sequence[Any] | None:
        """Return the sort key that an address names; None if it is none of this list."""
        try:
            values = json.loads(f"[{text}]")
            return [READ[column.type.python_type](value) for column, value in zip(self._columns, values, strict=True)]
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None


def _rows(query: Select[Any], order: Order, ids: Sequence[int]) -> Sequence[Any]:
    """Return the rows with these ids, in order."""
    if not ids:
        return []
    primary_key = inspect(query.column_descriptions[0]["entity"]).primary_key[0]
    return db.session.scalars(order.sort(query.where(primary_key.in_(ids)))).all()


def _sorted(columns: Sequence[ColumnElement[Any]], is_descending: bool) -> list[ColumnElement[Any]]:
    return [column.desc() if is_descending else column.asc() for column in columns]


def _as_text(key: Sequence[Any]) -> str:
    return json.dumps(list(key), default=datetime.isoformat, ensure_ascii=False)[1:-1]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return storable(value)


READ: Mapping[type, Any] = {int: row_id, str: _text, datetime: datetime.fromisoformat}


def _count(keys: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(keys.order_by(None).subquery()))
