"""The client for DSpace 7 to 10 (`/server/api`). All names of its JSON stay in the hal_* modules.

The client uses only the path of addresses in responses: behind proxies, scheme and host are often wrong (design rule
14).
"""

from __future__ import annotations

from collections.abc import Callable, Collection as Group, Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any

from ..errors import LASTING_ERRORS, NotFoundError, RestrictedError, TooLargeError
from ..http import Download, HttpClient, OutageWait
from . import hal_records as shapes
from .estimates import Sample, pages_of, spread
from .file_access import access_one_by_one, may_read
from .hal_api import FILE_ACCESS_GENERATION, HalApi
from .hal_finder import HalFinder
from .hal_handles import locate
from .hal_items import HalItems
from .hal_query import LARGEST_LIST
from .hal_questions import HalQuestions
from .hal_search_pages import HalSearchPages
from .hal_tree import PARENT, HalTree
from .hal_walk import HalItemLister, HalReading
from .json_members import required
from .oai_beside_rest import OaiBesideRest
from .oai_beside_rest_walk import LEAST_ITEMS, OaiBesideRestWalk, RestReading, pages_with_oai
from .optional_requests import Question, UnansweredError
from .page_plans import PagePlan, PagePlans, complete_plans, light_plans, plans_for_ids, sizes_within, slice_plans
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
    separated,
)
from .urls import is_uuid
from .uuid_partitions import EVERY_UUID, prefixes
from .visibility import OpenItems, visible_by_search

_HOMES = (("embed", "owningCollection"), ("embed", "mappedCollections"))


class HalClient:
    """A client for DSpace 7 to 10. Methods raise the errors of `connector.errors`.

    `limit`: the maximum number of items or collections per request. It does not apply to the files of an item.
    `width()`: the number of requests that may run in parallel now. `largest_list`: larger scopes are read in parts.
    `least_items_for_oai`: smaller scopes are never read over OAI-PMH. `oai_beside_rest`: what is known of it.

    `can_select`: walks and counts accept a subset. `lists_all_items`: the list of the entire repository contains
    readable items of closed collections. `lists_closed_files`: items also list files that the reader may not read.
    `tells_unknown`: the answers for unknown and closed ids differ.
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
        outage: OutageWait,
        width: Callable[[], int],
        unanswered: Group[str] = (),
        largest_list: int = LARGEST_LIST,
        least_items_for_oai: int = LEAST_ITEMS,
    ):
        self.server, self._largest_list, self._least_items_for_oai = server, largest_list, least_items_for_oai
        self._http, self._outage, self._width = http, outage, width
        self._api = HalApi(http, server)
        self._finder, self._items = HalFinder(self._api), HalItems(self._api, outage)
        self._sizes = sizes_within(limit)
        self._tree = HalTree(self._api, self._sizes[0])
        self._questions = HalQuestions(self._api, outage, self._finder, unanswered)
        self.oai_beside_rest = OaiBesideRest(http, server, self._questions.optional)
        self._listed: dict[Scope, OpenItems] = {}

    @property
    def unanswered(self) -> frozenset[str]:
        """Return the optional questions that this repository does not answer (see `optional_requests`)."""
        return self._questions.optional.unanswered

    @property
    def searches_private(self) -> bool:
        """Return whether searches include private items: with a login, unless the site refuses such a search."""
        return self._questions.searches_private

    def count(self, scope: Scope, subset: Subset | None = None) -> int | None:
        """Return how many items the source counts in the scope, or in a subset of it (see `HalQuestions.count`)."""
        return self._questions.count(scope, subset)

    def communities(self) -> Iterator[Community]:
        """Return all communities, in no particular order."""
        return self._tree.communities()

    def collections(self) -> Iterator[Collection]:
        """Return all collections, in no particular order."""
        return self._tree.collections()

    def find(self, kind: ScopeKind, identifier: str) -> Scope:
        """Return the object of this kind with this uuid or handle. Raise NotFoundError or RestrictedError."""
        return self._finder.find(kind, identifier)

    def resolve(self, path: str) -> Scope | None:
        """Return the object that a page of the site shows, or None if it shows none. Raise as `find`."""
        return self._finder.resolve(path)

    def collection(self, id: str) -> Collection:
        """Return a collection with its texts. Raise NotFoundError or RestrictedError."""
        return shapes.collection_of(*self._finder.get(Scope(ScopeKind.COLLECTION, id), [PARENT]))

    def estimate(self, scope: Scope, sample: Sample, *, at_once: int) -> Estimate:
        """Return an estimate of a first import of the scope with `at_once` parallel requests.

        Takes at most eight requests: the scope, the first page of the walk, a few other pages, and two small files.
        """
        plan = PagePlan(min(10, self._sizes[0]), embeds=True)
        total = sample.read(lambda: self._page_at(scope, 0, plan)).total or 0
        for offset in spread(total, plan.size):
            if not sample.is_long:
                sample.read(partial(self._page_at, scope, offset, plan))
        sample.read_files(self.download)
        return sample.estimate(total, pages_of(total, plan.size), at_once=at_once)

    def _page_at(self, scope: Scope, offset: int, plan: PagePlan) -> Page:
        """Return one page of a first walk of the scope."""
        cursor = {"offset": offset, "plan": plan.name}
        return next(self.walk(scope, cursor=cursor, seen=lambda ids: set()), Page((), {}))

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
        """Yield the visible items of the scope in pages, from the beginning or after the page of the cursor.

        `light`: items have no files yet. `seen(ids)` returns the ids that are recorded already; the walk skips those
        items. `not_visible` has no effect here: DSpace 7 and later count only visible items. `subset`: the walk yields
        and counts only this subset. A cursor needs the subset of its walk. For a single item the subset is ignored.
        `with_access`: files say whether the reader may read them, if the site says so without further requests.
        `may_use_oai`: the caller reads to the end, so the walk may use OAI-PMH beside REST. Items then have their
        handles as ids as long as no list over REST has given these. An item that comes twice replaces its first
        version.

        Raise RequestRejectedError if the site refuses the query of the subset.
        """
        if scope.kind is ScopeKind.ITEM:
            yield from self._single(scope, cursor, seen)
            return
        self._questions.check(scope)
        if may_use_oai and not (light or subset or with_access):
            over_rest = partial(self._over_rest, scope, with_collection=with_collection, seen=seen)
            new_walk = partial(self._walk_over_oai, scope, with_collection=with_collection, seen=seen)
            yield from pages_with_oai(cursor, over_rest, new_walk, self.oai_beside_rest, self._least_items_for_oai)
            return
        yield from self._over_rest(
            scope,
            cursor,
            light=light,
            with_collection=with_collection,
            seen=seen,
            subset=subset,
            with_access=with_access,
        )

    def _over_rest(
        self,
        scope: Scope,
        cursor: dict[str, Any] | None = None,
        *,
        light: bool = False,
        with_collection: bool,
        seen: Callable[[Group[str]], set[str]],
        subset: Subset | None = None,
        with_access: bool = False,
    ) -> Iterator[Page]:
        """Yield the pages of a walk that sends requests to the REST API only (see `walk`)."""
        self._questions.require(scope, subset)
        part = subset.part if subset else None
        plans = self._plans(light, subset or Subset())
        with_access = with_access and self._questions.lists_access(scope)
        reading = HalReading(
            self._api,
            self._outage,
            self._width,
            self._sizes,
            partial(self._items.complete, with_access=with_access),
            self._largest_list,
            self._questions.lists_parts,
            partial(self._questions.count, scope, subset),
        )
        private = self._questions.searches_private
        search = HalSearchPages(
            self._api, scope, subset, with_collection=with_collection, with_private=private, with_access=with_access
        )
        within = prefixes(*part) if part else EVERY_UUID
        walk = HalItemLister(reading, search, plans, light=light, seen=seen, within=within)
        yield from walk.pages(cursor)

    def _walk_over_oai(
        self, scope: Scope, *, with_collection: bool, seen: Callable[[Group[str]], set[str]]
    ) -> OaiBesideRestWalk | None:
        """Return the walk over OAI-PMH, or None if the repository is read over REST alone."""
        is_known = scope.kind is ScopeKind.REPOSITORY or scope.handle is not None
        if not is_known or (api := self.oai_beside_rest.api()) is None:
            return None

        def read(subset: Subset) -> Iterator[Page]:
            return self._over_rest(scope, with_collection=with_collection, seen=lambda ids: set(), subset=subset)

        rest = RestReading(partial(self._questions.count, scope), read, self.collections)
        return OaiBesideRestWalk(api, self._outage, self._width, scope, rest, seen, with_collection=with_collection)

    def _plans(self, light: bool, subset: Subset) -> PagePlans:
        if subset.ids or subset.handles:
            return plans_for_ids(self._sizes, light=light)
        return (light_plans if light else slice_plans if subset.part else complete_plans)(self._sizes)

    def complete(self, items: Iterable[Item]) -> Iterator[Item | Failure]:
        """Yield the items with metadata and files, one request for each item that lacks them."""
        return self._items.complete(items, self._width)

    def open_items(self, scope: Scope, ids: Group[str], *, with_files: bool = False) -> OpenItems:
        """Return those of these items that a search finds, in any scope.

        `with_files`: include their files if these can be listed. If the site refuses such a search, return those that
        the list of the scope shows, without files.
        """
        found: dict[str, Any] = {}
        try:
            for search in visible_by_search(self._api, ids, with_files):
                found |= self._outage.retry_until_available(
                    "page", partial(self._questions.optional.ask, Question.IDS, search)
                )
        except UnansweredError:
            listed = self._items_in(scope)
            return {id: listed[id] for id in ids if id in listed}
        return found

    def item_state(self, item_id: str, scope: Scope, handle: str | None = None) -> SourceState:
        """Return the state of an item that a walk of the scope did not show any more (design rule 7).

        A numeric id is from before the upgrade to 7, which kept only the handle (rule 4).
        """
        try:
            if handle and not is_uuid(item_id):
                item_id = locate(self._api, handle)[1]
            found, url = self._api.get(f"core/items/{item_id}", _HOMES)
        except NotFoundError:
            return SourceState.DELETED
        except RestrictedError:
            return SourceState.NOT_PUBLIC
        required(found, "uuid", str, url)  # a response of another shape says nothing about the item
        if (state := shapes.state_of(found, url)) is not SourceState.PRESENT:
            return state
        if scope.kind not in (ScopeKind.COLLECTION, ScopeKind.COMMUNITY):
            return SourceState.PRESENT
        return SourceState.PRESENT if self._questions.is_within(found, url, scope) else SourceState.MOVED

    def ping(self) -> None:
        """Raise TransientError if the repository does not answer."""
        self._api.check()

    def download(self, bitstream_id: str, sink: Callable[[bytes], object], *, limit: int | None = None) -> Download:
        """Pass the bytes of a file to `sink`, at most `limit` bytes. Raise RestrictedError if it is under embargo."""
        return self._http.download(f"{self.server.api_url}/core/bitstreams/{bitstream_id}/content", sink, limit=limit)

    def is_open(self, bitstream_id: str) -> bool | None:
        """Return whether the reader may read a file, or None if unknown. Does not read the file.

        A numeric id from before the upgrade to 7 is not requested, as the server would answer 401 instead of 404.
        """
        if not is_uuid(bitstream_id):
            return None
        return may_read(self._http, f"{self.server.api_url}/core/bitstreams/{bitstream_id}/content")

    def available_from(self, bitstream_id: str) -> date | None:
        """Return the day on which the embargo of a refused file ends, or None if unknown."""
        return self._items.available_from(bitstream_id)

    def file_access(self, item_id: str, bitstream_ids: Group[str]) -> Mapping[str, FileAccess]:
        """Return whether the reader may read each of these files of an item, as far as known.

        9 and later answer this for all files of an item in one request. Older versions need one request per file.
        """
        if self.server.generation < FILE_ACCESS_GENERATION or not is_uuid(item_id):
            return access_one_by_one(self.is_open, bitstream_ids)
        ask, plain = partial(self._api.access, item_id), partial(self._api.check_files, item_id)
        try:
            found = self._questions.optional.ask(Question.ACCESS, ask, plain)
        except (UnansweredError, TooLargeError):
            return access_one_by_one(self.is_open, bitstream_ids)
        except LASTING_ERRORS:  # the item itself fails; `item_state` reports its state
            return {}
        listed = {id: access for id, access in found.items() if id in bitstream_ids}
        return {**listed, **access_one_by_one(self.is_open, [id for id in bitstream_ids if id not in listed])}

    def _single(
        self, scope: Scope, cursor: dict[str, Any] | None, seen: Callable[[Group[str]], set[str]]
    ) -> Iterator[Page]:
        if "count" in (cursor or {}):
            return
        wanted = [] if seen([scope.id]) else [Item(scope.id, scope.handle, scope.name or None, None)]
        items, failures = separated(self.complete(wanted))
        yield Page(items, {"count": 1}, 1, failures)

    def _items_in(self, scope: Scope) -> OpenItems:
        """Return the items that the list of a scope shows, by id. The list is read only once."""
        if scope not in self._listed:
            try:
                pages = self.walk(scope, light=True, seen=lambda ids: set())
                self._listed[scope] = {item.id: item for page in pages for item in page.items}
            except (NotFoundError, RestrictedError):
                self._listed[scope] = {}
        return self._listed[scope]
