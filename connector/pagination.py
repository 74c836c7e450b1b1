"""Pages of long lists. A page's address contains the sort key of the row that the page starts after or ends before.

So each page is found with an index, and the last page of a list costs as much as the first. A list that is short enough
to be counted also has addresses with page numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from flask import request
from sqlalchemy import ColumnElement, Row, Select, inspect, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from .characters import storable
from .errors import InvalidInputError
from .extensions import count_rows, db
from .formatting import number_up_to
from .i18n import gettext as _
from .row_ids import row_id

SIZE = 25
COUNTED = 10_000  # rows; counting more would make pages slow
LAST = "last"  # as a sort key in an address: the end of the list
Column = ColumnElement[Any] | InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class Order:
    """The sort order of a list: columns of its table, with the primary key last. No column is nullable."""

    columns: tuple[Column, ...]
    is_descending: bool = False

    def sort(self, query: Select[Any]) -> Select[Any]:
        """Return the query in this order."""
        return query.order_by(None).order_by(*_sorted(self.columns, self.is_descending))


@dataclass(frozen=True, slots=True)
class Place:
    """The start of a list, the place `after` or `before` a row, which is given by its sort key, or a page `number`."""

    after: str | None = None
    before: str | None = None
    number: int | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the place as query parameters of an address."""
        named = {"after": self.after, "before": self.before, "page": self.number}
        return {name: key for name, key in named.items() if key is not None}


@dataclass(frozen=True, slots=True)
class ListPage:
    """The rows of a page of a list. `previous`, `next`: the places of the adjacent pages, or None.

    `size`: the number of rows of a full page. `total`: the number of rows in the list, counted up to `counted` + 1.
    `first`: the position of the first row in the list, from 1, or None if the list is too long to be counted.
    """

    rows: Sequence[Any]
    size: int
    total: int
    counted: int
    first: int | None
    previous: Place | None
    next: Place | None

    end = Place(before=LAST)

    @property
    def total_in_words(self) -> str:
        """Return the number of rows in the list: "12", or "more than 10,000"."""
        return number_up_to(self.total, self.counted)

    @property
    def last(self) -> int | None:
        """Return the position of the last row, or None if that of the first is unknown."""
        return self.first and self.first + len(self.rows) - 1

    @property
    def number(self) -> int | None:
        """Return the number of this page, from 1, or None if the position of its first row is unknown."""
        return self.first and ceil((self.first - 1) / self.size) + 1

    @property
    def numbers(self) -> list[int]:
        """Return the numbers of the first and the last page, of this page and of the two beside it, in order."""
        if self.number is None:
            return []
        last = ceil(self.total / self.size)
        return sorted({1, last, *range(max(1, self.number - 1), min(last, self.number + 1) + 1)})


def asked_place() -> Place:
    """Return the place in a list that the address of the request or its form names, by default the start."""
    return Place(request.values.get("after"), request.values.get("before"), request.values.get("page", type=row_id))


def page_of(
    query: Select[Any],
    order: Order,
    place: Place,
    keys: Select[Any] | None = None,
    ids: Select[Any] | None = None,
    counted: int | None = None,
    size: int | None = None,
) -> ListPage:
    """Return the page at a place of a SELECT of rows of one table, or the nearest page if that row was deleted.

    The sort keys are read first and alone. An index provides them, and only the rows of the page are read. `keys`: a
    SELECT of the sort keys with a column for each of `order`, if another table has an index for them. `ids`: a SELECT
    of a row for each row of the list, if it is counted faster than the sort keys. `counted`: the maximum of rows to
    count, COUNTED if None. `size`: the number of rows of a page, SIZE if None.
    """
    sort_keys: Select[Any] = query.with_only_columns(*order.columns) if keys is None else keys
    window = _SortKeys(sort_keys, order.is_descending, size or SIZE)
    counted = COUNTED if counted is None else counted
    found, before, following = window.at(place, counted)
    total = _count((window.keys if ids is None else ids).limit(counted + 1))
    is_numbered = total <= counted
    if before is None and is_numbered:
        before = window.number_before(found[0])
    return ListPage(
        _rows(query, order, [key[-1] for key in found]),
        window.size,
        total,
        counted,
        first=before + 1 if before is not None and is_numbered else None,
        previous=None if before == 0 else Place(before=_as_text(found[0])),
        next=Place(after=_as_text(found[-1])) if following else None,
    )


def rows_after(
    query: Select[Any], order: Order, after: str | None, keys: Select[Any] | None = None, size: int | None = None
) -> tuple[Sequence[Any], str | None]:
    """Return the rows after a sort key, from the start if it is None, and the last sort key if more rows follow.

    `keys`, `size`: as for `page_of`. Raise InvalidInputError if the sort key is not one of this list.
    """
    sort_keys: Select[Any] = query.with_only_columns(*order.columns) if keys is None else keys
    found, is_followed = _SortKeys(sort_keys, order.is_descending, size or SIZE).after(after)
    return _rows(query, order, [key[-1] for key in found]), _as_text(found[-1]) if is_followed else None


@dataclass(frozen=True, slots=True)
class _SortKeys:
    """The sort keys of a list, without its order."""

    keys: Select[Any]
    is_descending: bool
    size: int

    def at(self, place: Place, counted: int) -> tuple[Sequence[Row[Any]], int | None, bool]:
        """Return (keys of the page, number of rows before it or None if it is not known yet, whether rows follow).

        A page number is used only if the page begins among the first `counted` rows.
        """
        offset = self.size * ((place.number or 1) - 1)
        if 0 < offset <= counted and (found := self._some(offset=offset)):
            return found[: self.size], offset, len(found) > self.size
        after, before = (self._key(text) for text in (place.after, place.before))
        if after is not None and (found := self._some(after)):
            return found[: self.size], None, len(found) > self.size
        if after is not None or before is not None or place.before == LAST or offset:
            found = self._some(before, is_back=True)
            if before is None or len(found) > self.size:
                return found[: self.size][::-1], None if len(found) > self.size else 0, before is not None
        found = self._some()
        return found[: self.size], 0, len(found) > self.size

    def after(self, text: str | None) -> tuple[Sequence[Row[Any]], bool]:
        """Return (keys after the one in an address, whether rows follow). Raise InvalidInputError for a wrong one."""
        key = self._key(text)
        if text is not None and key is None:
            raise InvalidInputError(_("“%(text)s” is no place in this list.", text=text), "after")
        found = self._some(key)
        return found[: self.size], len(found) > self.size

    def number_before(self, key: Sequence[Any]) -> int:
        """Return the number of rows before this key."""
        return _count(self._beyond(key, is_back=True))

    def _beyond(self, key: Sequence[Any], *, is_back: bool) -> Select[Any]:
        """Return a SELECT of the keys after this one, or of those before it."""
        columns, values = tuple_(*self._columns), tuple_(*key)
        return self.keys.where(columns < values if self.is_descending != is_back else columns > values)

    @property
    def _columns(self) -> Sequence[Column]:
        return list(self.keys.selected_columns)

    def _some(
        self, beyond: Sequence[Any] | None = None, *, is_back: bool = False, offset: int = 0
    ) -> Sequence[Row[Any]]:
        """Return the keys of a page and one more. Backwards, those nearest to the key come first."""
        query = self.keys if beyond is None else self._beyond(beyond, is_back=is_back)
        order = _sorted(self._columns, self.is_descending != is_back)
        return db.session.execute(query.order_by(None).order_by(*order).limit(self.size + 1).offset(offset)).all()

    def _key(self, text: str | None) -> Sequence[Any] | None:
        """Return the sort key in an address, or None if it does not fit this list."""
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


def _sorted(columns: Sequence[Column], is_descending: bool) -> list[ColumnElement[Any]]:
    return [column.desc() if is_descending else column.asc() for column in columns]


def _as_text(key: Sequence[Any]) -> str:
    return json.dumps(list(key), default=datetime.isoformat, ensure_ascii=False)[1:-1]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return storable(value)


READ: Mapping[type, Any] = {int: row_id, str: _text, datetime: datetime.fromisoformat}


def _count(keys: Select[Any]) -> int:
    return count_rows(keys.order_by(None).subquery())
