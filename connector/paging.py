"""A long list, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import Select, func, inspect, select

from .extensions import db

SIZE = 25
MOST = 10**6  # no list has more pages; a larger number would not fit the database's OFFSET


@dataclass(frozen=True, slots=True)
class Page:
    """Up to SIZE rows; `number` counts from 1, `total` is how many rows there are in all."""

    rows: Sequence[Any]
    number: int
    total: int

    @property
    def count(self) -> int:
        """How many pages there are, at least 1."""
        return max(1, -(-self.total // SIZE))

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


def page_of(query: Select[Any], number: int) -> Page:
    """Return page `number` of a SELECT of rows of one table; the last page if there are fewer.

    The ids come first, alone: an index answers that, and no row is read that the page does not show.
    """
    entity = query.column_descriptions[0]["entity"]
    key = inspect(entity).primary_key[0]
    total = db.session.scalar(select(func.count()).select_from(query.with_only_columns(key).order_by(None).subquery()))
    number = min(number, max(1, -(-total // SIZE)))
    ids = db.session.scalars(query.with_only_columns(key).offset((number - 1) * SIZE).limit(SIZE)).all()
    rows = db.session.scalars(query.where(key.in_(ids))).all() if ids else []
    return Page(rows, number, total)
