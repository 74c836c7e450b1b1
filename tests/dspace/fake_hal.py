"""A DSpace 9 in memory that answers as `HttpClient` would. Its items are recorded, or synthetic with the same shape."""

from __future__ import annotations

import copy
import json
import math
import re
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from connector.dspace.hal import HalClient
from connector.dspace.records import Scope, ScopeKind, Server
from connector.errors import NotFoundError, RepositoryError, RequestRejectedError
from connector.http import JsonAnswer, OutageWait, Redirects, RequestStats

PAYLOADS = Path(__file__).parent.parent / "payloads" / "dspace9"
API = "https://repository.example/server/api"
SERVER = Server("https://repository.example", API, 9, "9.3", "Lab Repository")
HOME = "598251e6-d326-4740-bad9-1d1776a4afb6"
SCOPE = Scope(ScopeKind.COLLECTION, HOME, "123456789/7", "Theses")
SORTS = ("dc.title,asc", "dc.date.accessioned,asc")

Json = dict[str, Any]


class Hurried(threading.Event):
    """A stop that is waited for in no time."""

    waited = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.waited += timeout or 0
        return self.is_set()


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def recorded(*names: str) -> list[Json]:
    """The items of recorded search pages, with their files embedded."""
    pages = [payload(name)["_embedded"]["searchResult"]["_embedded"]["objects"] for name in names]
    return [row["_embedded"]["indexableObject"] for page in pages for row in page]


def synthetic(number: int, files: int = 0) -> Json:
    """An item as a search with embedded files gives it; the number fixes its id, handle and title."""
    bitstreams = [_bitstream(number, file) for file in range(files)]
    original = _embedded_list("bitstreams", bitstreams, size=1000)
    bundle = {
        "uuid": _uuid(f"bundle {number}"),
        "name": "ORIGINAL",
        "type": "bundle",
        "_embedded": {"bitstreams": original},
    }
    title = [{"value": f"Item {number:06}", "language": None, "authority": None, "confidence": -1, "place": 0}]
    return {
        "uuid": item_id(number),
        "name": title[0]["value"],
        "handle": f"123456789/{number}",
        "metadata": {"dc.title": title},
        "inArchive": True,
        "discoverable": True,
        "withdrawn": False,
        "lastModified": "2026-11-23T22:48:42.185910Z",
        "type": "item",
        "_embedded": {"bundles": _embedded_list("bundles", [bundle] if files else [], size=20)},
    }


def item_id(number: int) -> str:
    return _uuid(f"item {number}")


def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def _bitstream(number: int, file: int) -> Json:
    return {
        "uuid": _uuid(f"file {number} {file}"),
        "name": f"{file}.txt",
        "metadata": {},
        "sizeBytes": 19,
        "checkSum": {"checkSumAlgorithm": "MD5", "value": "c1f3ca1c174a956a48d0c124e3e14cb8"},
        "sequenceId": file + 1,
        "type": "bitstream",
        "_embedded": {"format": {"mimetype": "text/plain"}},
    }


def _embedded_list(name: str, rows: list[Json], size: int, number: int = 0) -> Json:
    part = rows[number * size : (number + 1) * size]
    pages = math.ceil(len(rows) / size)
    page = {"number": number, "size": size, "totalPages": pages, "totalElements": len(rows)}
    return {"_embedded": {name: part}, "page": page}


class FakeHal:
    """Search, items, bundles and handles of one collection, HOME, through the methods of `HttpClient`.

    `order` may shuffle the rows of any answer; `trouble` is asked before each answer and may raise; `costs` gives the
    seconds a request of a kind keeps the server busy; `cap` is the most rows a search gives; the index lists the ids
    in `lost`, whose objects are not there any more.
    """

    def __init__(self, items: Iterable[Json], *, cap: int = 100, sorts: tuple[str, ...] = SORTS):
        self.items = list(items)
        self.cap, self.sorts = cap, sorts
        self.requests: list[tuple[str, dict[str, list[str]]]] = []
        self.busy: Counter[str] = Counter()
        self.quickest: dict[str, float] = {}
        self.is_signed_in = False
        self.traffic = RequestStats()
        self.order: Callable[[list[Json], dict[str, list[str]]], list[Json]] = lambda rows, asked: rows
        self.trouble: Callable[[str, dict[str, list[str]]], None] = lambda path, asked: None
        self.costs: Callable[[str, Any], float] = lambda kind, answer: 0.0
        self.extra: dict[str, Any] = {f"core/collections/{HOME}": payload("collection-theses")}
        self.locations: dict[str, str] = {}
        self.lost: set[str] = set()
        self._lock = threading.Lock()

    def get_json(
        self, url: str, params: Any = None, *, kind: str = "json", tries: int = 4, tries_at_500: int | None = None
    ) -> Any:
        path, asked = url.removeprefix(f"{API}/"), _gathered(params)
        with self._lock:
            self.requests.append((path, asked))
        self.trouble(path, asked)
        answer = copy.deepcopy(self._answer(path, asked, url))
        with self._lock:
            seconds = self.costs(kind, answer)
            self.busy[kind] += seconds
            self.quickest[kind] = min(seconds, self.quickest.get(kind, seconds))
        return answer

    def get_json_from(self, url: str, params: Any = None, *, follow: Redirects, **how: Any) -> JsonAnswer:
        return JsonAnswer(self.get_json(url, params, **how), url)

    def locate(self, url: str, params: Any = None) -> str:
        with self._lock:
            self.requests.append((url.removeprefix(f"{API}/"), _gathered(params)))
        wanted = self.locations.get(dict(params)["id"])
        if wanted is None:
            raise NotFoundError("nothing there (404)", url)
        return wanted

    def asked_of(self, path: str) -> list[dict[str, list[str]]]:
        return [asked for requested, asked in self.requests if path in requested]

    def _answer(self, path: str, asked: dict[str, list[str]], url: str) -> Any:
        if path in self.extra:
            answer = self.extra[path]
            if isinstance(answer, RepositoryError):
                raise answer
            return answer
        if path == "discover/search/objects":
            return self._search(asked, url)
        match path.split("/"):
            case ["core", "items", id]:
                return _projected(self._item(id, url), asked, "")
            case ["core", "items", id, "bundles"]:
                bundles = self._item(id, url)["_embedded"]["bundles"]["_embedded"]["bundles"]
                rows = [_with_files(bundle, asked, "bitstreams") for bundle in bundles]
                return _embedded_list("bundles", rows, int(asked["size"][0]), int(asked["page"][0]))
            case ["core", "bundles", id, "bitstreams"]:
                return _embedded_list("bitstreams", self._files(id, url), int(asked["size"][0]), int(asked["page"][0]))
        raise NotFoundError(f"nothing at {url} (404)", url)

    def _item(self, id: str, url: str) -> Json:
        found = next((item for item in self.items if item["uuid"] == id), None)
        if found is None:
            raise NotFoundError(f"nothing at {url} (404)", url)
        return found

    def _files(self, bundle_id: str, url: str) -> list[Json]:
        for item in self.items:
            for bundle in item["_embedded"]["bundles"]["_embedded"]["bundles"]:
                if bundle["uuid"] == bundle_id:
                    return bundle["_embedded"]["bitstreams"]["_embedded"]["bitstreams"]
        raise NotFoundError(f"nothing at {url} (404)", url)

    def _search(self, asked: dict[str, list[str]], url: str) -> Json:
        if asked.get("sort", self.sorts[:1])[0] not in self.sorts:
            raise RequestRejectedError("does not accept the request (422)", url)
        part = re.findall(r"search\.resourceid:([0-9a-f]+)\*", asked.get("query", [""])[0]) or [""]
        found = [item for item in self.items if item["uuid"].startswith(tuple(part))]
        if asked.get("sort") == ["dc.title,asc"]:
            found.sort(key=lambda item: item["name"] or "")
        number, size = int(asked.get("page", ["0"])[0]), int(asked["size"][0])
        listed = self.order(found, asked)[number * size : number * size + min(size, self.cap)]
        rows = [
            {"type": "discover", "_embedded": {"indexableObject": _projected(item, asked, "bundles/")}}
            for item in listed
            if item["uuid"] not in self.lost
        ]
        page = {"number": number, "size": size, "totalPages": math.ceil(len(found) / size), "totalElements": len(found)}
        return {"_embedded": {"searchResult": {"_embedded": {"objects": rows}, "page": page}}}


def _gathered(params: Any) -> dict[str, list[str]]:
    asked: dict[str, list[str]] = {}
    for name, value in params or ():
        asked.setdefault(name, []).append(str(value))
    return asked


def _projected(item: Json, asked: dict[str, list[str]], within: str) -> Json:
    """The item with its files if they are embedded, cut as `embed.size` says, and without them if not."""
    if "bundles/bitstreams/format" not in asked.get("embed", ()):
        return {name: value for name, value in item.items() if name != "_embedded"}
    item = copy.deepcopy(item)
    bundles = item.get("_embedded", {}).get("bundles")
    if bundles is not None:
        bundles["_embedded"]["bundles"] = [
            _with_files(bundle, asked, "bundles/bitstreams") for bundle in bundles["_embedded"]["bundles"]
        ]
    return item


def _with_files(bundle: Json, asked: dict[str, list[str]], relation: str) -> Json:
    """Beside a projection the sizes of embedded lists are inert: 20."""
    sizes = dict(size.split("=") for size in asked.get("embed.size", ()))
    size = 20 if "projection" in asked else int(sizes.get(relation, 20))
    files = bundle["_embedded"]["bitstreams"]["_embedded"]["bitstreams"]
    return bundle | {"_embedded": {"bitstreams": _embedded_list("bitstreams", files, size)}}


def client_of(
    fake: FakeHal, *, server: Server = SERVER, limit: int | None = None, max_outage: float = 100, **how: int
) -> HalClient:
    """A client whose waits take no time, though its clock counts them. `max_outage` is in seconds."""
    stop = Hurried()
    waiting = OutageWait(max_outage, stop, clock=lambda: stop.waited)
    return HalClient(fake, server, limit=limit, outage=waiting, width=lambda: 4, **how)


def nothing_seen(ids: Any) -> set[str]:
    return set()
