"""The requests to the REST API of DSpace 4 to 6 that client, tree and walk share, and what each generation can do.

URLs are built from base, type and id. The links in responses often have wrong paths and hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..errors import (
    NotFoundError,
    RequestRejectedError,
    RequestTimeoutError,
    ServerError,
    TooLargeError,
    TransientError,
)
from ..http import Download, HttpClient
from .json_api import JsonApi, JsonDocument
from .legacy_records import identifier, list_rows
from .list_end import MOST_UNCOUNTED, Stretch, endless_in_words
from .records import Server

EVERYTHING = "metadata,bitstreams"
_FIRST_PAGE, _LATER_PAGE = 100, 1_000
_SMALLER = 5  # divides the size of a page that failed
LONG_ROWS = 1_000  # in a list without a count


@dataclass(frozen=True, slots=True)
class Abilities:
    """The features of a generation.

    `item_pages`: it has /collections/ID/items, with expand. `all_items`: it has /items. `all_communities`: /communities
    lists all communities with their children, not only the top ones. `tells_unknown`: it answers 404 for an unknown id,
    not 401. `lists_private`: its lists contain private items. `uuids`: its ids are uuids, and it also accepts the older
    numbers. `most_rows`: the maximum number of rows per request for any list, or None if one large list costs no more
    than its pages (see `legacy_page_plans`). `counts_once`: a community counts an item once even if several collections
    below it contain the item.
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


class LegacyApi(JsonApi):
    """GET requests below `/rest`. `limit`: the maximum number of results per request that the user allows."""

    def __init__(self, http: HttpClient, server: Server, limit: int | None = None):
        super().__init__(http, server)
        self.can, self.limit = ABILITIES[server.generation], limit

    def control(self) -> None:
        """Raise TransientError if the repository does not answer a basic request."""
        list_rows(*self.get("communities", {"limit": 1}, tries=1))

    def by_handle(self, handle: str) -> JsonDocument:
        """Return the object with a handle.

        Raise NotFoundError if 5 or 6 answers 500, which means unknown or closed, and the server otherwise works.
        """
        path = f"handle/{quote(handle)}"
        if not self.can.tells_unknown:
            return self.get(path)
        try:
            return self.get(path, tries=2)
        except ServerError as error:
            self.control()
            raise NotFoundError(str(error), error.url) from error

    def _is_available(self) -> bool:
        try:
            self.control()
        except TransientError:
            return False
        return True

    def download(self, bitstream_id: str, sink: Callable[[bytes], object], *, limit: int | None = None) -> Download:
        """Pass the bytes of a file to `sink`, at most `limit` bytes."""
        return self.http.download(self.url(f"bitstreams/{bitstream_id}/retrieve"), sink, limit=limit)

    def cap(self, size: int) -> int:
        """Return this page size, or the limit of the generation or the user if it is lower."""
        return min(size, self.can.most_rows or size, self.limit or size)

    def listing(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """Yield all rows of a list without a count, each once.

        The server cuts the page first and then removes rows that may not be read. So a short or empty page is not the
        end of the list, but a long stretch without new rows is. A server that ignores `offset` would otherwise repeat
        itself forever. After a page that timed out or is too large, all pages are smaller, if the server answers at
        all. Raise RequestRejectedError if the list has so many rows that it may have no end.
        """
        size, most, offset = self.cap(_FIRST_PAGE), self.cap(_LATER_PAGE), 0
        stretch, met = Stretch(most_rows=LONG_ROWS), set[str]()
        while not stretch.is_long:
            try:
                answer = self.get(path, {**(params or {}), "limit": size, "offset": offset}, kind="list")
            except (RequestTimeoutError, TooLargeError):
                if size == 1 or not self._is_available():
                    raise
                size = most = max(1, size // _SMALLER)
                continue
            rows = list_rows(*answer)
            new = {identifier(row, answer.url): row for row in rows}
            new = {id: row for id, row in new.items() if id not in met}
            yield from new.values()
            met.update(new)
            if len(met) > MOST_UNCOUNTED:
                raise RequestRejectedError(f"{answer.url}: {endless_in_words(len(met))}", answer.url)
            stretch.add(size, len(new))
            offset += size
            if len(rows) < size:
                size = most
