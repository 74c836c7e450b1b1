"""Row ids in addresses, forms and commands. A number larger than any column can hold is not a row id."""

from __future__ import annotations

from typing import Any

import click
from werkzeug.routing import IntegerConverter, Map

MOST = 2**31 - 1  # the largest INTEGER of PostgreSQL

ROW_ID = click.IntRange(0, MOST)


def row_id(text: str) -> int:
    """Return the row id. Raise ValueError, as `int` does, so that this can be the `type` of a form field."""
    number = int(text)
    if not 0 <= number <= MOST:
        raise ValueError(f"{number} is the number of no row")
    return number


class RowIdConverter(IntegerConverter):
    """A converter for `<int:…>` in routes. An address with a too large number matches no route."""

    def __init__(self, map: Map, **options: Any):
        super().__init__(map, **{"max": MOST, **options})
