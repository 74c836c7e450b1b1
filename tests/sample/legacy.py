"""DSpace 6: the routes of `/rest`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import legacy_json as shape
from .answers import Answer, RefusalError, Request, dumps
from .legacy_json import Expand
from .legacy_wire import expand_of, leaf, page_of, refused, whole
from .login import NAME
from .records import Bitstream, Collection, Community, Item, Thing, signed_in
from .served import Served

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HTML = {"Content-Type": "text/html"}
BUFFER = 8192  # bytes: longer answers leave without a length
Route = tuple[str, Callable[..., Answer]]


class Legacy6:
    """DSpace 6.3."""

    generation = 6
    unknown, malformed, unknown_handle, closed_handle = 404, 500, 500, 500
    status_members = (("sourceVersion", "6.3"), ("apiVersion", "6"))

    def __init__(self, sample: Served):
        self._sample, self._data = sample, sample.data
        self._write = shape.Writer(self.generation, self._data)
        self._routes = [(re.compile(f"/rest{path}"), answer) for path, answer in self._table()]

    def _table(self) -> list[Route]:
        return [
            ("/?", self._index),
            ("/test", self._test),
            ("/status", self._status),
            ("/hierarchy", self._hierarchy),
            ("/communities", self._communities),
            ("/communities/top-communities", self._top_communities),
            ("/communities/([^/]+)", self._community),
            ("/communities/([^/]+)/collections", self._community_collections),
            ("/communities/([^/]+)/communities", self._community_communities),
            ("/collections", self._collections),
            ("/collections/([^/]+)", self._collection),
            ("/collections/([^/]+)/items", self._collection_items),
            ("/items", self._items),
            ("/items/([^/]+)", self._item),
            ("/items/([^/]+)/metadata", self._item_metadata),
            ("/items/([^/]+)/bitstreams", self._item_bitstreams),
            ("/bitstreams", self._bitstreams),
            ("/bitstreams/([^/]+)", self._bitstream),
            ("/bitstreams/([^/]+)/policy", self._policy),
            ("/bitstreams/([^/]+)/retrieve", self._retrieve),
            ("/handle/(.+)", self._handle),
        ]

    # -- the door

    def answer(self, request: Request) -> Answer | None:
        """Return the answer to a request below `/rest`, or None for other paths."""
        if not re.match(r"/rest(/|$)", request.path):
            return None
        try:
            return self._routed(request)
        except RefusalError as refusal:
            return refused(request, refusal.status)

    def warm(self) -> None:
        for one in self._data.items.values():
            self._item_text(one, Expand.asked("metadata,bitstreams"))

    def _routed(self, request: Request) -> Answer:
        for pattern, answer in self._routes:
            if found := pattern.fullmatch(request.path):
                return answer(request, *found.groups())
        raise RefusalError(404)

    # -- the server itself

    def _index(self, request: Request) -> Answer:
        if request.wants_json:
            raise RefusalError(406)
        return Answer(
            200, b"<html><title>DSpace REST - index</title><body><h1>DSpace REST API</h1></body></html>", HTML
        )

    def _test(self, request: Request) -> Answer:
        return Answer(200, b"REST api is running.", {"Content-Type": "application/json"})

    def _status(self, request: Request) -> Answer:
        """Return the status. Only this route answers XML unless JSON is requested."""
        is_known = signed_in.get()
        body = {"okay": True, "authenticated": is_known, "email": NAME if is_known else None, "fullname": None}
        body |= {name: None if is_known else value for name, value in self.status_members}
        if request.wants_json:
            return self._json(body)
        told = "".join(f"<{name}>{str(value).lower()}</{name}>" for name, value in body.items() if value is not None)
        return Answer(200, f"<status>{told}</status>".encode(), {"Content-Type": "application/xml"})

    def _hierarchy(self, request: Request) -> Answer:
        tops = self._tops()
        root = {
            "id": "3a9e3464-896b-4905-9558-1ebf916ca51c",
            "name": self._data.name,
            "handle": f"{self._data.prefix}/0",
        }
        return self._json(root | {"community": [self._branch(one) for one in tops], "collection": []})

    def _branch(self, one: Community) -> dict[str, Any]:
        inner = [self._branch(sub) for sub in self._write.communities_of(one)]
        return leaf(one) | {
            "community": inner,
            "collection": [leaf(home) for home in self._write.collections_of(one)],
        }

    # -- communities and collections

    def _communities(self, request: Request) -> Answer:
        found = sorted(self._data.communities.values(), key=lambda one: one.name)
        return self._json([self._write.community(one, expand_of(request)) for one in page_of(request, found, 100)])

    def _top_communities(self, request: Request) -> Answer:
        found = page_of(request, self._tops(), 20)
        return self._json([self._write.community(one, expand_of(request)) for one in found])

    def _tops(self) -> list[Community]:
        return sorted((one for one in self._data.communities.values() if not one.parent), key=lambda one: one.name)

    def _community(self, request: Request, ident: str) -> Answer:
        return self._thing(self._get("community", ident), request)

    def _community_collections(self, request: Request, ident: str) -> Answer:
        homes = self._write.collections_of(self._get("community", ident))
        return self._json([self._write.collection(one, expand_of(request)) for one in page_of(request, homes, 100)])

    def _community_communities(self, request: Request, ident: str) -> Answer:
        inner = self._write.communities_of(self._get("community", ident))
        return self._json([self._write.community(one, expand_of(request)) for one in page_of(request, inner, 20)])

    def _collections(self, request: Request) -> Answer:
        """`expand` has no effect here, on any version."""
        homes = sorted((one for one in self._data.collections.values() if one.is_readable), key=lambda one: one.name)
        return self._json([self._write.collection(one) for one in page_of(request, homes, 100)])

    def _collection(self, request: Request, ident: str) -> Answer:
        return self._thing(self._get("collection", ident), request)

    # -- items

    def _collection_items(self, request: Request, ident: str) -> Answer:
        return self._item_list(request, self._get("collection", ident))

    def _items(self, request: Request) -> Answer:
        return self._item_list(request, None)

    def _item_page(self, request: Request, home: Collection | None) -> list[Item]:
        """Return a page of rows of a collection or of all items, without those that may not be listed."""
        rows = self._write.rows(home)
        if self._sample.unordered and 2 * whole(request, "offset", 0) >= len(rows):
            rows = sorted(rows, key=lambda one: one.uuid[::-1])  # the database took another plan
        return [one for one in page_of(request, rows, 100) if self._is_listed(one)]

    def _is_listed(self, one: Item) -> bool:
        """Return whether an item is listed. Administrators also see private and withdrawn items."""
        return one.is_open and (one.discoverable or signed_in.get())

    def _item_list(self, request: Request, home: Collection | None) -> Answer:
        expand, rows = expand_of(request), self._item_page(request, home)
        answer = self._json_text(b"[" + b",".join(self._item_text(one, expand) for one in rows) + b"]")
        files = sum(len(shape.readable(one)) for one in rows) if expand.has("bitstreams") else 0
        asked = len(page_of(request, self._write.rows(home), 100))
        answer.price = self._sample.costs.list_of(asked, files)
        return answer

    def _item_text(self, one: Item, expand: Expand) -> bytes:
        """Return the JSON of an item. It is cached if it has no members of other objects."""
        if {"parentCollection", "parentCollectionList", "parentCommunityList", "all"} & expand.names:
            return dumps(self._write.item(one, expand))
        seen_as = self.generation, signed_in.get(), expand.has("metadata"), expand.has("bitstreams")
        if seen_as not in one.cache:
            one.cache[seen_as] = dumps(self._write.item(one, expand))
        return one.cache[seen_as]

    def _item(self, request: Request, ident: str) -> Answer:
        answer = self._thing(self._get("item", ident), request)
        answer.price = self._sample.costs.legacy_item
        return answer

    def _item_metadata(self, request: Request, ident: str) -> Answer:
        return self._json(self._write.metadata(self._get("item", ident)))

    def _item_bitstreams(self, request: Request, ident: str) -> Answer:
        """Its paging is broken on the real servers: later pages run to the end, an offset beyond it is an error."""
        files = shape.readable(self._get("item", ident))
        limit, offset = whole(request, "limit", 20), whole(request, "offset", 0)
        if offset > len(files):
            raise RefusalError(500)
        end = offset + limit if offset + limit < len(files) - offset else len(files)
        return self._json([self._write.bitstream(one, expand_of(request)) for one in files[offset:end]])

    # -- files

    def _bitstreams(self, request: Request) -> Answer:
        files = [one for one in self._data.bitstreams.values() if one.is_open]
        return self._json([self._write.bitstream(one, expand_of(request)) for one in page_of(request, files, 100)])

    def _bitstream(self, request: Request, ident: str) -> Answer:
        return self._json(self._write.bitstream(self._get("bitstream", ident), expand_of(request)))

    def _policy(self, request: Request, ident: str) -> Answer:
        return self._json(self._write.policies(self._get("bitstream", ident)))

    def _retrieve(self, request: Request, ident: str) -> Answer:
        """Return a file. HEAD says length 0. Long files have no length."""
        one = self._get("bitstream", ident)
        headers = {"Content-Type": one.mimetype} | self._disposition(one)
        body = b"" if request.method == "HEAD" else one.content
        return Answer(200, body, headers, chunked=len(body) > BUFFER)

    def _disposition(self, one: Bitstream) -> dict[str, str]:
        """Return the name without escapes. Characters outside Latin-1 become spaces, a missing name `null`."""
        name = "".join(letter if ord(letter) < 256 else " " for letter in str(one.name or "null"))
        return {"Content-Disposition": f'attachment; filename="{name}"'}

    # -- finding

    def _handle(self, request: Request, handle: str) -> Answer:
        found = self._data.handles.get(handle)
        if found is None:
            raise RefusalError(self.unknown_handle)
        if not found.is_open:
            raise RefusalError(self.closed_handle)
        return self._thing(found, request)

    def _thing(self, one: Thing, request: Request) -> Answer:
        expand = expand_of(request)
        if isinstance(one, Item):
            return self._json_text(self._item_text(one, expand))
        if isinstance(one, Community):
            return self._json(self._write.community(one, expand))
        items = self._item_page(request, one) if expand.has("items") else ()
        return self._json(self._write.collection(one, expand, items))

    def _get(self, kind: str, ident: str) -> Any:
        """Return an object by uuid, or on 6 also by its old number. Closed: 401."""
        if ident.isdigit():
            found = self._data.numbered.get((kind, int(ident)))
        elif self.generation == 6 and UUID.fullmatch(ident):
            found = getattr(self._data, shape.PATHS[kind]).get(ident)
        else:
            raise RefusalError(self.malformed)
        if found is None:
            raise RefusalError(self.unknown)
        if not found.is_open:
            raise RefusalError(401)
        return found

    # -- writing

    def _json(self, body: Any) -> Answer:
        return self._json_text(dumps(body))

    def _json_text(self, body: bytes) -> Answer:
        return Answer(200, body, {"Content-Type": "application/json"}, chunked=len(body) > BUFFER)
