"""What a complete import records for the next one, which may then read only the changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What must be the same in two imports, so that the second can rely on the proof of the first.

    `server`: API address and version. `item_sets`: name, id and "from collection" of the options. `login`: see
    `ImportProgress`. `searches_private`: whether searches include private items.
    """

    server: tuple[str, str]
    item_sets: tuple[str | None, int | None, bool]
    login: str | bool | None
    searches_private: bool


@dataclass(frozen=True, slots=True)
class CompletenessProof:
    """The proof that the catalogue holds all items of a scope that were indexed before a time.

    `since`: when the complete import began, by the server's clock. `recent`: number of items indexed shortly before
    (see `incremental`). `plan`: the cheapest page plan, if known (see `rolling_recheck`).
    """

    since: str
    recent: int | None
    circumstances: Circumstances
    plan: dict[str, Any] | None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Self | None:
        """Return the proof that `to_json` gave. Return None if there is none, or if an older version left parts out."""
        if stored is None or not stored.keys() >= {"since", "server", "shelves", "login", "private"}:
            return None
        name, set_id, from_collection = stored["shelves"]
        circumstances = Circumstances(
            tuple(stored["server"]), (name, set_id, bool(from_collection)), stored["login"], stored["private"]
        )
        return cls(stored["since"], stored.get("recent"), circumstances, stored.get("plan"))

    def to_json(self) -> dict[str, Any]:
        """Return the proof as the source row stores it."""
        name, set_id, from_collection = self.circumstances.item_sets
        return {
            "since": self.since,
            "recent": self.recent,
            "server": list(self.circumstances.server),
            "shelves": [name, set_id, from_collection or None],
            "login": self.circumstances.login,
            "private": self.circumstances.searches_private,
            "plan": self.plan,
        }
