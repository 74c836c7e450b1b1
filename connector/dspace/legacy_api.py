"""The requests to the REST API of DSpace 4 to 6 that client, tree and walk share, and what each generation can do.

URLs are built from base, type and id; the links in answers have wrong paths and hosts too often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..http import Http
from .legacy_records import listed
from .records import Server

EVERYTHING = "metadata,bitstreams"
EMPTY_PAGES, EMPTY_ROWS = 3, 1_000
_FIRST_PAGE, _LATER_PAGE = 100, 1_000


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a generation can do.

    `item_pages`: /collections/ID/items, with expand; `all_items`: /items; `all_communities`: /communities lists more
    than the top ones, with their children; `tells_unknown`: an unknown id is 404, not 401; `lists_private`: private
    items stand in the lists; `uuids`: ids are uuids, the numbers of old understood.
    """

    item_pages: bool = True
    all_items: bool = True
    all_communities: bool = True
    tells_unknown: bool = True
    lists_private: bool = False
    uuids: bool = False


ABILITIES = {
    4: Abilities(
        item_pages=False, all_items=False, all_communities=False, tells_unknown=False, lists_private=True, uuids=False
    ),
    5: Abilities(),
    6: Abilities(uuids=True),
}


class Answer(NamedTuple):
    """Parsed JSON and the URL it came from, for the sentences of errors."""

    json: Any
    url: str


class LegacyApi:
    """GET requests below `/rest`; `limit` is the most results the user wants asked for at once.

    Every method raises what `Http` raises, and BadAnswer for an unknown shape.
    """

    def __init__(self, http: Http, server: Server, limit: int | None = None):
        self.http, self.server, self.can = http, server, ABILITIES[server.generation]
        self.limit = limit

    def url(self, path: str) -> str:
        """The URL of a path below the base of the API."""
        return f"{self.server.api_url}/{path}"

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, kind: str = "json", tries: int = 4) -> Answer:
        """The JSON at a path below the base of the API."""
        url = self.url(path)
        return Answer(self.http.get_json(url, params, kind=kind, tries=tries), url)

    def control(self) -> None:
        """Raises Transient when the repository does not answer what it should always be able to."""
        self.get("communities", {"limit": 1}, tries=1)

    def capped(self, size: int) -> int:
        """This page size, or the user's limit where that is lower."""
        return min(size, self.limit or size)

    def listing(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """All rows of a list that tells no count.

        Rows that may not be read are taken out after the page was cut: short or empty pages are not the end, a long
        stretch without any row is.
        """
        size, offset, empty_pages, empty_rows = self.capped(_FIRST_PAGE), 0, 0, 0
        while empty_pages < EMPTY_PAGES and empty_rows < EMPTY_ROWS:
            rows = listed(*self.get(path, {**(params or {}), "limit": size, "offset": offset}, kind="list"))
            yield from rows
            empty_pages, empty_rows = (0, 0) if rows else (empty_pages + 1, empty_rows + size)
            offset += size
            if len(rows) < size:
                size = self.capped(_LATER_PAGE)
