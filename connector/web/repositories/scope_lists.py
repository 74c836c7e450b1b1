"""The lists of the Import Options page: what the repository has, and the rows with the last import of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app

from ...catalogue.source_links import scope_link
from ...dspace import Client
from ...dspace.records import Community, ScopeKind
from ...imports.start.source_queries import LastImport, last_imports
from ...models.repositories import Repository
from ...repositories import discovery
from ...repositories.connections import connection_to
from .listings import Listing
from .scope_tree import Level, Listed, Node


@dataclass(frozen=True, slots=True)
class Row:
    """A collection or community in a list.

    `scope`: the value of its Import button. `count`: how much is listed below it. `rows`: the rows directly below it,
    empty as long as it is closed.
    """

    id: str
    kind: ScopeKind
    scope: str
    name: str
    link: str
    item_count: int | None
    last: LastImport | None
    count: int
    rows: tuple[Row, ...]


def communities(repository: Repository, reload: bool = False) -> Listing:
    """Return all communities of a repository. Raise the errors of `open_connection` and the client."""
    return _listing(repository, "communities", lambda client: list(client.communities()), reload)


def collections(repository: Repository, reload: bool = False) -> Listing:
    """Return all collections of a repository. Raise the errors of `open_connection` and the client."""
    return _listing(repository, "collections", lambda client: list(client.collections()), reload)


def rows_of(repository: Repository, level: Level) -> tuple[Row, ...]:
    """Return the rows of a level, and those below them as deep as it is open."""
    return _RowMaker(repository).rows(level.nodes, level.open_depth)


def last_import_of(repository: Repository, kind: ScopeKind, identifier: str) -> LastImport | None:
    """Return the last import of the collection, community, item or repository with this id or handle, or None."""
    return last_imports(repository.id).get((kind, identifier))


class _RowMaker:
    """A factory of rows of one repository."""

    def __init__(self, repository: Repository):
        self._server = repository.server
        self._last = last_imports(repository.id)
        self._site = scope_link(self._server, ScopeKind.REPOSITORY, "", None)

    def rows(self, nodes: Iterable[Node], open_depth: int) -> tuple[Row, ...]:
        return tuple(self._row(node, open_depth) for node in nodes)

    def _row(self, node: Node, open_depth: int) -> Row:
        listed = node.listed
        kind = ScopeKind.COMMUNITY if isinstance(listed, Community) else ScopeKind.COLLECTION
        key = listed.handle or listed.id
        return Row(
            listed.id,
            kind,
            f"{kind}:{key}",
            listed.name,
            self._link(kind, listed),
            listed.item_count,
            self._last.get((kind, key)),
            node.count,
            self.rows(node.nodes, open_depth - 1) if open_depth else (),
        )

    def _link(self, kind: ScopeKind, listed: Listed) -> str:
        """Return the URL of the page of a collection or community, by handle if it has one.

        Every DSpace generation has pages by handle, and the short URLs keep a list of thousands small.
        """
        if listed.handle:
            return f"{self._site}/handle/{listed.handle}"
        return scope_link(self._server, kind, listed.id, None)


def _listing(repository: Repository, name: str, read: Callable[[Client], Sequence[Any]], reload: bool) -> Listing:
    repository_id = repository.id

    def ask() -> Sequence[Any]:
        with connection_to(repository) as connection:
            rows = read(connection.client)
            discovery.save_proposed_name(repository_id, connection)
            return rows

    key = (repository_id, repository.api_url, repository.login_name, name)
    found: Listing = current_app.extensions["listings"].get(key, ask, reload)
    return found
