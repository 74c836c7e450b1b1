"""Cuts the items of a repository into parts by their ids, so that a slice of them can be read at a time. Pure.

By the first hexadecimal digits of a uuid, which a search can ask for by prefix (the 16 parts of one digit were measured
to sum exactly to the whole, docs/dspace-findings.md); the numbers of DSpace 4 and 5 by what is left of a division.
"""

from __future__ import annotations

from .urls import is_uuid


def part_of(id: str, of: int) -> int:
    """Which of `of` parts (1 to 365) an item is in, counted from 0."""
    if not is_uuid(id):
        return int(id) % of
    digits = _digits(of)
    return int(id[:digits], 16) * of // 16**digits


def prefixes(number: int, of: int) -> tuple[str, ...]:
    """The beginnings of the uuids in a part: of as many digits as it takes for every part to have some."""
    digits = _digits(of)
    first, end = (-(-place * 16**digits // of) for place in (number, number + 1))
    return tuple(f"{value:0{digits}x}" for value in range(first, end))


def _digits(of: int) -> int:
    return next(digits for digits in (1, 2, 3) if of <= 16**digits)
