"""Finds which items lists and searches show. For a signed-out client these are the public items."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from ..errors import (
    AddressNotAllowedError,
    BadResponseError,
    NotFoundError,
    RepositoryError,
    RestrictedError,
    TransientError,
)
from .hal_api import TRIES, HalApi
from .hal_query import with_ids
from .hal_records import embedded_object, found_object, item_of, known_id
from .records import MOST_IDS, Item, Page, Scope, ScopeKind

_WITH_FILES_AT_ONCE = 10  # larger pages cost more than their number of items (docs/dspace-findings.md, section 2)
# Items by id. Metadata and files are None if unknown.
OpenItems = Mapping[str, Item]


def visible_by_search(api: HalApi, ids: Collection[str], with_files: bool) -> Iterator[Callable[[], OpenItems]]:
    """Yield searches of DSpace 7 to 10. Each returns the items that it finds among some of these ids.

    `with_files`: the items get their files if these can be listed.
    """
    known, size = sorted(ids), _WITH_FILES_AT_ONCE if with_files else MOST_IDS
    for start in range(0, len(known), size):
        yield partial(_found, api, known[start : start + size], with_files)


def _found(api: HalApi, ids: list[str], with_files: bool) -> OpenItems:
    params = [("dsoType", "item"), ("query", with_ids(ids)), ("size", len(ids))]
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
        bundles = embedded_object(found, "bundles", url)
        return item if bundles is None else api.with_files(item, bundles, url)
    return item


class PublicVisibility:
    """The items that the lists of DSpace 4 to 6 show to a signed-out client, as far as the lists were read.

    Private items can be opened by their ids on these servers. Only the lists show that they are not public. `homes`
    returns the collections of an item, `shown_pages` the pages of a scope without the items that its function returns.
    """

    def __init__(
        self,
        homes: Callable[[str], list[Scope]],
        shown_pages: Callable[[Scope, Callable[[Collection[str]], set[str]]], Iterator[Page]],
    ):
        self._homes, self._shown_pages = homes, shown_pages
        self._found: dict[Scope, dict[str, Item]] = {}
        self._unread: dict[Scope, Iterator[Page]] = {}

    def found(self, scope: Scope, ids: Collection[str]) -> OpenItems:
        """Return those of these items that the lists of the scope show, with metadata and files where possible.

        The lists are read only until all of the items are found.
        """
        found = self._found.setdefault(scope, {})
        pages = self._unread.setdefault(scope, self._pages(scope, found))
        while not found.keys() >= set(ids) and (page := next(pages, None)) is not None:
            unread = (Item(each.id, each.handle, each.name, None) for each in page.failures if each.id)
            found.update((item.id, item) for item in (*page.items, *unread))
        return {id: found[id] for id in ids if id in found}

    def _pages(self, scope: Scope, found: Collection[str]) -> Iterator[Page]:
        """Yield the pages of a scope, or of the collections of a single item, without the items `found` already.

        Yield nothing if the scope is closed. The pages include details, which cost no more there (see
        `legacy_page_plans`).
        """
        try:
            for lists in self._homes(scope.id) if scope.kind is ScopeKind.ITEM else [scope]:
                yield from self._shown_pages(lists, lambda ids: {id for id in ids if id in found})
        except (NotFoundError, RestrictedError):
            return
