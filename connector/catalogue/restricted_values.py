"""Restricted values and files, which are visible only with a login at the source. Viewers see none (design rule 16).

A restricted metadata value has `"restricted": true`, like the mapped values made from it. A file that the source does
not list without login has `name_is_restricted`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..characters import storable
from ..dspace.records import MetadataValue

# `metadata.hide.*` in the dspace.cfg of DSpace 4 to 10.
HIDDEN_BY_DEFAULT = frozenset({"dc.description.provenance", "person.email"})
MARK = "restricted"
TITLE = "dc.title"

Entry = Mapping[str, Any]
Mapped = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Shown:
    """The parts of an item that a signed-out reader sees at the source. None means unknown.

    `values`: metadata values (see `mark_restricted`). `files`: the ids of the listed files.
    """

    values: tuple[MetadataValue, ...] | None
    files: Collection[str] | None


def mark_restricted(metadata: Iterable[Entry], open_values: Iterable[MetadataValue] | None) -> list[dict[str, Any]]:
    """Return the metadata with exactly those values marked that are not among `open_values`.

    `open_values`: the values that a signed-out reader sees. If they are unknown (None), marks stay, and the fields that
    DSpace hides by default are marked too.
    """
    if open_values is None:
        return [_with_mark(entry, MARK in entry or _is_hidden_by_default(entry)) for entry in metadata]
    left = Counter(map(_identity, open_values))
    found = []
    for entry in metadata:
        key = (entry["field"], entry["value"], entry["language"], entry["authority"])
        found.append(_with_mark(entry, left[key] == 0))
        left[key] -= left[key] > 0
    return found


def with_marks_of(held: Iterable[Entry], metadata: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return the metadata with its own marks and those of equal values in `held`."""
    closed = {_text(entry) for entry in held if MARK in entry}
    return [_with_mark(entry, MARK in entry or _text(entry) in closed) for entry in metadata]


def is_marked(values: Iterable[Entry]) -> bool:
    """Return whether any of these values is restricted."""
    return any(MARK in value for value in values)


def open_only(values: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the values that are not restricted."""
    return [value for value in values if MARK not in value]


def open_terms(mapped: Mapped) -> dict[str, list[dict[str, Any]]]:
    """Return the mapped values that are not restricted. Terms without any are left out."""
    return {term: found for term, values in mapped.items() if (found := open_only(values))}


def restricted_terms(mapped: Mapped) -> dict[str, list[dict[str, Any]]]:
    """Return the mapped values that are restricted, by term."""
    return {term: [value for value in values if MARK in value] for term, values in mapped.items()}


def open_names(files: Iterable[Entry]) -> list[str | None]:
    """Return the names of the files that a signed-out reader sees."""
    return [file["name"] for file in files if not file["name_is_restricted"]]


def restricted_names(files: Iterable[Entry]) -> list[str | None]:
    """Return the names of the files that a signed-out reader does not see."""
    return [file["name"] for file in files if file["name_is_restricted"]]


def closes_title(metadata: Iterable[Entry], title: str | None) -> bool:
    """Return whether the title of the item is a restricted value."""
    return any(
        MARK in entry and entry["field"] == TITLE and storable(entry["value"]) == title for entry in metadata if title
    )


def _is_hidden_by_default(entry: Entry) -> bool:
    return entry["field"].lower() in HIDDEN_BY_DEFAULT


def _identity(value: MetadataValue) -> tuple[Any, ...]:
    return value.field, value.value, value.language, value.authority


def _text(entry: Entry) -> tuple[Any, ...]:
    return entry["field"], entry["value"]


def _with_mark(entry: Entry, is_restricted: bool) -> dict[str, Any]:
    bare = {name: entry[name] for name in entry if name != MARK}
    return bare | {MARK: True} if is_restricted else bare
