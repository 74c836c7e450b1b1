"""The client for a DSpace 4 to 10 whose REST API is closed: it reads everything over OAI-PMH.

Objects have handles as ids, because OAI-PMH gives no others. A later import over the REST API finds the items again by
their handles (design rule 4).
"""

from __future__ import annotations

from collections.abc import Callable, Collection as Group, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..errors import NotFoundError
from ..http import Download, HttpClient, OutageWait
from .estimates import Sample, pages_of
from .file_access import access_one_by_one, may_read
from .oai_api import RECORDS_PER_PAGE, OaiApi
from .oai_finder import OaiFinder
from .oai_items import OaiItems
from .oai_tree import OaiTree
from .oai_walk import OaiWalk
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
from .urls import file_path
from .visibility import OpenItems


class OaiClient:
    """A client that reads over OAI-PMH. Methods raise the errors of `connector.errors`.

    See `HalClient` for the parameters. `limit` has no effect, as the server sets the size of its pages.

    `can_select`: an index of OAI-PMH may be hours behind the repository, and its counts include withdrawn items, so a
    walk always reads the whole scope: 100 items a request. `lists_all_items`: restricted items are never listed.
    `tells_unknown`: False, because restricted and deleted items are both unknown here.
    """

    can_select = False
    oai_beside_rest = None
    unanswered: Group[str] = frozenset()
    lists_closed_files = True
    searches_private = False
    lists_all_items = True
    tells_unknown = False

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
        self.server, self._http, self._outage = server, http, outage
        self._api = OaiApi(http, server)
        self._tree, self._items = OaiTree(self._api), OaiItems(self._api, outage, width)
        self._finder = OaiFinder(self._api, self._tree, self._items)

    def communities(self) -> Iterator[Community]:
        """Return all communities, with parent and count as far as they are known (see `OaiTree`)."""
        return self._tree.communities()

    def collections(self) -> Iterator[Collection]:
        """Return all collections, with parent and count as far as they are known (see `OaiTree`)."""
        return self._tree.collections()

    def collection(self, id: str) -> Collection:
        """Return a collection with this handle. Raise NotFoundError if there is none."""
        return self._tree.collection(id)

    def find(self, kind: ScopeKind, identifier: str) -> Scope:
        """Return the object of this kind with this handle. Raise NotFoundError if there is none."""
        return self._finder.find(kind, identifier)

    def resolve(self, path: str) -> Scope | None:
        """Return the object that a page of the site shows, or None if it shows none. Raise as `find`."""
        return self._finder.resolve(path)

    def count(self, scope: Scope, subset: Subset | None = None) -> int | None:
        """Return None: the lists also count withdrawn and private items."""

    def estimate(self, scope: Scope, sample: Sample, *, at_once: int) -> Estimate:
        """Return an estimate of a first import of the scope, from its first page and two small files."""
        page = sample.read(lambda: next(self.walk(scope, seen=lambda ids: set()), Page((), {})))
        total = len(page.items) if page.total is None else page.total
        sample.read_files(self.download)
        return sample.estimate(total, pages_of(total, RECORDS_PER_PAGE), at_once=at_once)

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
        """Yield the items of the scope that OAI-PMH shows, each once, in pages as the server gives them.

        All pages are complete, as light ones would not cost less. `seen(ids)` returns the ids that are recorded
        already; the walk skips those items. Other parameters have no effect.
        """
        scope = _by_handle(scope)
        if scope.kind is ScopeKind.ITEM:
            if cursor is None:
                yield self._single(scope, seen)
            return

        def collections(handles: Sequence[str]) -> list[Collection]:
            names = self._tree.names() if with_collection else {}  # without collections that are closed
            return [Collection(handle, handle, names[handle]) for handle in handles if handle in names]

        walk = OaiWalk(self._api, self._items, self._outage, scope, seen, collections)
        yield from walk.pages(cursor)

    def complete(self, items: Iterable[Item]) -> Iterator[Item | Failure]:
        """Yield the items with metadata and files, one request for each item that lacks them."""
        return self._items.complete(items)

    def open_items(self, scope: Scope, ids: Group[str], *, with_files: bool = False) -> OpenItems:
        """Return those of these items that have a record that is not deleted."""
        found = self.complete(Item(id, id, None, None) for id in ids)
        return {each.id: each for each in found if isinstance(each, Item) and each.is_present}

    def item_state(self, item_id: str, scope: Scope, handle: str | None = None) -> SourceState:
        """Return the state of an item that a walk of the scope did not show any more (design rule 7).

        A deleted record belongs to a withdrawn or private item. An item without record was deleted or restricted.
        """
        try:
            header = self._items.record(handle or item_id).header
        except NotFoundError:
            return SourceState.DELETED
        if header.is_deleted:
            return SourceState.NOT_PUBLIC
        homes = {ScopeKind.COLLECTION: header.collections, ScopeKind.COMMUNITY: header.communities}
        is_here = scope.kind not in homes or _by_handle(scope).id in homes[scope.kind]
        return SourceState.PRESENT if is_here else SourceState.MOVED

    def ping(self) -> None:
        """Raise TransientError if the repository does not answer."""
        self._items.control()

    def download(self, bitstream_id: str, sink: Callable[[bytes], object], *, limit: int | None = None) -> Download:
        """Pass the bytes of a file to `sink`, at most `limit` bytes. Raise RestrictedError if it is under embargo."""
        return self._http.download(self._file_url(bitstream_id), sink, limit=limit)

    def is_open(self, bitstream_id: str) -> bool | None:
        """Return whether the reader may read a file, or None if unknown. Does not read the file."""
        return may_read(self._http, self._file_url(bitstream_id))

    def file_access(self, item_id: str, bitstream_ids: Group[str]) -> Mapping[str, FileAccess]:
        """Return whether the reader may read each of these files, as far as known. Takes one request per file."""
        return access_one_by_one(self.is_open, bitstream_ids)

    def available_from(self, bitstream_id: str) -> None:
        """Return None: no request for a single file tells when its embargo ends."""

    def _file_url(self, bitstream_id: str) -> str:
        return f"{self.server.ui_url or self.server.site_url}/{file_path(bitstream_id)}"

    def _single(self, scope: Scope, seen: Callable[[Group[str]], set[str]]) -> Page:
        """Return the page of a single item."""
        wanted = [] if seen([scope.id]) else [Item(scope.id, scope.handle, scope.name or None, None)]
        results = tuple(self.complete(wanted))
        items = tuple(result for result in results if isinstance(result, Item))
        return Page(items, {"is_done": True}, 1, tuple(result for result in results if isinstance(result, Failure)))


def _by_handle(scope: Scope) -> Scope:
    """Return the scope with its handle as id. A source that was imported over REST has the id of that."""
    return replace(scope, id=scope.handle or scope.id)
