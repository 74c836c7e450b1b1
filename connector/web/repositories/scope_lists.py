"""The lists of the Import Options page. They are cached for some minutes and filtered without a new request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import current_app

from ...catalogue.source_links import scope_link
from ...dspace import Client
from ...dspace.records import Collection, Community, ScopeKind, Server
from ...jobs.queries import LastImport, last_imports
from ...models.repositories import Repository
from ...repositories.connections import connected_to
from ...word_search import fold, search_terms

KEPT = 300.0  # seconds
Listed = Collection | Community


class Listings:
    """A cache of listings. Concurrent requests for one listing wait for a single read."""

    def __init__(self, seconds: float = KEPT, clock: Callable[[], float] = time.monotonic):
        self._seconds, self._clock = seconds, clock
        self._shelves: dict[Any, _Shelf] = {}
        self._lock = threading.Lock()

    def get(self, key: Any, read: Callable[[], Sequence[Any]], reload: bool = False) -> Sequence[Any]:
        """Return the rows of this key. Call `read` if they are missing or expired, or if `reload` is set."""
        with self._lock:
            shelf = self._shelves.setdefault(key, _Shelf())
        with shelf.lock:
            if reload or shelf.rows is None or self._clock() - shelf.read > self._seconds:
                shelf.rows, shelf.read = read(), self._clock()
            return shelf.rows


@dataclass
class _Shelf:
    rows: Sequence[Any] | None = None
    read: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class Row:
    """A collection or community in a list. `scope`: the value of its Import button."""

    scope: str
    name: str
    link: str
    item_count: int | None
    last: LastImport | None
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The collections directly below one community. `path`: the community names from the top down."""

    path: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def count(self) -> int:
        """Return the number of collections in the group."""
        return len(self.rows)


def communities(repository: Repository, reload: bool = False) -> Sequence[Community]:
    """Return all communities of a repository. Raise the errors of `open_connection` and the client."""
    return _listing(repository, "communities", lambda client: list(client.communities()), reload)


def collections(repository: Repository, reload: bool = False) -> Sequence[Collection]:
    """Return all collections of a repository. Raise the errors of `open_connection` and the client."""
    return _listing(repository, "collections", lambda client: list(client.collections()), reload)


def groups(repository: Repository, rows: Sequence[Collection], above: Sequence[Community], words: str) -> list[Group]:
    """Return the collections whose name or community names contain all the words, grouped by community.

    Communities and collections are sorted by name. `above`: all communities. Raises InvalidInputError if there are too
    many words.
    """
    terms = search_terms(words)
    paths = _paths(above)
    make = _RowMaker(repository, ScopeKind.COLLECTION)
    grouped: dict[tuple[str, ...], list[Collection]] = {}
    for collection in rows:
        path = paths.get(collection.parent_id, ())
        if _matches(" ".join((*path, collection.name)), terms):
            grouped.setdefault(path, []).append(collection)
    return [
        Group(path, tuple(map(make, _sorted(grouped[path]))))
        for path in sorted(grouped, key=lambda path: [name.casefold() for name in path])
    ]


def tree(repository: Repository, rows: Sequence[Community], words: str) -> tuple[Row, ...]:
    """Return the communities whose name contains all the words, and the communities above them, as a tree.

    The tree is sorted by name. Raises InvalidInputError if there are too many words.
    """
    terms = search_terms(words)
    below: dict[str | None, list[Community]] = {}
    known = {community.id for community in rows}
    for community in rows:
        parent = community.parent_id if community.parent_id in known else None
        below.setdefault(parent, []).append(community)
    make = _RowMaker(repository, ScopeKind.COMMUNITY)

    def branch(parent: str | None) -> Iterator[Row]:
        for community in _sorted(below.get(parent, ())):
            children = tuple(branch(community.id))
            if children or _matches(community.name, terms):
                yield make(community, children)

    return tuple(branch(None))


def last_import_of(repository: Repository, kind: ScopeKind, identifier: str) -> LastImport | None:
    """Return the last import of the collection, community, item or repository with this id or handle, or None."""
    return last_imports(repository.id).get((kind, identifier))


class _RowMaker:
    """A factory of rows of one kind in one repository."""

    def __init__(self, repository: Repository, kind: ScopeKind):
        self._kind, self._server = kind, repository.server
        self._last = last_imports(repository.id)
        self._site = scope_link(
            self._server.site_url, self._server.ui_url, self._server.generation, ScopeKind.REPOSITORY, "", None
        )

    def __call__(self, listed: Listed, rows: tuple[Row, ...] = ()) -> Row:
        key = listed.handle or listed.id
        return Row(
            f"{self._kind}:{key}",
            listed.name,
            self._link(listed),
            listed.item_count,
            self._last.get((self._kind, key)),
            rows,
        )

    def _link(self, listed: Listed) -> str:
        """Return the URL of the page of a collection or community, by handle if it has one.

        Every DSpace generation has pages by handle, and the short URLs keep a list of thousands small.
        """
        server: Server = self._server
        if listed.handle:
            return f"{self._site}/handle/{listed.handle}"
        return scope_link(server.site_url, server.ui_url, server.generation, self._kind, listed.id, None)


def _listing(repository: Repository, name: str, read: Callable[[Client], Sequence[Any]], reload: bool) -> Sequence[Any]:
    def ask() -> Sequence[Any]:
        with connected_to(repository) as connection:
            return read(connection.client)

    key = (repository.id, repository.api_url, repository.login_name, name)
    found: Sequence[Any] = current_app.extensions["listings"].get(key, ask, reload)
    return found


def _paths(rows: Iterable[Community]) -> dict[str | None, tuple[str, ...]]:
    """Return the community names from the top down to each community, by its id."""
    known = {community.id: community for community in rows}
    paths: dict[str | None, tuple[str, ...]] = {}
    for community in known.values():
        names: list[str] = []
        step: Community | None = community
        while step is not None and len(names) < len(known):
            names.append(step.name)
            step = known.get(step.parent_id or "")
        paths[community.id] = tuple(reversed(names))
    return paths


def _sorted(rows: Iterable[Listed]) -> list[Listed]:
    return sorted(rows, key=lambda row: row.name.casefold())


def _matches(text: str, terms: Iterable[str]) -> bool:
    folded = fold(text)
    return all(term in folded for term in terms)
