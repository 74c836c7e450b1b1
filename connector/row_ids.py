"""Numbers of rows, as addresses, forms and commands name them: a larger one than any column holds is no such number."""

from __future__ import annotations

from typing import Any

import click
from werkzeug.routing import IntegerConverter, Map

MOST = 2**31 - 1  # what an INTEGER of PostgreSQL holds

ROW_ID = click.IntRange(0, MOST)


def row_id(text: str) -> int:
    """The number. Raises ValueError, as `int` does, so that it serves as `type` of a form's or a query's field."""
    number = int(text)
    if not 0 <= number <= MOST:
        raise ValueError(f"{number} is the number of no row")
    return number


class RowIdConverter(IntegerConverter):
    """`<int:…>` in the address of a page: what is too large is an address that leads nowhere."""

    def __init__(self, map: Map, **options: Any):
        super().__init__(map, **{"max": MOST, **options})
