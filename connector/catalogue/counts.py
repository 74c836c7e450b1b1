"""Counts of the whole catalogue for the overview: items, files and bytes of each repository, items by year and type.

Counting reads every item, which takes seconds in a large catalogue. So workers count when something changed, and pages
read the stored result. Hidden items are left out, as in the lists of the catalogue.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select

from ..extensions import db, transaction, utcnow
from ..models.accounts import AuditEntry
from ..models.catalogue import CatalogueCount, CatalogueFile, CatalogueItem, StoredFile
from ..models.changes import Change
from ..models.jobs import IN_PROGRESS, Job
from . import facets, field_counts
from .search import Selection, find

ROW = 1  # the id of the only row
SHARE = 20  # counting takes at most this part of the time
LONGEST = timedelta(hours=6)  # until the catalogue is counted again, even if nothing seems to have changed
TYPES, TYPE_CHARACTERS = 50, 100  # kept of each repository
_YEAR = re.compile(r"([0-9]{4})(-|$)")


@dataclass
class RepositoryTotals:
    """What the catalogue holds of a repository. `years`, `types`: numbers of items; the key None: of items without one.

    `other_types`: the number of items with one of the rarer types.
    """

    repository_id: int
    items: int = 0
    files: int = 0
    bytes: int = 0
    years: Counter[int | None] = field(default_factory=Counter)
    types: Counter[str | None] = field(default_factory=Counter)
    other_types: int = 0

    def add(self, other: RepositoryTotals) -> None:
        """Add the numbers of `other`."""
        self.items += other.items
        self.files += other.files
        self.bytes += other.bytes
        self.years += other.years
        self.types += other.types
        self.other_types += other.other_types


def count_if_changed(now: datetime | None = None) -> bool:
    """Count the catalogue if it may have changed since the last counting. Return whether it was counted."""
    now, basis = now or utcnow(), _basis()
    last = db.session.get(CatalogueCount, ROW)
    if last is not None:
        age = now - last.counted_at
        is_same = last.basis == basis and not basis[-1]
        if age < timedelta(seconds=SHARE * last.seconds) or (is_same and age < LONGEST):
            db.session.rollback()
            return False
    began = time.monotonic()
    counts = _count()
    values = {"counts": counts, "facets": _facets(counts), "fields": field_counts.count()}
    db.session.rollback()  # no transaction stays open
    values |= {"counted_at": now, "seconds": time.monotonic() - began, "basis": basis}
    with transaction():
        db.session.merge(CatalogueCount(id=ROW, **values))
    return True


def totals(*, with_restricted: bool) -> tuple[datetime | None, list[RepositoryTotals]]:
    """Return the time of the last counting, and what it found in each repository. The time is None before the first."""
    last = db.session.get(CatalogueCount, ROW)
    found: dict[int, RepositoryTotals] = {}
    for stored in last.counts if last else ():
        if with_restricted or not stored["restricted"]:
            one = _from_json(stored)
            found.setdefault(one.repository_id, RepositoryTotals(one.repository_id)).add(one)
    return (last.counted_at if last else None), list(found.values())


def facets_of_all(with_restricted: bool) -> facets.Counts | None:
    """Return the facet counts of all items at the last counting, None if the catalogue is small or not counted yet."""
    last = db.session.get(CatalogueCount, ROW)
    return last.facets[with_restricted] if last and last.facets else None


def _facets(counts: Iterable[Mapping[str, Any]]) -> list[facets.Counts]:
    """Return the facet counts without and with restricted values. An empty list if pages can count all items."""
    if sum(one["items"] for one in counts) <= facets.COUNTED:
        return []
    return [facets.count_all(find(Selection(with_restricted=restricted))) for restricted in (False, True)]


def _basis() -> list[Any]:
    """Return the last change, the last audit entry and the running jobs.

    Each change of the catalogue also changes one of these. A running job may download files of items that it has added
    before, which adds no change.
    """
    change, entry = (db.session.scalar(select(func.max(table.id))) for table in (Change, AuditEntry))
    running = db.session.scalars(select(Job.id).where(Job.state.in_(IN_PROGRESS)).order_by(Job.id)).all()
    return [change, entry, list(running)]


def _count() -> list[dict[str, Any]]:
    """Return the counts as they are stored."""
    found: dict[tuple[int, bool], RepositoryTotals] = {}

    def held_of(repository_id: int, is_restricted: bool) -> RepositoryTotals:
        return found.setdefault((repository_id, bool(is_restricted)), RepositoryTotals(repository_id))

    for repository_id, is_restricted, year, kind, number in db.session.execute(_items()):
        one = held_of(repository_id, is_restricted)
        one.items += number
        one.years[_year(year)] += number
        one.types[kind or None] += number
    for repository_id, is_restricted, number, size in db.session.execute(_files()):
        one = held_of(repository_id, is_restricted)
        one.files += number
        one.bytes += int(size or 0)
    return [_to_json(one, is_restricted) for (_, is_restricted), one in sorted(found.items())]


def _items() -> Select[*tuple[Any, ...]]:
    """Return a SELECT of (repository, whether restricted, first characters of the date, type, number of items)."""
    year, kind = func.substr(_first("dcterms:issued"), 1, 5), func.substr(_first("dcterms:type"), 1, TYPE_CHARACTERS)
    groups = (CatalogueItem.repository_id, CatalogueItem.is_restricted, year.label("year"), kind.label("kind"))
    query = select(*groups, func.count()).where(CatalogueItem.is_hidden.is_(False))
    return query.group_by(*groups)


def _first(term: str) -> ColumnElement[str]:
    """Return the first value of a term, or NULL if only a login shows this value."""
    value, mark = (CatalogueItem.mapped_values[term, 0, name].as_string() for name in ("value", "restricted"))
    return case((mark.is_(None), value))


def _files() -> Select[*tuple[Any, ...]]:
    """Return a SELECT of (repository, whether the item or name is restricted, number of stored files, bytes)."""
    is_withheld = (CatalogueItem.is_restricted | CatalogueFile.name_is_restricted).label("is_withheld")
    query = select(CatalogueItem.repository_id, is_withheld, func.count(), func.sum(StoredFile.size))
    query = query.join(CatalogueFile, CatalogueFile.item_id == CatalogueItem.id)
    query = query.join(StoredFile, StoredFile.sha256 == CatalogueFile.sha256)
    return query.where(CatalogueItem.is_hidden.is_(False)).group_by(CatalogueItem.repository_id, is_withheld)


def _year(text: str | None) -> int | None:
    """Return the year of the first characters of a date: of "1911" and "1911-", not of "19111" or "c1911"."""
    found = _YEAR.match(text or "")
    return int(found[1]) if found else None


def _to_json(one: RepositoryTotals, is_restricted: bool) -> dict[str, Any]:
    common = Counter(dict(one.types.most_common(TYPES)))
    return {
        "repository": one.repository_id,
        "restricted": is_restricted,
        "items": one.items,
        "files": one.files,
        "bytes": one.bytes,
        "years": _pairs(one.years),
        "types": _pairs(common),
        "other_types": one.types.total() - common.total(),
    }


def _from_json(stored: dict[str, Any]) -> RepositoryTotals:
    numbers = {name: stored[name] for name in ("items", "files", "bytes", "other_types")}
    years, types = (Counter(dict(stored[name])) for name in ("years", "types"))
    return RepositoryTotals(stored["repository"], years=years, types=types, **numbers)


def _pairs(numbers: Counter[Any]) -> Iterable[tuple[Any, int]]:
    """Return the counts as pairs, since a key of a JSON object cannot be None."""
    return list(numbers.items())
