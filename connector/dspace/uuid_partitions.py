"""Divides the items of a repository into parts by their ids, so that one part at a time can be read. Pure functions.

Uuids are divided by their first hexadecimal digits, which a search can select by prefix. Measured: the 16 parts of one
digit add up exactly to the whole (docs/dspace-findings.md). The numbers of DSpace 4 and 5 are divided by remainder.
"""

from __future__ import annotations

from .urls import is_uuid


def part_of(id: str, of: int) -> int:
    """Return which of `of` parts (1 to 365) an item is in, counted from 0."""
    if not is_uuid(id):
        return int(id) % of
    digits = _digits(of)
    return int(id[:digits], 16) * of >> 4 * digits


def prefixes(number: int, of: int) -> tuple[str, ...]:
    """Return the uuid prefixes of a part, with as many digits as are needed so that no part is empty."""
    digits = _digits(of)
    first, end = (-(-place * 16**digits // of) for place in (number, number + 1))
    return tuple(f"{value:0{digits}x}" for value in range(first, end))


def _digits(of: int) -> int:
    return next(digits for digits in (1, 2, 3) if of <= 16**digits)
