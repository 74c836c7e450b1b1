"""Which items lists and searches show a client, and what of them: for a signed-out one, what is open to everybody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import BadAnswer, NotFound, Restricted
from .hal_api import HalApi
from .hal_records import found_object, item_of, known_id
from .records import Item, Page, Scope, ScopeKind

if TYPE_CHECKING:
    from .legacy import LegacyClient

# As many uuids make an address of 3 KB; web servers take 8 KB.
_IDS_AT_ONCE = 50
# Items by id, as they are shown. Their metadata and files are None where these are not known.
OpenItems = Mapping[str, Item]


def by_search(api: HalApi, ids: Collection[str]) -> Iterator[Callable[[], OpenItems]]:
    """Yield searches of DSpace 7 to 10; each returns those of some of these items that are found."""
    known = sorted(ids)
    for start in range(0, len(known), _IDS_AT_ONCE):
        yield partial(_found, api, known[start : start + _IDS_AT_ONCE])


def _found(api: HalApi, ids: list[str]) -> OpenItems:
    either = " OR ".join(f"search.resourceid:{id}" for id in ids)
    answer, url = api.search([("dsoType", "item"), ("query", f"({either})"), ("size", len(ids))])
    return {id: _item(id, row, url) for row in answer.rows if (id := known_id(row)) in ids}


def _item(id: str, row: Any, url: str) -> Item:
    try:
        return item_of(found_object(row, url), url)
    except BadAnswer:
        return Item(id, None, None, None)


class Openness:
    """What a signed-out client of DSpace 4 to 6 finds in the lists of scopes, as far as they had to be read.

    Private items open by their ids there. Only the lists tell that they are not for everybody.
    """

    def __init__(self, client: LegacyClient):
        self._client = client
        self._found: dict[Scope, dict[str, Item]] = {}
        self._unread: dict[Scope, Iterator[Page]] = {}

    def found(self, scope: Scope, ids: Collection[str]) -> OpenItems:
        """Return those of these items that the lists of the scope show, with details from lists that have them.

        The lists are read until all of the items were met.
        """
        found = self._found.setdefault(scope, {})
        pages = self._unread.setdefault(scope, self._pages(scope))
        while not found.keys() >= set(ids) and (page := next(pages, None)) is not None:
            for item in page.items:
                # An item may come again in a list without details.
                if item.is_complete or item.id not in found:
                    found[item.id] = item
        return {id: found[id] for id in ids if id in found}

    def _pages(self, scope: Scope) -> Iterator[Page]:
        """Yield the pages of a scope, or of the collections of a single item; none where it is closed as a whole."""
        try:
            for lists in self._client.homes(scope.id) if scope.kind is ScopeKind.ITEM else [scope]:
                yield from self._client.walk(lists, light=True, seen=lambda ids: set())
        except (NotFound, Restricted):
            return
