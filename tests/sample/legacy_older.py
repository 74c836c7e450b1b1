"""DSpace 5 and 4: their differences from 6."""

from __future__ import annotations

from .answers import Answer, RefusalError, Request
from .legacy import Legacy6, Route
from .legacy_wire import expand_of
from .records import Bitstream, Item


class Legacy5(Legacy6):
    """DSpace 5.10: integers as ids, no version, no tree."""

    generation = 5
    malformed = 404
    status_members = (("token", None),)

    def _hierarchy(self, request: Request) -> Answer:
        raise RefusalError(404)


class Legacy4(Legacy5):
    """DSpace 4.9: few routes, single items, private items are listed, and 401 for unknown objects."""

    generation = 4
    unknown, unknown_handle, closed_handle = 401, 404, 401

    def _table(self) -> list[Route]:
        return [
            ("/?", self._index),
            ("/communities", self._communities),
            ("/communities/([^/]+)", self._community),
            ("/collections", self._collections),
            ("/collections/([^/]+)", self._collection),
            ("/items", self._no_items),
            ("/items/([^/]+)", self._item),
            ("/bitstreams/([^/]+)", self._bitstream),
            ("/bitstreams/([^/]+)/retrieve", self._retrieve),
            ("/handle/(.+)", self._handle),
        ]

    def _communities(self, request: Request) -> Answer:
        """Return the top communities, all of them."""
        return self._json([self._write.community(one, expand_of(request)) for one in self._tops()])

    def _no_items(self, request: Request) -> Answer:
        raise RefusalError(405)

    def _is_listed(self, one: Item) -> bool:
        return one.is_open

    def _disposition(self, one: Bitstream) -> dict[str, str]:
        return {}

    def _json_text(self, body: bytes) -> Answer:
        return Answer(200, body, {"Content-Type": "application/json"}, chunked=True)
