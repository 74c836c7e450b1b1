"""Which items lists and searches show a client, and what of them: for a signed-out one, what is open to everybody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import (
    AddressNotAllowedError,
    BadResponseError,
    NotFoundError,
    RepositoryError,
    RestrictedError,
    TransientError,
)
from .hal_api import TRIES, HalApi
from .hal_records import embedded, found_object, item_of, known_id
from .records import Item, Page, Scope, ScopeKind

if TYPE_CHECKING:
    from .legacy import LegacyClient

# As many uuids make an address of 3 KB; web servers take 8 KB.
_IDS_AT_ONCE = 50
_WITH_FILES_AT_ONCE = 10  # larger pages cost more than their number of items (docs/dspace-findings.md, section 2)
# Items by id, as they are shown. Their metadata and files are None where these are not known.
OpenItems = Mapping[str, Item]


def visible_by_search(api: HalApi, ids: Collection[str], with_files: bool) -> Iterator[Callable[[], OpenItems]]:
    """Yield searches of DSpace 7 to 10; each returns those of some of these items that are found.

    `with_files`: they are wanted with their files, and come without where these cannot be listed.
    """
    known, size = sorted(ids), _WITH_FILES_AT_ONCE if with_files else _IDS_AT_ONCE
    for start in range(0, len(known), size):
        yield partial(_found, api, known[start : start + size], with_files)


def _found(api: HalApi, ids: list[str], with_files: bool) -> OpenItems:
    either = " OR ".join(f"search.resourceid:{id}" for id in ids)
    params = [("dsoType", "item"), ("query", f"({either})"), ("size", len(ids))]
    try:
        embeds = api.embedding_files() if with_files else ()
        answer, url = api.search([*params, *embeds], tries=1 if with_files else TRIES)
    except (TransientError, BadResponseError):
        if not with_files:
            raise
        return _found(api, ids, with_files=False)
    return {id: _item(api, id, row, url) for row in answer.rows if (id := known_id(row)) in ids}


def _item(api: HalApi, id: str, row: Any, url: str) -> Item:
    """Return the item of a row, as far as it can be read."""
    item = Item(id, None, None, None)
    with suppress(RepositoryError, AddressNotAllowedError):
        found = found_object(row, url)
        item = item_of(found, url)
        bundles = embedded(found, "bundles", url)
        return item if bundles is None else api.with_files(item, bundles, url)
    return item


class PublicVisibility:
    """What a signed-out client of DSpace 4 to 6 finds in the lists of scopes, as far as they had to be read.

    Private items open by their ids there. Only the lists tell that they are not for everybody.
    """

    def __init__(self, client: LegacyClient):
        self._client = client
        self._found: dict[Scope, dict[str, Item]] = {}
        self._unread: dict[Scope, Iterator[Page]] = {}

    def found(self, scope: Scope, ids: Collection[str]) -> OpenItems:
        """Return those of these items that the lists of the scope show, with metadata and files where they can be read.

        The lists are read until all of the items were met.
        """
        found = self._found.setdefault(scope, {})
        pages = self._unread.setdefault(scope, self._pages(scope, found))
        while not found.keys() >= set(ids) and (page := next(pages, None)) is not None:
            unread = (Item(each.id, each.handle, each.name, None) for each in page.failures if each.id)
            found.update((item.id, item) for item in (*page.items, *unread))
        return {id: found[id] for id in ids if id in found}

    def _pages(self, scope: Scope, found: Collection[str]) -> Iterator[Page]:
        """Yield the pages of a scope, or of the collections of a single item; none where it is closed as a whole.

        They have details, which cost no more there (see `legacy_page_plans`). What was `found` before is left out.
        """
        try:
            for lists in self._client.homes(scope.id) if scope.kind is ScopeKind.ITEM else [scope]:
                yield from self._client.walk(lists, seen=lambda ids: {id for id in ids if id in found})
        except (NotFoundError, RestrictedError):
            return
