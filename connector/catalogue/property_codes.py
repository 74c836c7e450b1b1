"""Codes of what an item has: properties with any value, and original files. An index of lists has them.

So a search for items with or without a property or files reads the index instead of all values and files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement

from .crosswalk import LABELS
from .facet_values import ORIGINALS
from .restricted_values import MARK, Mapped

# Databases have the positions of terms in this list, so a new term goes to its end.
CODED = tuple(LABELS)
_CODES = {term: f"{position:02x}" for position, term in enumerate(CODED)}
_FILES, _FIELD = "fe", "ff"  # original files, and any field without a term
_OPEN, _RESTRICTED = " ", "-"  # stand before a code


def codes_of(mapped: Mapped, files: Iterable[Mapping[str, Any]]) -> str:
    """Return the codes of an item, sorted. A mark before each says whether the property or all files are restricted."""
    found: dict[str, bool] = {}
    marks = [(_CODES.get(term, _FIELD), MARK in value) for term, values in mapped.items() for value in values]
    marks += [(_FILES, bool(file["name_is_restricted"])) for file in files if file["bundle"] == ORIGINALS]
    for code, is_restricted in marks:
        found[code] = found.get(code, True) and is_restricted
    return "".join((_RESTRICTED if closed else _OPEN) + code for code, closed in sorted(found.items()))


def is_coded(term: str) -> bool:
    """Return whether the term has a code of its own. All fields without a term share one."""
    return term in _CODES


def has_property(column: Any, term: str, with_restricted: bool) -> ColumnElement[bool]:
    """Return the condition on a column of codes that the item has a value of a term, or may have one of a field."""
    return _has(column, _CODES.get(term, _FIELD), with_restricted)


def has_files(column: Any, with_restricted: bool) -> ColumnElement[bool]:
    """Return the condition on a column of codes that the item has original files."""
    return _has(column, _FILES, with_restricted)


def _has(column: Any, code: str, with_restricted: bool) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.like(f"%{code}%" if with_restricted else f"%{_OPEN}{code}%")
    return found
