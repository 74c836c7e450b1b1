"""The requests to the REST API of DSpace 4 to 6 that client, tree and walk share, and what each generation can do.

URLs are built from base, type and id; the links in answers have wrong paths and hosts too often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import RequestRejectedError
from ..http import HttpClient, JsonAnswer, Redirects
from .legacy_records import identifier, listed
from .list_end import MOST_UNCOUNTED, Stretch, endless_in_words
from .records import Server

EVERYTHING = "metadata,bitstreams"
_FIRST_PAGE, _LATER_PAGE = 100, 1_000
LONG_ROWS = 1_000  # of a list that tells no count


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a generation can do.

    `item_pages`: /collections/ID/items, with expand; `all_items`: /items; `all_communities`: /communities lists more
    than the top ones, with their children; `tells_unknown`: an unknown id is 404, not 401; `lists_private`: private
    items stand in the lists; `uuids`: ids are uuids, the numbers of old understood; `most_rows`: the most rows of any
    list to ask for at once, None where one large list costs no more than its pages (see `legacy_page_plans`);
    `counts_once`: a community counts an item once that is in several collections below it.
    """

    item_pages: bool = True
    all_items: bool = True
    all_communities: bool = True
    tells_unknown: bool = True
    lists_private: bool = False
    uuids: bool = False
    most_rows: int | None = None
    counts_once: bool = False


ABILITIES = {
    4: Abilities(
        item_pages=False, all_items=False, all_communities=False, tells_unknown=False, lists_private=True, uuids=False
    ),
    5: Abilities(),
    6: Abilities(uuids=True, most_rows=50, counts_once=True),
}


class Answer(NamedTuple):
    """Parsed JSON and the URL it came from, for the sentences of errors."""

    json: Any
    url: str


class LegacyApi:
    """GET requests below `/rest`; `limit` is the most results the user wants asked for at once.

    Every method raises what `HttpClient` raises, and BadResponseError for an unknown shape.
    """

    def __init__(self, http: HttpClient, server: Server, limit: int | None = None):
        self.http, self.server, self.can = http, server, ABILITIES[server.generation]
        self.limit = limit

    def url(self, path: str) -> str:
        """The URL of a path below the base of the API."""
        return f"{self.server.api_url}/{path}"

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        kind: str = "json",
        tries: int = 4,
        tries_at_500: int | None = None,
    ) -> Answer:
        """The JSON at a path below the base of the API."""
        found = self.sized(path, params, kind=kind, tries=tries, tries_at_500=tries_at_500)
        return Answer(found.value, found.url)

    def sized(self, path: str, params: Mapping[str, Any] | None, **how: Any) -> JsonAnswer:
        """Return the JSON at a path below the base of the API with its size."""
        url = self.url(path)
        return self.http.get_json_from(url, params, follow=Redirects.SAME_REQUEST, **how)._replace(url=url)

    def control(self) -> None:
        """Raises TransientError when the repository does not answer what it should always be able to."""
        listed(*self.get("communities", {"limit": 1}, tries=1))

    def capped(self, size: int) -> int:
        """Return this page size, or the limit of the generation or of the user where one is lower."""
        return min(size, self.can.most_rows or size, self.limit or size)

    def listing(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """All rows of a list that tells no count, each once.

        Rows that may not be read are taken out after the page was cut: short or empty pages are not the end, a long
        stretch without any new row is (a server that does not know `offset` would repeat itself for ever).
        Raises RequestRejectedError where the list brings so many rows that it may have no end.
        """
        size, offset, stretch, met = self.capped(_FIRST_PAGE), 0, Stretch(most_rows=LONG_ROWS), set[str]()
        while not stretch.is_long:
            answer = self.get(path, {**(params or {}), "limit": size, "offset": offset}, kind="list")
            rows = listed(*answer)
            new = {identifier(row, answer.url): row for row in rows}
            new = {id: row for id, row in new.items() if id not in met}
            yield from new.values()
            met.update(new)
            if len(met) > MOST_UNCOUNTED:
                raise RequestRejectedError(f"{answer.url}: {endless_in_words(len(met))}", answer.url)
            stretch.add(size, len(new))
            offset += size
            if len(rows) < size:
                size = self.capped(_LATER_PAGE)
