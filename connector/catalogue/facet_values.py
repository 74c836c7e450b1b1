"""The facet values of items, made from their mapped values and files. The writers of items store them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from sqlalchemy import delete, insert

from ..characters import storable
from ..extensions import db
from ..models.item_facets import FACET, VALUE_CHARACTERS, Facet
from .restricted_values import MARK, open_only

TERMS = {
    "dcterms:type": Facet.TYPE,
    "dcterms:issued": Facet.YEAR,
    "dcterms:language": Facet.LANGUAGE,
    "dcterms:creator": Facet.CREATOR,
}
FACETS = tuple(Facet)
FACET_NUMBERS = 16
ORIGINALS = "ORIGINAL"  # the bundle of the files that people deposited
MEDIA_KINDS = ("image", "audio", "video", "text")  # media types that are kinds of their own
KINDS = ("pdf", *MEDIA_KINDS, "other")
DATE_PATTERN = "[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"  # of a date in a search
_DATE = re.compile(r"([0-9]{4})(?:-[0-9]{2}){0,2}(?![0-9])")
Mapped = Mapping[str, list[dict[str, Any]]]
Values = dict[tuple[Facet, str], bool]


def values_of(mapped: Mapped, files: Iterable[Mapping[str, Any]]) -> Values:
    """Return the facet values of an item, each with whether it is restricted. An equal open value makes it open."""
    found: Values = {}
    for facet, value, is_restricted in (*_mapped_values(mapped), *_kinds(files)):
        key = facet, value
        if value:
            found[key] = found.get(key, True) and is_restricted
    return found


def value_id(facet: Facet, value: str) -> int:
    """Return the number of a value: a hash of 56 bits, then four bits for the facet (see `number`)."""
    digest = blake2b(storable(value)[:VALUE_CHARACTERS].encode(), digest_size=7).digest()
    return int.from_bytes(digest) * FACET_NUMBERS + number(facet)


def number(facet: Facet) -> int:
    """Return the number of a facet: the remainder of its value ids by FACET_NUMBERS."""
    return FACETS.index(facet)


def store(values: Mapping[int, Values]) -> None:
    """Replace the facet values of these items, given by item id. The caller owns the transaction."""
    db.session.execute(delete(FACET).where(FACET.c.item_id.in_(values)))
    add(values)


def add(values: Mapping[int, Values]) -> None:
    """Store the facet values of new items, given by item id. The caller owns the transaction."""
    if rows := [row for item_id, found in values.items() for row in _rows(item_id, found)]:
        db.session.execute(insert(FACET), rows)


def sort_date(mapped: Mapped) -> str:
    """Return the first open date of issue as YYYY, YYYY-MM or YYYY-MM-DD, by which items are sorted, else ""."""
    dates = (_DATE.match(value["value"]) for value in open_only(mapped.get("dcterms:issued", ())))
    return next((found[0] for found in dates if found), "")


def is_date(text: str) -> bool:
    """Return whether this is a date as YYYY, YYYY-MM or YYYY-MM-DD."""
    return re.fullmatch(DATE_PATTERN, text) is not None


def kind_of(media_type: str | None) -> str:
    """Return the kind of a file: pdf, image, audio, video, text or other."""
    name = (media_type or "").partition(";")[0].strip().lower()
    if name == "application/pdf":
        return "pdf"
    kind = name.partition("/")[0]
    return kind if kind in MEDIA_KINDS else "other"


def value_of(facet: Facet, text: str) -> str:
    """Return the value of a facet for a text of its term, or "" if it has none."""
    text = " ".join(storable(text).split())
    if facet is Facet.YEAR:
        found = _DATE.match(text)
        return found[1] if found else ""
    return text[:VALUE_CHARACTERS]


def _mapped_values(mapped: Mapped) -> Iterator[tuple[Facet, str, bool]]:
    for term, facet in TERMS.items():
        for entry in mapped.get(term, ()):
            yield facet, value_of(facet, entry["value"]), MARK in entry


def _kinds(files: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Facet, str, bool]]:
    for file in files:
        if file["bundle"] == ORIGINALS:
            yield Facet.KIND, kind_of(file["media_type"]), bool(file["name_is_restricted"])


def _rows(item_id: int, values: Values) -> Iterator[dict[str, Any]]:
    for (facet, value), is_restricted in values.items():
        row = {"value_id": value_id(facet, value), "item_id": item_id, "value": value}
        yield row | {"is_restricted": is_restricted}
