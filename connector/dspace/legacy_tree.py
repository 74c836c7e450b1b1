"""Reads communities and collections of DSpace 4 to 6, with parents, in as few requests as each generation allows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from threading import Event

from .json_api import JsonDocument
from .json_members import optional
from .legacy_api import LegacyApi
from .legacy_records import children, collection, community, identifier, list_rows, sum_if_known
from .ordered_pool import ordered_map
from .records import Collection, Community, Scope, ScopeKind

_CHILDREN = {"expand": "subCommunities,collections"}
_COMMUNITIES_ASKED = 3


class LegacyTree:
    """A reader for the tree. If each community takes a request, up to `width()` requests run in parallel."""

    def __init__(self, api: LegacyApi, width: Callable[[], int], stop: Event):
        self._api, self._width, self._stop = api, width, stop

    def communities(self) -> Iterator[Community]:
        """Yield all visible communities, with parent and count."""
        families = list(self._families())
        parents = _parents(families, "subcommunities")
        for row, url in families:
            yield community(row, url, parents.get(identifier(row, url)))

    def collections(self) -> Iterator[Collection]:
        """Return all visible collections, with count. `parent_id` is None if no visible community contains one."""
        parents = _parents(self._families(), "collections")
        return self.flat_collections(parents.get)

    def flat_collections(self, parent: Callable[[str], str | None] = lambda id: None) -> Iterator[Collection]:
        """Yield all visible collections, with count, from one short list, which does not contain the parents."""
        url = self._api.url("collections")
        for row in self._api.listing("collections"):
            yield collection(row, url, parent(identifier(row, url)))

    def collections_below(self, community_id: str) -> Iterator[Collection]:
        """Yield all collections below a community, with parent and count. One with two parents comes twice."""
        for row, url in self._below([community_id]):
            for child in children(row, "collections", url):
                yield collection(child, url, identifier(row, url))

    def some_collections_below(self, community_id: str, most: int) -> Iterator[Collection]:
        """Yield the collections of at most `most` communities, this one and some below it, with a request for each."""
        ids = [community_id]
        for id in itertools.islice(ids, most):  # the loop appends to this list
            row, url = self._api.get(f"communities/{id}", _CHILDREN, kind="community")
            ids += [identifier(child, url) for child in children(row, "subcommunities", url)]
            yield from (collection(child, url, id) for child in children(row, "collections", url))

    def collection(self, id: str) -> Collection:
        """Return a collection with its parent and its deposit licence."""
        row, url = self._api.get(f"collections/{id}", {"expand": "license,parentCommunity"})
        parent = optional(row, "parentCommunity", dict, url)
        return collection(row, url, identifier(parent, url) if parent else None)

    def parts(self, scope: Scope) -> list[Collection]:
        """Return the collections of a scope, each once."""
        if scope.kind == ScopeKind.COLLECTION:
            return [collection(*self._api.get(f"collections/{scope.id}"))]
        below = scope.kind == ScopeKind.COMMUNITY
        found = self.collections_below(scope.id) if below else self.flat_collections()
        return list({part.id: part for part in found}.values())

    def community_count(self, id: str) -> int | None:
        """Return the number of items that a community counts, including collections that are not visible."""
        return community(*self._api.get(f"communities/{id}", kind="community")).item_count

    def some_parts(self, scope: Scope) -> tuple[list[Collection], int | None]:
        """Return collections of a scope (for a community, only some) and the item count of the scope, or None."""
        if scope.kind is ScopeKind.COMMUNITY:
            found = {part.id: part for part in self.some_collections_below(scope.id, _COMMUNITIES_ASKED)}
            return list(found.values()), self.community_count(scope.id)
        parts = self.parts(scope)
        return parts, sum_if_known(part.item_count for part in parts)

    def _families(self) -> Iterator[JsonDocument]:
        """Return every community, with its direct children."""
        url = self._api.url("communities")
        if self._api.can.all_communities:
            return (JsonDocument(row, url) for row in self._api.listing("communities", _CHILDREN))
        return self._below([identifier(row, url) for row in list_rows(*self._api.get("communities", kind="list"))])

    def _below(self, ids: list[str]) -> Iterator[JsonDocument]:
        """Yield these communities and all below them, level by level, each with its direct children."""
        known = set(ids)
        while ids:
            calls = [lambda id=id: self._api.get(f"communities/{id}", _CHILDREN, kind="community") for id in ids]
            level = [future.result() for future in ordered_map(calls, self._width, self._stop)]
            yield from level
            ids = [child for child in _parents(level, "subcommunities") if child not in known]
            known.update(ids)


def _parents(families: Iterable[JsonDocument], key: str) -> dict[str, str]:
    """Return the first parent of each child. `key`: `subcommunities` or `collections`."""
    parents: dict[str, str] = {}
    for row, url in families:
        for child in children(row, key, url):
            parents.setdefault(identifier(child, url), identifier(row, url))
    return parents
