"""A long list, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import Select, func, inspect, select

from .extensions import db
from .words import number as in_words

SIZE = 25
MOST = 10**6  # no list has more pages; a larger number would not fit the database's OFFSET
COUNTED = 10_000  # rows: no page waits until a longer list is counted


@dataclass(frozen=True, slots=True)
class Page:
    """Up to SIZE rows of a list. `number`: of the page, from 1.

    `total`: the number of rows in the list, counted up to COUNTED + 1.
    """

    rows: Sequence[Any]
    number: int
    total: int
    has_next: bool

    @property
    def total_in_words(self) -> str:
        """The number of rows in the list: "12", or "more than 10 000"."""
        return in_words(self.total) if self.total <= COUNTED else f"more than {in_words(COUNTED)}"

    @property
    def first(self) -> int:
        """The place of its first row, from 1."""
        return (self.number - 1) * SIZE + 1

    @property
    def last(self) -> int:
        """The place of its last row."""
        return self.first + len(self.rows) - 1


def asked_number() -> int:
    """The number of the page that the address asks for, 1 where it asks for none."""
    number = request.args.get("page", 1, type=int)
    return min(max(number, 1), MOST)


def page_of(query: Select[Any], number: int, ids: Select[Any] | None = None) -> Page:
    """Return page `number` of a SELECT of rows of one table; the last page if there are fewer.

    The ids come first, alone: an index answers that, and no row is read that the page does not show. `ids`: a SELECT of
    them in the order of the query, where another table has an index for it.
    """
    entity = query.column_descriptions[0]["entity"]
    key = inspect(entity).primary_key[0]
    ids = query.with_only_columns(key) if ids is None else ids
    found = _slice(ids, number)
    if not found and number > 1:
        number = max(1, -(-_count(ids) // SIZE))
        found = _slice(ids, number)
    rows = db.session.scalars(query.where(key.in_(found[:SIZE]))).all() if found else []
    return Page(rows, number, _count(ids.limit(COUNTED + 1)), len(found) > SIZE)


def _slice(ids: Select[Any], number: int) -> Sequence[int]:
    """Return the ids of a page, and the one after it."""
    return db.session.scalars(ids.offset((number - 1) * SIZE).limit(SIZE + 1)).all()


def _count(ids: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(ids.order_by(None).subquery()))
