"""Reads members of JSON objects strictly. The API promises them, so a missing one or another type is a bad answer."""

from __future__ import annotations

from typing import Any, TypeVar

from ..errors import BadAnswer

T = TypeVar("T")

# The largest integer that all software reads alike (RFC 8259, 6). Sums of such numbers fit in a database column.
_MOST = 2**53 - 1


def required(row: Any, name: str, kind: type[T], url: str) -> T:
    """Return `row[name]`. Raises BadAnswer if it is missing, of another type, or an integer beyond 2^53.

    JSON's true and false are no integers.
    """
    value = row.get(name) if isinstance(row, dict) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadAnswer(f"{url} did not answer as DSpace does: “{name}” is missing or of another type.", url)
    if isinstance(value, int) and not -_MOST <= value <= _MOST:
        raise BadAnswer(f"{url} did not answer as DSpace does: the number “{name}” is too large.", url)
    return value


def optional(row: Any, name: str, kind: type[T], url: str) -> T | None:
    """Return `row[name]`, or None if it is missing or null. Raises BadAnswer where `required` does, else."""
    if isinstance(row, dict) and row.get(name) is None:
        return None
    return required(row, name, kind, url)
