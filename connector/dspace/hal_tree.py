"""Reads the communities and collections of DSpace 7 to 10, with their parents, by search or from the plain lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

from ..errors import NotFoundError, RepositoryError, RequestRejectedError, RestrictedError
from . import hal_records as shapes
from .hal_api import HalApi, to_the_end
from .json_members import required
from .records import Collection, Community

T = TypeVar("T")

_COMMUNITIES = "communities"
_REFUSALS = (RequestRejectedError, NotFoundError, RestrictedError)
PARENT = ("embed", "parentCommunity")


class HalTree:
    """A reader for communities and collections. `size`: the maximum number of them per request."""

    def __init__(self, api: HalApi, size: int):
        self._api, self._size = api, size

    def communities(self) -> Iterator[Community]:
        """Return all visible communities, in no particular order."""
        found = self._containers("community", _COMMUNITIES, shapes.community_of, self._listed_communities)
        return iter(found.values())

    def collections(self) -> Iterator[Collection]:
        """Return all visible collections, in no particular order."""
        list_all = partial(self._listed, "collections", shapes.collection_of)
        return iter(self._containers("collection", "collections", shapes.collection_of, list_all).values())

    def _containers(
        self,
        type_name: str,
        path: str,
        record: Callable[[shapes.Json, str], T],
        list_all: Callable[[], dict[str, T]],
    ) -> dict[str, T]:
        """Return all communities or collections by id.

        Search gives parents and order. If its result is short, the plain list adds what is missing.
        """
        found, total = dict[str, T](), 1
        with suppress(*_REFUSALS):
            found, total = self._searched(type_name, record)
            # A search may be configured to find items only. It then returns no communities or collections.
            if found and len(found) >= max(total, self._count(path)):
                return found
        try:
            return list_all() | found
        except _REFUSALS:
            if len(found) < total:
                raise
            return found

    def _count(self, path: str) -> int:
        """Return the count of the plain list, or 0 if the list does not answer."""
        try:
            answer = self._api.get(f"core/{path}", [("size", 1), ("page", 0)], tries=2)
            return shapes.list_page(answer.json, path, answer.url).total
        except RepositoryError:
            return 0

    def _searched(self, type_name: str, record: Callable[[shapes.Json, str], T]) -> tuple[dict[str, T], int]:
        params = [("dsoType", type_name), ("sort", "dc.title,asc"), PARENT, ("size", self._size)]
        found: dict[str, T] = {}

        def read(number: int, size: int) -> tuple[shapes.Listed, str]:
            return self._api.search([*params, ("page", number)])

        for listed, url in to_the_end(read(0, self._size), read):
            for row in listed.rows:
                if (id := shapes.known_id(row)) is not None:  # a row has no object if that may not be read
                    found[id] = record(shapes.found_object(row, url), url)
        return found, listed.total

    def _listed_communities(self) -> dict[str, Community]:
        """Return all communities. If their plain list is refused, read the top ones and then all below them."""
        try:
            return self._listed(_COMMUNITIES, shapes.community_of)
        except _REFUSALS as refusal:
            try:
                found = self._listed(f"{_COMMUNITIES}/search/top", shapes.community_of)
            except _REFUSALS:
                raise refusal from None
        above = list(found)
        for id in above:  # the loop appends to this list
            below = self._listed(f"{_COMMUNITIES}/{id}/subcommunities", shapes.community_of)
            new = {key: replace(one, parent_id=id) for key, one in below.items() if key not in found}
            above += new
            found |= new
        return found

    def _listed(self, path: str, record: Callable[[shapes.Json, str], T]) -> dict[str, T]:
        def read(number: int, size: int) -> tuple[shapes.Listed, str]:
            answer = self._api.get(f"core/{path}", [PARENT, ("size", size), ("page", number)])
            return shapes.list_page(answer.json, _member_of(path), answer.url), answer.url

        found: dict[str, T] = {}
        for listed, url in to_the_end(read(0, self._size), read):
            for row in listed.rows:
                found[required(row, "uuid", str, url)] = record(row, url)
        return found


def _member_of(path: str) -> str:
    """Return the name of the JSON member that holds the rows of a list."""
    name = path.rpartition("/")[2]
    return _COMMUNITIES if name == "top" else name
