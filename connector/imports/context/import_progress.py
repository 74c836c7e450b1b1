"""What an import has read and learned so far. The job row stores it as its cursor, so that an import can resume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ...dspace.records import Page

MIXED = False  # differs from every login name and from None


class Listing(StrEnum):
    """A listing of items that an import reads, by the name of its place in the cursor.

    WALK: the whole scope. CHANGES: the items changed since the last run. SLICE: the items of a rolling recheck. AGAIN:
    the whole scope once more, because it changed during the import. NAMED: the items that the items of the scope name.
    """

    WALK = "walk"
    CHANGES = "changes"
    SLICE = "slice"
    AGAIN = "again"
    NAMED = "named"


@dataclass(slots=True)
class ImportProgress:
    """The progress of an import over all its attempts.

    `places`: how far each listing was read. `has_walked`: all listings were read. `not_visible`, `unlisted`,
    `overcounted`: item counts by collection id (see `Page`). `totals`: the smallest and the largest count of the scope
    that the source gave. `began`: when the first attempt began, by the server's clock. `recent`: number of items that
    were indexed shortly before (see `incremental`). `has_trusted`: some items count as unchanged because of their time
    stamps, so their files may still have changed. `excluded`: ids or handles that a takedown excludes. `absent`: ids of
    items that were listed but are not present. `login`: the login name of all attempts, None if signed out, MIXED if
    they differ. `is_stored`: the job row has the result of at least one page.
    """

    places: dict[Listing, Any] = field(default_factory=dict)
    has_walked: bool = False
    scope_is_gone: bool = False
    not_visible: dict[str, int] = field(default_factory=dict)
    unlisted: dict[str, int] = field(default_factory=dict)
    overcounted: dict[str, int] = field(default_factory=dict)
    totals: set[int] = field(default_factory=set)
    began: str | None = None
    recent: int | None = None
    has_trusted: bool = False
    excluded: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    login: str | bool | None = None
    is_stored: bool = False

    @classmethod
    def from_json(cls, cursor: Mapping[str, Any] | None, login: str | None) -> ImportProgress:
        """Return the progress that `to_json` gave, for an attempt with this login name."""
        if not cursor:
            return cls(login=login)
        return cls(
            places={name: cursor[name] for name in Listing if name in cursor},
            has_walked=cursor.get("walked", False),
            scope_is_gone=cursor.get("scope_is_gone", False),
            not_visible=dict(cursor.get("hidden", {})),
            unlisted=dict(cursor.get("unlisted", {})),
            overcounted=dict(cursor.get("overcounted", {})),
            totals=set(cursor.get("totals", ())),
            began=cursor.get("began"),
            recent=cursor.get("recent"),
            has_trusted=cursor.get("trusted", False),
            excluded=set(cursor.get("excluded", ())),
            absent=set(cursor.get("absent", ())),
            login=login if cursor.get("login", login) == login else MIXED,
            is_stored=True,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the cursor for the job row. When all listings are read, their places are left out."""
        done: dict[str, Any] = {"walked": True, "scope_is_gone": self.scope_is_gone}
        return {
            **(done if self.has_walked else {str(listing): place for listing, place in self.places.items()}),
            "hidden": self.not_visible,
            "unlisted": self.unlisted,
            "overcounted": self.overcounted,
            "totals": sorted(self.totals),
            "began": self.began,
            "recent": self.recent,
            "trusted": self.has_trusted,
            "excluded": sorted(self.excluded),
            "absent": sorted(self.absent),
            "login": self.login,
        }

    def note_total(self, total: int | None) -> None:
        """Keep the smallest and the largest count of the scope that the source gave."""
        if total is not None:
            totals = {*self.totals, total}
            self.totals = {min(totals), max(totals)}

    def note_counts(self, page: Page, known_not_visible: Mapping[str, int]) -> None:
        """Keep the counts of the collections that this page explains. `known_not_visible`: those of earlier imports."""
        self.not_visible.update(
            {id: number for id, number in page.not_visible.items() if number or id in known_not_visible}
        )
        self.unlisted.update(page.unlisted)
        self.overcounted.update(page.overcounted)
