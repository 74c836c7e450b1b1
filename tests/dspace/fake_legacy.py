"""A recorded DSpace 4 to 6, and one with the paging of real servers. Both answer as `HttpClient` would."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from connector.dspace.legacy import LegacyClient
from connector.dspace.records import Failure, Page, Scope, ScopeKind, Server
from connector.errors import NotFoundError, RepositoryError, RequestRejectedError, RestrictedError, ServerError
from connector.http import Download, JsonAnswer, OutageWait, Redirects

PAYLOADS = Path(__file__).parent.parent / "payloads"
SITE = "https://repository.example"
API = f"{SITE}/rest"
REPOSITORY = Scope(ScopeKind.REPOSITORY)

Json = dict[str, Any]
ERRORS: dict[int, type[RepositoryError]] = {
    401: RestrictedError,
    404: NotFoundError,
    405: RequestRejectedError,
    500: ServerError,
}


class Hurried(threading.Event):
    """A stop that is waited for in no time; `waits` counts how often."""

    waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.waits += 1
        return self.is_set()


def server(generation: int) -> Server:
    return Server(SITE, API, generation, f"{generation}.x", "Lab Repository")


def client(http: Any, generation: int, *, limit: int | None = None, max_outage: float = 60) -> LegacyClient:
    """A client with `max_outage` in seconds, by a clock that each wait moves on by one."""
    stop = Hurried()
    waiting = OutageWait(max_outage, stop, clock=lambda: stop.waits)
    return LegacyClient(http, server(generation), limit=limit, outage=waiting, width=lambda: 4)


@dataclass
class Walked:
    """What a walk gave, and a record of the ids as a job would keep it."""

    pages: list[Page] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    not_visible: dict[str, int] = field(default_factory=dict)

    @property
    def failures(self) -> list[Failure]:
        return [failure for page in self.pages for failure in page.failures]

    @property
    def total(self) -> int | None:
        return self.pages[-1].total


def walked(reader: LegacyClient, scope: Scope, *, recorded: Iterable[str] = (), **options: Any) -> Walked:
    """Walk to the end, recording what comes as a job does."""
    result, kept = Walked(), set(recorded)
    for page in reader.walk(scope, seen=lambda ids: kept.intersection(ids), **options):
        result.pages.append(page)
        result.not_visible |= page.not_visible
        result.ids += [item.id for item in page.items]
        kept.update(item.id for item in page.items)
    return result


class RecordedDSpace:
    """Answers with what real servers answered; pages of a list are cut anew from the rows of the recorded ones."""

    def __init__(self, folder: str):
        self.asked: list[str] = []
        self.busy: Counter[str] = Counter()
        self._answers: dict[tuple[str, str], tuple[int, Any]] = {}
        self._rows: dict[tuple[str, str], dict[int, Any]] = {}
        for file in sorted((PAYLOADS / folder).glob("*.json")):
            exchange = json.loads(file.read_text(encoding="utf-8"))
            self._keep(exchange["path"], exchange["status"], exchange["body"])

    def _keep(self, path: str, status: int, body: Any) -> None:
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query))
        key = (parts.path, query.get("expand", ""))
        if isinstance(body, list):
            self._rows.setdefault(key, {}).update(enumerate(body, int(query.get("offset", 0))))
        else:
            self._answers[key] = (status, body)

    def get_json_from(self, url: str, params: Any = None, *, follow: Redirects, **how: Any) -> JsonAnswer:
        return JsonAnswer(self.get_json(url, params, **how), url)

    def get_json(
        self,
        url: str,
        params: Mapping[str, Any] | None = None,
        *,
        kind: str = "json",
        tries: int = 4,
        tries_at_500: int | None = None,
    ) -> Any:
        params = params or {}
        path = unquote(urlsplit(url).path)
        self.asked.append(path + "".join(f" {name}={value}" for name, value in params.items()))
        for key in ((path, params.get("expand", "")), (path, "all")):
            if key in self._rows:
                start = params.get("offset", 0)
                wanted = range(start, start + params["limit"])
                return [row for index, row in sorted(self._rows[key].items()) if index in wanted]
            if key in self._answers:
                return self._answer(key, url)
        return self._answer((path, ""), url)  # what is refused is refused however much is expanded

    def _answer(self, key: tuple[str, str], url: str) -> Any:
        status, body = self._answers[key]
        if status != 200:
            raise ERRORS[status](f"status {status}", url)
        return body

    def download(self, url: str, sink: Callable[[bytes], object], *, limit: int | None = None) -> Download:
        self.asked.append(urlsplit(url).path)
        sink(b"percent\n")
        return Download(8, "md5", "sha256")


@dataclass
class Row:
    """An item of the paging DSpace: it is listed in these collections, and shown unless hidden."""

    id: int
    homes: Collection[int]
    not_visible: bool = False


class PagingDSpace:
    """A DSpace 4, 5 or 6 that cuts pages first and takes out hidden rows then.

    `mixed` is the seed of an order that changes from request to request, as without ORDER BY; None keeps the order.
    `mixed_for`: only this many requests find another order; those behind them find the same one.
    `broken` items fail singly and spoil each page with details; `spoiling` ones spoil light pages, too.
    `before_answer` may change the rows while they are read. `costs` gives the seconds that a list of this many rows
    takes, by whether it has details.
    """

    def __init__(self, generation: int, collections: Collection[int], rows: Iterable[Row], mixed: int | None = None):
        self.rows = list(rows)
        self.broken: set[int] = set()
        self.spoiling: set[int] = set()
        self.knows_offset = True
        self.mixed_for: int | None = None
        self.asked: list[str] = []
        self.busy: Counter[str] = Counter()
        self.costs: Callable[[int, bool], float] = lambda rows, details: 0.0
        self.before_answer: Callable[[PagingDSpace], None] = lambda dspace: None
        self._generation, self._collections, self._mixed = generation, collections, mixed
        self._lock = threading.Lock()

    def shown(self) -> list[str]:
        """The ids of the items that can be found."""
        found = {row.id for row in self.rows if not row.not_visible and self._is_findable(row)}
        return [str(id) for id in sorted(found)]

    def _is_findable(self, row: Row) -> bool:
        return self._generation > 4 or bool(set(row.homes) & set(self._collections))

    def not_visible(self) -> dict[str, int]:
        """For each collection how many of its items are hidden."""
        not_visible = [row for row in self.rows if row.not_visible]
        return {str(home): sum(home in row.homes for row in not_visible) for home in self._collections}

    def get_json_from(self, url: str, params: Any = None, *, follow: Redirects, **how: Any) -> JsonAnswer:
        return JsonAnswer(self.get_json(url, params, **how), url)

    def get_json(
        self,
        url: str,
        params: Mapping[str, Any] | None = None,
        *,
        kind: str = "json",
        tries: int = 4,
        tries_at_500: int | None = None,
    ) -> Any:
        with self._lock:
            params = params or {}
            self.asked.append(url.removeprefix(f"{API}/") + "".join(f" {key}={value}" for key, value in params.items()))
            self.before_answer(self)
            details = "metadata" in str(params.get("expand"))
            self.busy[kind] += self.costs(params.get("limit", 0), details)
            return self._answer(url.removeprefix(f"{API}/").split("/"), params, url)

    def _answer(self, path: list[str], params: Mapping[str, Any], url: str) -> Any:
        match path:
            case ["communities"]:
                return []
            case ["collections"]:
                homes = [self._collection(home) for home in sorted(self._collections)]
                return homes[params["offset"] : params["offset"] + params["limit"]]
            case ["collections", home]:
                shallow = self._collection(int(home))
                if params.get("expand") == "items":
                    shallow["items"] = self._page(self._in(int(home)), params, url)
                return shallow
            case ["collections", home, "items"]:
                return self._page(self._in(int(home)), params, url)
            case ["items"]:
                return self._page(self.rows, params, url)
            case ["items", id]:
                row = next((row for row in self.rows if row.id == int(id)), None)
                if row is None:
                    raise NotFoundError("no such item", url)
                if row.id in self.broken:
                    raise ServerError("status 500", url)
                return self._item(row, full=True)
        raise AssertionError(url)

    def _in(self, home: int) -> list[Row]:
        return [row for row in self.rows if home in row.homes]

    def _page(self, rows: list[Row], params: Mapping[str, Any], url: str) -> list[Json]:
        full, order = "metadata" in params.get("expand", ""), list(rows)
        if self._mixed is not None:
            turn = min(len(self.asked), self.mixed_for or len(self.asked))
            random.Random(f"{self._mixed} {url} {turn}").shuffle(order)
        start = params["offset"] if self.knows_offset else 0
        page = order[start : start + params["limit"]]
        spoilt = self.spoiling | (self.broken if full else set())
        if any(row.id in spoilt for row in page):
            raise ServerError("status 500", url)
        return [self._item(row, full) for row in page if not row.not_visible]

    def _collection(self, home: int) -> Json:
        body = {"id": home, "name": f"Collection {home}", "handle": f"1/c{home}", "type": "collection"}
        return body | {"numberItems": len(self._in(home)), "items": []}

    def _item(self, row: Row, full: bool) -> Json:
        body = {"id": row.id, "name": f"Item {row.id}", "handle": f"1/{row.id}", "type": "item"}
        body |= {"lastModified": "2020-01-01 00:00:00.0", "archived": "true", "withdrawn": "false"}
        return body | {"metadata": [] if full else None, "bitstreams": [] if full else None}
