"""A long list, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import Select, func, select

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
    """Page `number` of the first column of a SELECT; the last page where there are not as many."""
    total = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    number = min(number, max(1, -(-total // SIZE)))
    rows = db.session.scalars(query.offset((number - 1) * SIZE).limit(SIZE)).all()
    return Page(rows, number, total)
