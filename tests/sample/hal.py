"""DSpace 7, 9 and 10: the routes of `/server/api`, and the differences of the three versions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import content, hal_json as shape
from .answers import Answer, RefusalError, Request, dumps
from .embed import Embedder, Embeds, thumbnail
from .hal_items import ItemWriter, ReaderLanguageWriter
from .hal_search import Discovery
from .hal_wire import COMMON, embeds_of, internal, json_answer, whole
from .records import Bitstream, Bundle, Collection, Community, Item, Thing
from .search import is_listed
from .served import Served

REASONS = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed"}
REASONS |= {422: "Unprocessable Entity", 500: "Internal Server Error"}
MESSAGES = {401: "Authentication is required"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOST_IN_A_LIST = 1000

Route = tuple[str, Callable[..., Answer]]


class Hal9:
    """DSpace 9.3."""

    version = "DSpace 9.3"
    unknown_projection = 404
    projections: tuple[str, ...] = ("full",)
    item_writer = ItemWriter
    item_links = shape.ITEM_LINKS
    bitstream_links = shape.BITSTREAM_LINKS
    moment = staticmethod(shape.instant)

    def __init__(self, sample: Served):
        self._sample, self._data = sample, sample.data
        self._write = Embedder(self._data.site, self.bitstream_links)
        self._items = self.item_writer(self._write, self.item_links, self.moment)
        self._discovery = Discovery(sample, self._write, self._items)
        self._routes = [(re.compile(f"/server/api{path}"), answer) for path, answer in self._table()]

    def _table(self) -> list[Route]:
        return [
            ("", self._root),
            ("/core/(communities|collections)", self._containers),
            ("/core/communities/search/top", self._top),
            ("/core/communities/([^/]+)", self._community),
            ("/core/communities/([^/]+)/(subcommunities|collections)", self._children),
            ("/core/collections/([^/]+)", self._collection),
            ("/core/(communities|collections)/([^/]+)/(parentCommunity|logo)", self._of_container),
            ("/core/items", self._all_items),
            ("/core/items/([^/]+)", self._item),
            ("/core/items/([^/]+)/bundles", self._bundles),
            ("/core/items/([^/]+)/(owningCollection|mappedCollections|thumbnail)", self._of_item),
            ("/core/bundles/([^/]+)", self._bundle),
            ("/core/bundles/([^/]+)/bitstreams", self._bitstreams),
            ("/core/bundles/([^/]+)/item", self._item_of),
            ("/core/bitstreams/([^/]+)", self._bitstream),
            ("/core/bitstreams/([^/]+)/bundle", self._bundle_of),
            ("/core/bitstreams/([^/]+)/format", self._format),
            ("/core/bitstreams/([^/]+)/accessStatus", self._access_status),
            ("/core/bitstreams/([^/]+)/content", self._content),
            ("/discover/search/objects", self._discovery.answer),
            ("/pid/find", self._by_handle),
            ("/dso/find", self._by_uuid),
        ]

    # -- the door

    def answer(self, request: Request) -> Answer | None:
        """Return the answer to a request below `/server/api`, or None for other paths."""
        if not request.path.startswith("/server/api"):
            return None
        try:
            return self._routed(request)
        except RefusalError as refusal:
            return _refused(request, refusal)

    def warm(self) -> None:
        for one in self._data.items.values():
            self._items.text(one, Request("GET", "/"), Embeds({}, {}))

    def _routed(self, request: Request) -> Answer:
        for pattern, answer in self._routes:
            if found := pattern.fullmatch(request.path):
                self._check_projection(request)
                return answer(request, *found.groups())
        raise RefusalError(404)

    def _check_projection(self, request: Request) -> None:
        """Raise RefusalError for a projection that this version does not know."""
        if "projection" in request.query and request.one("projection") not in self.projections:
            raise RefusalError(self.unknown_projection)

    # -- communities and collections

    def _root(self, request: Request) -> Answer:
        names = ("bitstreams", "bundles", "collections", "communities", "items")
        known = {name: shape.href(f"{shape.API}/core/{name}") for name in names}
        known |= {"discover": shape.href(f"{shape.API}/discover"), "self": shape.href(shape.API)}
        known["pid"] = {"href": f"{shape.API}/pid/find{{?id}}", "templated": True}
        body = {"dspaceUI": self._sample.url, "dspaceName": self._data.name, "dspaceServer": shape.INTERNAL}
        return _json(body | {"dspaceVersion": self.version, "type": "root", "_links": known})

    def _containers(self, request: Request, kind: str) -> Answer:
        shelf = self._data.communities if kind == "communities" else self._data.collections
        return self._flat_list(request, kind, [one for one in shelf.values() if is_listed(one)])

    def _top(self, request: Request) -> Answer:
        tops = [one for one in self._data.communities.values() if one.parent is None]
        return self._flat_list(request, "communities", sorted(tops, key=lambda one: one.name))

    def _flat_list(self, request: Request, kind: str, found: list[Thing]) -> Answer:
        number, size = _number_and_size(request)
        rows = [self._write.container(row, embeds_of(request)) for row in found[number * size : (number + 1) * size]]
        return _json(shape.flat_list(kind, rows, shape.page(number, size, len(found)), internal(request)))

    def _community(self, request: Request, ident: str) -> Answer:
        return _json(self._write.container(self._get(self._data.communities, ident), embeds_of(request)))

    def _collection(self, request: Request, ident: str) -> Answer:
        return _json(self._write.container(self._get(self._data.collections, ident), embeds_of(request)))

    def _children(self, request: Request, ident: str, kind: str) -> Answer:
        above = self._get(self._data.communities, ident)
        shelf = self._data.collections if kind == "collections" else self._data.communities
        found = sorted(
            (one for one in shelf.values() if one.parent is above and is_listed(one)), key=lambda one: one.name
        )
        number, size = _number_and_size(request)
        rows = [self._write.container(row, embeds_of(request)) for row in found[number * size : (number + 1) * size]]
        return _json(shape.linked_list(kind, rows, shape.page(number, size, len(found)), internal(request)))

    def _of_container(self, request: Request, kind: str, ident: str, relation: str) -> Answer:
        shelf = self._data.communities if kind == "communities" else self._data.collections
        one = self._get(shelf, ident)
        if relation == "logo":
            return _or_nothing(one.logo and self._write.bitstream(one.logo, embeds_of(request)))
        return _or_nothing(one.parent and self._write.container(one.parent, embeds_of(request)))

    # -- items

    def _all_items(self, request: Request) -> Answer:
        raise RefusalError(401)  # for administrators only

    def _item(self, request: Request, ident: str) -> Answer:
        one, embeds = self._get(self._data.items, ident), embeds_of(request)
        answer = json_answer(self._items.text(one, request, embeds))
        answer.price = self._discovery.price([one], embeds)
        return answer

    def _bundles(self, request: Request, ident: str) -> Answer:
        one, embeds = self._get(self._data.items, ident), embeds_of(request)
        if not one.is_open:
            raise RefusalError(401)
        number, size = _number_and_size(request)
        answer = _json(self._write.bundles(one, embeds, number, size, internal(request)))
        answer.price = self._sample.costs.bundles(len(one.bitstreams) if "bitstreams" in embeds.tree else 0)
        return answer

    def _of_item(self, request: Request, ident: str, relation: str) -> Answer:
        one = self._get(self._data.items, ident)
        if relation == "owningCollection":
            return _json(self._write.container(one.collection, embeds_of(request)))
        if relation == "mappedCollections":
            return _json(self._write.mapped(one, internal(request)))
        found = thumbnail(one)
        return _or_nothing(found and self._write.bitstream(found, embeds_of(request)))

    # -- files

    def _bundle(self, request: Request, ident: str) -> Answer:
        return _json(self._write.bundle(self._readable_bundle(ident), embeds_of(request)))

    def _bitstreams(self, request: Request, ident: str) -> Answer:
        number, size = _number_and_size(request)
        body = self._write.bitstreams(self._readable_bundle(ident), embeds_of(request), number, size, internal(request))
        answer = _json(body)
        answer.price = self._sample.costs.bundles(len(body.get("_embedded", {}).get("bitstreams", ())))
        return answer

    def _item_of(self, request: Request, ident: str) -> Answer:
        return self._item(request, self._readable_bundle(ident).item.uuid)

    def _bundle_of(self, request: Request, ident: str) -> Answer:
        holder = self._described_bitstream(ident).bundle
        return _or_nothing(holder and self._write.bundle(holder, embeds_of(request)))

    def _readable_bundle(self, ident: str) -> Bundle:
        holder = self._get(self._data.bundles, ident)
        if not holder.item.is_open:
            raise RefusalError(401)
        return holder

    def _bitstream(self, request: Request, ident: str) -> Answer:
        return _json(self._write.bitstream(self._described_bitstream(ident), embeds_of(request)))

    def _access_status(self, request: Request, ident: str) -> Answer:
        """Return the access status of a file, for 9 and later. Links of a file lead to it."""
        if "accessStatus" not in self.bitstream_links:
            raise RefusalError(404)
        return _json(shape.access_status(self._described_bitstream(ident)))

    def _described_bitstream(self, ident: str) -> Bitstream:
        """Return the description of a file. Everybody sees that of an embargoed file, but not that of a closed item."""
        one = self._known_bitstream(ident)
        if one.item and not one.item.is_open:
            raise RefusalError(401)
        return one

    def _format(self, request: Request, ident: str) -> Answer:
        return _json(shape.format_of(self._known_bitstream(ident)))

    def _content(self, request: Request, ident: str) -> Answer:
        one = self._data.bitstreams.get(ident)
        if one is None:
            raise RefusalError(404, "No message available")
        if not one.is_open:
            raise RefusalError(401)
        return content.answer(one, request)

    def _known_bitstream(self, ident: str) -> Bitstream:
        """Return a file. Deleted: 404, never existed: 401, malformed: 404. Other objects answer the other way round."""
        if one := self._data.bitstreams.get(ident):
            return one
        raise RefusalError(401 if UUID.fullmatch(ident) and ident not in self._data.deleted else 404)

    # -- finding

    def _by_handle(self, request: Request) -> Answer:
        if "id" not in request.query:
            raise RefusalError(404)
        found = self._data.handles.get(request.one("id").removeprefix("hdl:"))
        if found and not found.is_readable:
            raise RefusalError(500)
        return self._elsewhere(found)

    def _by_uuid(self, request: Request) -> Answer:
        ident = request.one("uuid")
        shelves = (self._data.items, self._data.collections, self._data.communities)
        return self._elsewhere(next((shelf[ident] for shelf in shelves if ident in shelf), None))

    def _elsewhere(self, found: Thing | None) -> Answer:
        if found is None:
            raise RefusalError(404, empty=True)
        path = {Item: "items", Collection: "collections", Community: "communities"}[type(found)]
        return Answer(302, headers=COMMON | {"Location": f"{shape.API}/core/{path}/{found.uuid}"})

    # -- common

    def _get(self, shelf: dict[str, Any], ident: str) -> Any:
        """Return an object. Malformed id: 401, unknown: 404, closed: 401."""
        if not UUID.fullmatch(ident):
            raise RefusalError(401)
        if ident not in shelf:
            raise RefusalError(404)
        if not shelf[ident].is_readable:
            raise RefusalError(401)
        return shelf[ident]


class Hal7(Hal9):
    """DSpace 7.6: dates with an offset, an unknown projection is a bad request, fewer links."""

    version = "DSpace 7.6"
    unknown_projection = 400
    item_links = shape.ITEM_LINKS[:-1]
    bitstream_links = ("content", "bundle", "format", "thumbnail")
    moment = staticmethod(shape.date)


class Hal10(Hal9):
    """DSpace 10.0: shows only the values in the language of the reader, unless asked for `projection=allLanguages`."""

    version = "DSpace 10.0"
    projections = ("full", "allLanguages")
    item_writer = ReaderLanguageWriter


def _number_and_size(request: Request) -> tuple[int, int]:
    return whole(request.one("page"), 0), min(whole(request.one("size"), 20) or 20, MOST_IN_A_LIST)


def _json(body: Any) -> Answer:
    return json_answer(dumps(body))


def _or_nothing(body: dict[str, Any] | None) -> Answer:
    return _json(body) if body else Answer(204, headers=dict(COMMON))


def _refused(request: Request, refusal: RefusalError) -> Answer:
    if refusal.empty:
        return Answer(refusal.status, headers=dict(COMMON))
    body = {
        "timestamp": "2026-11-23T22:58:38.826+00:00",
        "status": refusal.status,
        "error": REASONS[refusal.status],
        "message": refusal.message or MESSAGES.get(refusal.status, "An exception has occurred"),
        "path": request.path,
    }
    headers = COMMON | {"Content-Type": "application/json;charset=UTF-8"}
    return Answer(refusal.status, dumps(body), headers, chunked=True)
