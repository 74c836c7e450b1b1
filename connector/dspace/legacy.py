"""The client for DSpace 4, 5 and 6. It uses their REST API, usually at `/rest`, with and without a login."""

from __future__ import annotations

from collections.abc import Callable, Collection as Group, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ..http import Download, HttpClient, OutageWait
from .estimates import Sample
from .file_access import access_one_by_one, may_read
from .legacy_api import LegacyApi
from .legacy_estimate import estimate
from .legacy_finder import LegacyFinder
from .legacy_items import LegacyItems
from .legacy_reading import LegacyReading
from .legacy_recheck import SliceWalk
from .legacy_tree import LegacyTree
from .legacy_walk import LegacyItemLister
from .records import (
    Collection,
    Community,
    Estimate,
    Failure,
    FileAccess,
    Item,
    Page,
    Scope,
    ScopeKind,
    Server,
    SourceState,
    Subset,
)
from .visibility import OpenItems, PublicVisibility


class LegacyClient:
    """A client for DSpace 4, 5 or 6. Every method raises the RepositoryErrors of `connector.errors`.

    `limit`: the maximum number of results per request. It does not apply to the whole list of a collection, which is
    complete only in one response. `width()`: the number of requests that may run in parallel now. Only `walk` and
    `complete` wait while the repository is down.

    `can_select`: these servers only list whole collections and accept no query, so a walk cannot select changed items.
    `searches_private`: administrators see private items in the lists without a special request. `lists_all_items`: the
    list of the entire repository contains readable items of closed collections (not on 4). `lists_closed_files`: items
    do not list files that the reader may not read. `tells_unknown`: False on 4, which gives the same answer for unknown
    and closed objects.
    """

    can_select = False
    oai_beside_rest = None
    unanswered: Group[str] = frozenset()  # these servers get no optional questions
    lists_closed_files = False
    searches_private = False

    def __init__(
        self,
        http: HttpClient,
        server: Server,
        *,
        limit: int | None = None,
        outage: OutageWait,
        width: Callable[[], int],
        unanswered: Group[str] = (),
    ):
        self.server, self._api = server, LegacyApi(http, server, limit)
        tree, items = LegacyTree(self._api, width, outage.stop), LegacyItems(self._api, outage, width)
        self._reading = LegacyReading(self._api, outage, width, tree, items)
        self._finder = LegacyFinder(self._api)
        self._visibility = PublicVisibility(items.homes, self._shown_pages)

    # -- communities and collections

    def communities(self) -> Iterator[Community]:
        """Return all visible communities, with parent and count."""
        return self._reading.tree.communities()

    def collections(self) -> Iterator[Collection]:
        """Return all visible collections. `parent_id` is None if no visible community contains the collection."""
        return self._reading.tree.collections()

    def collection(self, id: str) -> Collection:
        """Return a collection with its parent and its deposit licence."""
        return self._reading.tree.collection(id)

    # -- one object

    @property
    def lists_all_items(self) -> bool:
        """Return whether the server has a list of all items, also of those in no visible collection."""
        return self._api.can.all_items

    @property
    def tells_unknown(self) -> bool:
        """Return whether the answer for an unknown id differs from that for a closed object."""
        return self._api.can.tells_unknown

    def find(self, kind: ScopeKind, identifier: str) -> Scope:
        """Return the scope of this kind with this id or handle (see `LegacyFinder.find`)."""
        return self._finder.find(kind, identifier)

    def resolve(self, path: str) -> Scope | None:
        """Return the object shown by the page with this path, or None if the page shows no object. Raise as `find`."""
        return self._finder.resolve(path)

    # -- items

    def count(self, scope: Scope, subset: Subset | None = None) -> int | None:
        """Return None: these servers also count items that are not visible, so their counts prove nothing."""

    def estimate(self, scope: Scope, sample: Sample, *, at_once: int) -> Estimate:
        """Return an estimate of a first import of the scope with `at_once` requests in parallel."""
        return estimate(self._reading, scope, sample, at_once)

    def walk(
        self,
        scope: Scope,
        *,
        cursor: dict[str, Any] | None = None,
        light: bool = False,
        with_collection: bool = False,
        seen: Callable[[Group[str]], set[str]],
        not_visible: Mapping[str, int] = MappingProxyType({}),
        subset: Subset | None = None,
        with_access: bool = False,
        may_use_oai: bool = False,
    ) -> Iterator[Page]:
        """Yield the visible items of the scope, each once, in pages of at most 100 (see `legacy_walk`).

        `light`: items may come without details if details would cost more. `subset`: one part of the items. These
        servers cannot select by time, and some items of a part may come twice (see `legacy_recheck`). `with_access` has
        no effect: these servers do not list files that the reader may not read.
        """
        if subset is not None and subset.part:
            return SliceWalk(self._reading, scope, subset.part).pages(cursor)
        return LegacyItemLister(self._reading, scope, light, with_collection, seen, not_visible).pages(cursor)

    def complete(self, items: Iterable[Item]) -> Iterator[Item | Failure]:
        """Yield the items with metadata and bitstreams, one request for each item that lacks them."""
        return self._reading.items.complete(items)

    def open_items(self, scope: Scope, ids: Group[str], *, with_files: bool = False) -> OpenItems:
        """Return those of these items that the lists of the scope show, with files (see `PublicVisibility`)."""
        return self._visibility.found(scope, ids)

    def item_state(self, item_id: str, scope: Scope, handle: str | None = None) -> SourceState:
        """Return the state of an item that a walk of the scope did not show any more (see `LegacyItems.state`)."""
        return self._reading.items.state(item_id, scope, handle)

    def ping(self) -> None:
        """Raise TransientError if the repository does not answer."""
        self._api.control()

    def download(self, bitstream_id: str, sink: Callable[[bytes], object], *, limit: int | None = None) -> Download:
        """Pass the bytes of a file to `sink`, at most `limit` bytes.

        These servers send no length and cannot resume a download.
        """
        return self._api.download(bitstream_id, sink, limit=limit)

    def is_open(self, bitstream_id: str) -> bool | None:
        """Return whether the reader may read a file, or None if unknown. Does not read the file."""
        return may_read(self._api.http, self._api.url(f"bitstreams/{bitstream_id}/retrieve"))

    def file_access(self, item_id: str, bitstream_ids: Group[str]) -> Mapping[str, FileAccess]:
        """Return whether the reader may read each of these files, as far as known. Takes one request per file."""
        return access_one_by_one(self.is_open, bitstream_ids)

    def available_from(self, bitstream_id: str) -> None:
        """Return None: the policies with the end of an embargo are as closed as the file itself (6.3)."""

    def _shown_pages(self, scope: Scope, seen: Callable[[Group[str]], set[str]]) -> Iterator[Page]:
        """Yield the pages that the lists of a scope show, without the items that `seen` returns."""
        return self.walk(scope, seen=seen)
