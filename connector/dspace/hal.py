"""The client for DSpace 7 to 10 (`/server/api`). All names of its JSON stay in the hal_* modules.

Of addresses in answers only the path is used: behind proxies their scheme and host are often wrong (design rule 14).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Collection as Group
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from ..errors import (
    LASTING_ERRORS,
    AddressNotAllowedError,
    BotChallengeError,
    NotFoundError,
    RepositoryError,
    RequestRejectedError,
    RestrictedError,
    TooLargeError,
    TransientError,
)
from ..http import Download, HttpClient, OutageWait
from . import hal_records as shapes
from .estimates import Sample, pages_of, spread
from .file_access import access_one_by_one, may_read
from .hal_api import TELLS_ACCESS, HalApi
from .hal_handles import located
from .hal_query import ListingOrder, items_in, question_of
from .hal_tree import PARENT, HalTree
from .hal_walk import HalItemLister, HalReading
from .item_reader import PartlyRead, read_items_individually
from .json_members import label, required
from .optional_requests import OptionalQuestions, Question, UnansweredError
from .page_plans import complete_plans, light_plans, sizes_within, slice_plans
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
    as_far_as_read,
)
from .urls import handle_in, is_uuid, object_of
from .visibility import OpenItems, visible_by_search

_PATHS = {ScopeKind.COLLECTION: "collections", ScopeKind.COMMUNITY: "communities", ScopeKind.ITEM: "items"}
_CLOSES_FILES = (SourceState.WITHDRAWN, SourceState.SUPERSEDED)
_HOMES = (("embed", "owningCollection"), ("embed", "mappedCollections"))
_TRIES = 2  # of a count, after which it is waited for, or done without


class HalClient:
    """Reads a DSpace 7 to 10. Methods raise the errors of `connector.errors`.

    `limit` is the most items or collections asked for at once (the files of one item are not cut by it); `width()`
    gives how many requests may run in parallel now. `can_select`: walks and counts may be of a subset.
    `lists_all_items`: the list of the entire repository shows readable items of closed collections.
    `lists_closed_files`: items list files that we may not read, too. `tells_unknown`: unknown ids are told from closed
    ones.
    """

    can_select = True
    lists_all_items = True
    tells_unknown = True
    lists_closed_files = True

    def __init__(
        self,
        http: HttpClient,
        server: Server,
        *,
        limit: int | None = None,
        patience: OutageWait,
        width: Callable[[], int],
        unanswered: Group[str] = (),
    ):
        self.server = server
        self._http, self._patience, self._width = http, patience, width
        self._api = HalApi(http, server)
        self._sizes = sizes_within(limit)
        self._tree = HalTree(self._api, self._sizes[0])
        self._checked: set[str] = set()
        self._optional = OptionalQuestions(self._api.check, http.traffic, unanswered)
        self._listed: dict[Scope, OpenItems] = {}

    @property
    def unanswered(self) -> frozenset[str]:
        """The optional questions that this repository does not answer (see `optional_requests`)."""
        return self._optional.unanswered

    @cached_property
    def searches_private(self) -> bool:
        """Whether searches ask for private items, too: where we are signed in, unless the site refuses that."""
        if not self._http.is_signed_in:
            return False
        params = [*items_in(Scope(ScopeKind.REPOSITORY), with_private=True), ("size", 1)]
        search = partial(self._api.search, params, tries=_TRIES)
        try:
            self._patience.retry_until_available("page", lambda: self._optional.require(Question.PRIVATE, search))
        except UnansweredError:
            return False
        return True

    def communities(self) -> Iterator[Community]:
        """All communities, in no useful order."""
        return self._tree.communities()

    def collections(self) -> Iterator[Collection]:
        """All collections, in no useful order."""
        return self._tree.collections()

    def find(self, kind: ScopeKind, identifier: str) -> Scope:
        """The object with this uuid or handle, which exists and is of this kind. Raises NotFoundError or
        RestrictedError."""
        if kind is ScopeKind.REPOSITORY:
            return Scope(kind, "", None, self.server.name or urlsplit(self.server.site_url).netloc)
        if is_uuid(identifier):
            return self._scope(kind, identifier)
        handle = handle_in(identifier)
        if handle is None:
            raise NotFoundError(
                f"“{identifier}” is neither a uuid nor a handle, the names that DSpace 7 and later use."
            )
        scope = self._scope(*located(self._api, handle))
        if scope.kind is not kind:
            raise NotFoundError(f"There is no {kind} {handle}: it is the {scope.kind} “{scope.name}”.")
        return scope

    def resolve(self, path: str) -> Scope | None:
        """The object a page of the site shows, or None if it shows none. Raises as `find`."""
        shown = object_of(path)
        if shown is None:
            return None
        kind, identifier = shown
        return self._scope(*located(self._api, identifier)) if kind is None else self.find(kind, identifier)

    def collection(self, id: str) -> Collection:
        """A collection with its texts. Raises NotFoundError or RestrictedError."""
        return shapes.collection_of(*self._object(ScopeKind.COLLECTION, id, [PARENT]))

    def count(self, scope: Scope, subset: Subset | None = None) -> int | None:
        """How many items the source says are in the scope, or in a subset of it: one search for a page of one.

        None where it refuses the query, and for a scope of one item, which is no scope of searches. A scope that this
        client has not met yet is looked up before. Waits as a walk does; raises NotFoundError or RestrictedError for
        the scope.
        """
        if scope.kind is ScopeKind.ITEM:
            return None
        self._check(scope)

        question, ask = question_of(subset), self._counting(scope, subset)
        try:
            return self._patience.retry_until_available(
                "page", lambda: self._optional.ask(question, ask) if question else ask()
            )
        except RequestRejectedError:
            return None

    def estimate(self, scope: Scope, sample: Sample, *, at_once: int) -> Estimate:
        """About what a first import of the scope will take, `at_once` requests at a time.

        At most eight requests: the scope, the first page of the walk and a few others, and two small files.
        """
        size = complete_plans(self._sizes).first.size
        total = sample.read(lambda: self._page_at(scope, 0)).total or 0
        for offset in spread(total, size):
            if not sample.is_long:
                sample.read(lambda offset=offset: self._page_at(scope, offset))
        sample.read_files(self.download)
        return sample.estimate(total, pages_of(total, size), at_once=at_once)

    def _page_at(self, scope: Scope, offset: int) -> Page:
        """Return one page of a first walk of the scope."""
        cursor = {"offset": offset} if offset else None
        return next(self.walk(scope, cursor=cursor, seen=lambda ids: set()), Page((), {}))

    def walk(
        self,
        scope: Scope,
        *,
        cursor: dict[str, Any] | None = None,
        light: bool = False,
        with_collection: bool = False,
        seen: Callable[[Group[str]], set[str]],
        hidden: Mapping[str, int] = MappingProxyType({}),
        subset: Subset | None = None,
        with_access: bool = False,
    ) -> Iterator[Page]:
        """Every item of the scope that can be found, from the beginning or after the page whose cursor is given.

        `light` items have no files yet. `seen(ids)` tells which are recorded already; those are not given again.
        `hidden` is not needed here: a count of DSpace 7 and later holds only what we may see. `subset`: only what is in
        it, counted by itself, and the same again for a cursor of such a walk; a scope of one item is read in any case.
        `with_access`: files tell whether we may read them, as far as the site tells that without further requests.
        Raises RequestRejectedError where the site refuses the subset's query.
        """
        if scope.kind is ScopeKind.ITEM:
            yield from self._single(scope, cursor, seen)
            return
        self._check(scope)
        self._require(scope, subset)
        is_slice = subset is not None and subset.part is not None
        plans = (light_plans if light else slice_plans if is_slice else complete_plans)(self._sizes)
        with_access = with_access and self._lists_access(scope)
        complete, private = partial(self._complete, with_access=with_access), self.searches_private
        reading = HalReading(
            self._api, self._patience, self._width, self._sizes, complete, self._lists_parts, private, with_access
        )
        walk = HalItemLister(
            reading, scope, plans, light=light, with_collection=with_collection, seen=seen, subset=subset
        )
        yield from walk.pages(cursor)

    def complete(self, items: Iterable[Item]) -> Iterator[Item | Failure]:
        """The same items with metadata and files, one request each for those that lack them."""
        return self._complete(items, self._width)

    def open_items(self, scope: Scope, ids: Group[str], *, with_files: bool = False) -> OpenItems:
        """Return those of these items that a search finds, whatever the scope, as it shows them.

        `with_files`: with their files, as far as these can be listed.

        Where the site refuses such a search, they are those in the list of the scope, without files.
        """
        found: dict[str, Any] = {}
        try:
            for search in visible_by_search(self._api, ids, with_files):
                found |= self._patience.retry_until_available("page", partial(self._optional.ask, Question.IDS, search))
        except UnansweredError:
            listed = self._items_in(scope)
            return {id: listed[id] for id in ids if id in listed}
        return found

    def item_state(self, item_id: str, scope: Scope, handle: str | None = None) -> SourceState:
        """Where an item is that a walk of the scope no longer showed (design rule 7).

        A number is of before the upgrade to 7, where only the handle is the same (rule 4).
        """
        try:
            if handle and not is_uuid(item_id):
                item_id = located(self._api, handle)[1]
            found, url = self._api.get(f"core/items/{item_id}", _HOMES)
        except NotFoundError:
            return SourceState.VANISHED
        except RestrictedError:
            return SourceState.HIDDEN
        required(found, "uuid", str, url)  # an answer of another shape says nothing of the item
        if (state := shapes.state_of(found, url)) is not SourceState.PRESENT:
            return state
        if scope.kind not in (ScopeKind.COLLECTION, ScopeKind.COMMUNITY):
            return SourceState.PRESENT
        return SourceState.PRESENT if self._is_within(found, url, scope) else SourceState.ELSEWHERE

    def ping(self) -> None:
        """Raises TransientError while the repository does not answer."""
        self._api.check()

    def download(self, bitstream_id: str, sink: Callable[[bytes], object], *, limit: int | None = None) -> Download:
        """Give the bytes of a file to `sink`, at most `limit`. Raises RestrictedError for an embargoed one."""
        return self._http.download(f"{self.server.api_url}/core/bitstreams/{bitstream_id}/content", sink, limit=limit)

    def is_open(self, bitstream_id: str) -> bool | None:
        """Return whether we may read a file, whose bytes are not read for that; None where that cannot be told."""
        return may_read(self._http, f"{self.server.api_url}/core/bitstreams/{bitstream_id}/content")

    def file_access(self, item_id: str, bitstream_ids: Group[str]) -> Mapping[str, FileAccess]:
        """Return of these files of an item whether we may read each, as far as that is told.

        9 and later tell it of all files of an item in one request, older ones by one a file.
        """
        if self.server.generation < TELLS_ACCESS:
            return access_one_by_one(self.is_open, bitstream_ids)
        ask, plain = partial(self._api.access, item_id), partial(self._api.check_files, item_id)
        try:
            found = self._optional.ask(Question.ACCESS, ask, plain)
        except (UnansweredError, TooLargeError):
            return access_one_by_one(self.is_open, bitstream_ids)
        except LASTING_ERRORS:  # of the item: where that stands is told elsewhere
            return {}
        told = {id: access for id, access in found.items() if id in bitstream_ids}
        return {**told, **access_one_by_one(self.is_open, [id for id in bitstream_ids if id not in told])}

    def _lists_access(self, scope: Scope) -> bool:
        """Return whether lists of items may tell who may read files: an optional question (see `optional_requests`)."""
        embeds = [*self._api.embedding_files(with_access=True), *self._api.embedding_access()]
        params = [*items_in(scope, with_private=self.searches_private), ("size", 1), ("page", 0), *embeds]
        try:
            self._optional.require(Question.ACCESS, lambda: self._api.search(params, tries=1))
        except UnansweredError:
            return False
        return True

    def available_from(self, bitstream_id: str) -> date | None:
        """The day on which the embargo of a file that was refused ends, or None where that is not told.

        9 and later tell it of each file. The access status of an item, on 7.3 and later, is of its first file only, and
        has no date before 9. One request, made once: whatever goes wrong, it is not told.
        """
        if self.server.generation < TELLS_ACCESS:
            return None
        try:
            return shapes.embargo_end_of(*self._api.get(f"core/bitstreams/{bitstream_id}/accessStatus", tries=1))
        except (RepositoryError, AddressNotAllowedError):
            return None

    # Single objects

    def _scope(self, kind: ScopeKind, id: str) -> Scope:
        found, url = self._object(kind, id)
        if kind is ScopeKind.ITEM and required(found, "withdrawn", bool, url):
            raise NotFoundError(f"The item {id} has been withdrawn from {self.server.site_url}.", url)
        handle, name = (label(found, key, url) for key in ("handle", "name"))
        return Scope(kind, required(found, "uuid", str, url), handle, name or "")

    def _object(self, kind: ScopeKind, id: str, params: Iterable[tuple[str, str]] = ()) -> tuple[shapes.Json, str]:
        """An object by its uuid. A malformed one is not asked for: that would be answered with 401, not 404."""
        try:
            if not is_uuid(id):
                raise NotFoundError("")
            return self._api.get(f"core/{_PATHS[kind]}/{id}", list(params))
        except NotFoundError as error:
            raise NotFoundError(f"There is no {kind} {id} at {self.server.site_url}.", error.url) from None
        except RestrictedError as error:
            raise RestrictedError(
                f"The {kind} {id} at {self.server.site_url} is not open to {error.reader}.", error.url
            ) from None

    def _check(self, scope: Scope) -> None:
        """Raises NotFoundError or RestrictedError: search takes a scope it does not know for the whole repository."""
        if scope.kind is ScopeKind.REPOSITORY or scope.id in self._checked:
            return
        self._patience.retry_until_available("page", lambda: self._object(scope.kind, scope.id))
        self._checked.add(scope.id)

    # Items

    def _single(
        self, scope: Scope, cursor: dict[str, Any] | None, seen: Callable[[Group[str]], set[str]]
    ) -> Iterator[Page]:
        if cursor is not None:
            return
        wanted = [] if seen([scope.id]) else [Item(scope.id, scope.handle, scope.name or None, None)]
        results = tuple(self.complete(wanted))
        items = tuple(result for result in results if isinstance(result, Item))
        yield Page(items, {"count": 1}, 1, tuple(result for result in results if isinstance(result, Failure)))

    def _complete(
        self, items: Iterable[Item], width: Callable[[], int], *, with_access: bool = False
    ) -> Iterator[Item | Failure]:
        completed = partial(self._completed, with_access=with_access)
        return read_items_individually(items, completed, self._patience, width, control=self._api.check)

    def _completed(self, item: Item, *, with_access: bool) -> Item | Failure:
        """Return an item with its metadata and files. Raises PartlyRead where the files may come at another time."""
        try:
            found = self._whole(item) if item.metadata is None else item
        except NotFoundError:
            return Failure(item.id, item.handle, item.name, "It is no longer there.", is_gone=True)
        except RestrictedError as error:
            return as_far_as_read(item, f"It is not open to {error.reader}.")
        except (RequestRejectedError, TooLargeError) as error:
            return as_far_as_read(item, str(error))
        try:
            return found if found.is_complete else self._with_files(found, with_access=with_access)
        except BotChallengeError:
            raise
        except TransientError as error:
            raise PartlyRead(found, error) from error

    def _state(self, id: str) -> SourceState:
        """Return where an item stands whose files are refused: it may have been withdrawn since it was listed."""
        try:
            return shapes.state_of(*self._api.get(f"core/items/{id}", kind="item"))
        except NotFoundError:
            return SourceState.VANISHED
        except RestrictedError:
            return SourceState.HIDDEN

    def _whole(self, item: Item) -> Item:
        """Return an item with its metadata, and with its files where these are embedded. Raises as `_completed`."""
        path, owner = f"core/items/{item.id}", ("embed", "owningCollection")
        try:
            found, url = self._api.get(path, [*self._api.embedding_files(), owner], kind="item", tries_at_500=1)
        except BotChallengeError:
            raise
        except TransientError as error:
            alone = self._api.get(path, [owner], kind="item", tries=1)
            raise PartlyRead(shapes.item_of(*alone, item.collection), error) from error
        read = shapes.item_of(found, url, item.collection)
        return replace(read, bitstreams=()) if _closes_files(read) else self._api.with_embedded_files(read, found, url)

    def _with_files(self, item: Item, *, with_access: bool) -> Item | Failure:
        """Return an item with its files, which are closed to all once it was withdrawn or replaced by a newer version.

        Where the files are refused, the item may have gone since it was listed: its own answer tells.
        """
        if _closes_files(item):
            return replace(item, bitstreams=())
        try:
            return self._api.with_files(item, with_access=with_access)
        except (NotFoundError, RestrictedError) as error:
            now = replace(item, state=self._state(item.id))
            if _closes_files(now):
                return replace(now, bitstreams=())
            if now.state is SourceState.VANISHED:
                return Failure(item.id, item.handle, item.name, "It is no longer there.", is_gone=True)
            if now.state is SourceState.HIDDEN and item.is_present and isinstance(error, RestrictedError):
                return Failure(item.id, item.handle, item.name, f"It is not open to {error.reader}.")
            return as_far_as_read(item, str(error))
        except (RequestRejectedError, TooLargeError) as error:
            return as_far_as_read(item, str(error))

    def _is_within(self, found: shapes.Json, url: str, scope: Scope) -> bool:
        """Is an item inside a scope? Where search does not find it there, its collections decide: an index loses items.

        A scope that is gone holds nothing.
        """
        try:
            self._check(scope)
        except NotFoundError:
            return False
        way = ListingOrder(None, f"search.resourceid:{found['uuid']}")
        params = [*items_in(scope, way=way, with_private=self.searches_private), ("size", 1)]
        with suppress(UnansweredError):
            if self._optional.ask(Question.IDS, lambda: self._api.search(params, tries=_TRIES)[0].total > 0):
                return True
        homes = shapes.collection_ids_of(found, url)
        if scope.kind is ScopeKind.COLLECTION:
            return scope.id in homes
        return any(scope.id in self._above(ScopeKind.COLLECTION, home) for home in homes)

    def _above(self, kind: ScopeKind, id: str) -> Iterator[str]:
        """Yield the ids of the communities above a collection or community, as far as they can be read."""
        while id:
            try:
                found, url = self._object(kind, id, [PARENT])
            except (NotFoundError, RestrictedError):
                return
            parent = shapes.embedded(found, "parentCommunity", url)
            kind, id = ScopeKind.COMMUNITY, "" if parent is None else required(parent, "uuid", str, url)
            if id:
                yield id

    # Questions that a site may not answer

    def _require(self, scope: Scope, subset: Subset | None) -> None:
        """Raises UnansweredError where the site refuses searches for such a subset."""
        if question := question_of(subset):
            ask = self._counting(scope, subset)
            self._patience.retry_until_available("page", lambda: self._optional.require(question, ask))

    def _counting(self, scope: Scope, subset: Subset | None) -> Callable[[], int]:
        """Return a request for how many items a search finds: for a page of one."""
        params = [*items_in(scope, subset, with_private=self.searches_private), ("size", 1)]
        return lambda: self._api.search(params, tries=_TRIES)[0].total

    def _lists_parts(self) -> bool:
        """Return whether the site answers searches for a part of the items."""
        try:
            self._require(Scope(ScopeKind.REPOSITORY), Subset(part=(0, 16)))
        except UnansweredError:
            return False
        return True

    def _items_in(self, scope: Scope) -> OpenItems:
        """Return all items that the list of a scope shows, by id. The list is read once."""
        if scope not in self._listed:
            try:
                pages = self.walk(scope, light=True, seen=lambda ids: set())
                self._listed[scope] = {item.id: item for page in pages for item in page.items}
            except (NotFoundError, RestrictedError):
                self._listed[scope] = {}
        return self._listed[scope]


def _closes_files(item: Item) -> bool:
    return item.state in _CLOSES_FILES
