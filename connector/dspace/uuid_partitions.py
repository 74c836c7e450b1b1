"""Divides the items of a repository into parts by their ids, so that one part at a time can be read. Pure functions.

Uuids are divided by their first hexadecimal digits, which a search can select by prefix. Measured: the 16 parts of one
digit add up exactly to the whole (docs/dspace-findings.md). The numbers of DSpace 4 and 5 are divided by remainder.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from zlib import crc32

from .urls import is_uuid

EVERY_UUID = ("",)
_DIGITS = "0123456789abcdef"


def part_of(id: str, of: int) -> int:
    """Return which of `of` parts (1 to 365) an item is in, counted from 0."""
    if not is_uuid(id):
        return int(id) % of if id.isdecimal() else crc32(id.encode()) % of  # a handle of OAI-PMH
    digits = next(digits for digits in (1, 2, 3) if of <= 16**digits)
    return int(id[:digits], 16) * of >> 4 * digits


def prefixes(number: int, of: int) -> tuple[str, ...]:
    """Return the uuid prefixes of a part, with as many digits as are needed so that no part is empty."""
    return split(EVERY_UUID, of)[number]


def split(within: Sequence[str], of: int) -> list[tuple[str, ...]]:
    """Divide the uuids with these prefixes into `of` parts of about the same size. Return the prefixes of each part."""
    longer = [prefix + digit for prefix in within for digit in _DIGITS]
    if len(longer) < of:
        return split(longer, of)
    ends = [-(-place * len(longer) // of) for place in range(of + 1)]
    return [tuple(longer[first:end]) for first, end in pairwise(ends)]
