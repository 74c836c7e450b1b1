"""The communities and collections of a DSpace 7 to 10, with their parents: by search, or by the plain lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from ..errors import NotFound, Rejected, RepositoryError, Restricted
from . import hal_records as shapes
from .hal_api import HalApi, to_the_end
from .records import Collection, Community

T = TypeVar("T")

PARENT = ("embed", "parentCommunity")


class HalTree:
    """`size`: the most communities or collections to ask for at once."""

    def __init__(self, api: HalApi, size: int):
        self._api, self._size = api, size

    def communities(self) -> Iterator[Community]:
        """All communities that can be seen, in no useful order."""
        return iter(self._containers("community", "communities", shapes.community_of).values())

    def collections(self) -> Iterator[Collection]:
        """All collections that can be seen, in no useful order."""
        return iter(self._containers("collection", "collections", shapes.collection_of).values())

    def _containers(self, type_name: str, path: str, record: Callable[[shapes.Json, str], T]) -> dict[str, T]:
        """All of them by id: by search, which knows parents and order, else by the plain list, which is never short."""
        try:
            found, total = self._searched(type_name, record)
            # A search may be configured to find items only, and says then that there is nothing else.
            if len(found) >= max(total, self._count(path)):
                return found
        except (Rejected, NotFound, Restricted):
            found = {}
        return self._listed(path, record) | found

    def _count(self, path: str) -> int:
        """Return how many the plain list counts, or 0 where it does not answer."""
        try:
            answer = self._api.get(f"core/{path}", [("size", 1), ("page", 0)], tries=2)
            return shapes.listed(answer.json, path, answer.url).total
        except RepositoryError:
            return 0

    def _searched(self, type_name: str, record: Callable[[shapes.Json, str], T]) -> tuple[dict[str, T], int]:
        params = [("dsoType", type_name), ("sort", "dc.title,asc"), PARENT, ("size", self._size)]
        found: dict[str, T] = {}
        read = lambda number, size: self._api.search([*params, ("page", number)])  # noqa: E731
        for listed, url in to_the_end(read(0, self._size), read):
            for row in listed.rows:
                if shapes.known_id(row) is not None:  # a row may come without its object, where that may not be read
                    found[shapes.known_id(row)] = record(shapes.found_object(row, url), url)
        return found, listed.total

    def _listed(self, path: str, record: Callable[[shapes.Json, str], T]) -> dict[str, T]:
        def read(number: int, size: int) -> tuple[shapes.Listed, str]:
            answer = self._api.get(f"core/{path}", [PARENT, ("size", size), ("page", number)])
            return shapes.listed(answer.json, path, answer.url), answer.url

        found: dict[str, T] = {}
        for listed, url in to_the_end(read(0, self._size), read):
            for row in listed.rows:
                found[shapes.member(row, "uuid", str, url)] = record(row, url)
        return found
