"""The lists of the Import Options page: filtered, grouped and sorted, with the last import of each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app

from ...catalogue.source_links import scope_link
from ...dspace import Client
from ...dspace.records import Collection, Community, ScopeKind, Server
from ...imports.start.source_queries import LastImport, last_imports
from ...models.repositories import Repository
from ...repositories.connections import connected_to
from ...word_search import fold, search_terms
from .listings import Listing

Listed = Collection | Community


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


def communities(repository: Repository, reload: bool = False) -> Listing:
    """Return all communities of a repository. Raise the errors of `open_connection` and the client."""
    return _listing(repository, "communities", lambda client: list(client.communities()), reload)


def collections(repository: Repository, reload: bool = False) -> Listing:
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


def _listing(repository: Repository, name: str, read: Callable[[Client], Sequence[Any]], reload: bool) -> Listing:
    def ask() -> Sequence[Any]:
        with connected_to(repository) as connection:
            return read(connection.client)

    key = (repository.id, repository.api_url, repository.login_name, name)
    found: Listing = current_app.extensions["listings"].get(key, ask, reload)
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
