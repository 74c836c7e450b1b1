"""The client for DSpace 4, 5 and 6: their REST API, usually at `/rest`, as far as a signed-out reader needs it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Collection as Group
from dataclasses import replace
from itertools import groupby
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit

from ..errors import (
    BotChallengeError,
    NotFoundError,
    RequestRejectedError,
    RestrictedError,
    ServerError,
    TooLargeError,
    TransientError,
)
from ..http import Download, HttpClient, OutageWait
from . import legacy_records as records
from .estimates import Sample
from .file_access import access_one_by_one, may_read
from .item_reader import PartlyRead, read_items_individually
from .json_members import label, optional, required
from .legacy_api import EVERYTHING, Answer, LegacyApi
from .legacy_estimate import estimated
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
    as_far_as_read,
)
from .urls import handle_in, is_uuid, object_of
from .visibility import OpenItems, PublicVisibility

_PATHS = {ScopeKind.COLLECTION: "collections", ScopeKind.COMMUNITY: "communities", ScopeKind.ITEM: "items"}
_HOMES = {ScopeKind.COLLECTION: "parentCollectionList", ScopeKind.COMMUNITY: "parentCommunityList"}
_COMMUNITIES_ASKED = 3
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


class LegacyClient:
    """Reads a DSpace 4, 5 or 6. Every method raises the RepositoryErrors of `connector.errors`.

    `limit`: the most results asked for at once, but for the id list, which loses nothing only in one piece; `width()`:
    how many requests may run in parallel now. Only the walk and `complete` wait for a repository that is down.
    `can_select`: these servers list whole collections only, without any query, so no walk is of what changed.
    `searches_private`: lists show administrators private items without being asked for these. `lists_all_items`: the
    list of the entire repository shows readable items of closed collections (not on 4). `lists_closed_files`: items do
    not list files that we may not read. `tells_unknown`: False on 4, which refuses an
    unknown id as one that is not open.
    """

    can_select = False
    unanswered: Group[str] = frozenset()  # no question to these servers is an optional one
    lists_closed_files = False
    searches_private = False

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
        self.server, self.patience, self.width = server, patience, width
        self.api = LegacyApi(http, server, limit)
        self._tree = LegacyTree(self.api, width, patience.stop)
        self._openness = PublicVisibility(self)

    # -- what there is

    def communities(self) -> Iterator[Community]:
        """All communities that can be seen, with parent and count."""
        return self._tree.communities()

    def collections(self) -> Iterator[Collection]:
        """All collections that can be seen; parent_id None where no visible community shows them."""
        return self._tree.collections()

    def collection(self, id: str) -> Collection:
        """One collection with its parent and its deposit licence."""
        row, url = self.api.get(f"collections/{id}", {"expand": "license,parentCommunity"})
        parent = optional(row, "parentCommunity", dict, url)
        return records.collection(row, url, records.identifier(parent, url) if parent else None)

    def parts(self, scope: Scope) -> list[Collection]:
        """The collections that a scope is made of, each once."""
        if scope.kind == ScopeKind.COLLECTION:
            return [records.collection(*self.api.get(f"collections/{scope.id}"))]
        below = scope.kind == ScopeKind.COMMUNITY
        found = self._tree.collections_below(scope.id) if below else self._tree.flat_collections()
        return list({part.id: part for part in found}.values())

    def community_count(self, id: str) -> int | None:
        """How many items a community counts, those of collections that we may not see included."""
        return records.community(*self.api.get(f"communities/{id}", kind="community")).item_count

    # -- one object

    @property
    def lists_all_items(self) -> bool:
        return self.api.can.all_items

    @property
    def tells_unknown(self) -> bool:
        """Return whether the answer for an unknown id differs from that for a closed object."""
        return self.api.can.tells_unknown

    def find(self, kind: ScopeKind, identifier: str) -> Scope:
        """The scope of this kind with this id (uuid or number) or handle ("1/2", "hdl:1/2" or its URL).

        Raises NotFoundError or RestrictedError. DSpace 4 calls unknown ids not authorised: the sentence leaves it open
        there.
        """
        if kind == ScopeKind.REPOSITORY:
            return Scope(kind, "", None, self.server.name or urlsplit(self.server.site_url).netloc)
        handle = handle_in(identifier)
        scope = self._by_handle(handle) if handle else self._by_id(kind, identifier.strip())
        if scope.kind != kind:
            raise NotFoundError(f"{handle} is the handle of a {scope.kind}, not of a {kind}.", self.api.url(""))
        return scope

    def resolve(self, path: str) -> Scope | None:
        """The object that the page with this path shows, None if it is no page of an object. Raises as `find`."""
        found = object_of(path)
        if found is None:
            return None
        kind, identifier = found
        return self._by_handle(identifier) if kind is None else self.find(kind, identifier)

    def _by_id(self, kind: ScopeKind, id: str) -> Scope:
        # A malformed id would be a 500 on 6.
        if not (_NUMBER.fullmatch(id) or (self.api.can.uuids and is_uuid(id))):
            raise NotFoundError(f"There is no {kind} “{id}”: that is neither an id nor a handle.", self.api.url(""))
        try:
            return _scope(kind, self.api.get(f"{_PATHS[kind]}/{id}"))
        except NotFoundError as error:
            raise NotFoundError(f"There is no {kind} {id} in this repository.", error.url) from error
        except RestrictedError as error:
            raise RestrictedError(self._closed(f"The {kind} {id}", error), error.url) from error

    def _by_handle(self, handle: str) -> Scope:
        try:
            answer = self._answer_for(handle)
        except NotFoundError as error:
            closed = ", or it is not open to the public" if self.api.can.tells_unknown else ""
            raise NotFoundError(
                f"There is nothing with the handle {handle} in this repository{closed}.", error.url
            ) from error
        except RestrictedError as error:
            raise RestrictedError(self._closed(f"What has the handle {handle}", error), error.url) from error
        name = required(answer.json, "type", str, answer.url).lower()
        if name not in _PATHS:
            raise NotFoundError(f"{handle} is the handle of a {name}, which cannot be imported.", answer.url)
        return _scope(ScopeKind(name), answer)

    def _answer_for(self, handle: str) -> Answer:
        """The object with a handle. On 5 and 6 a 500 is NotFoundError (unknown or closed) if the server is well
        else."""
        path = f"handle/{quote(handle)}"
        if not self.api.can.tells_unknown:
            return self.api.get(path)
        try:
            return self.api.get(path, tries=2)
        except ServerError as error:
            self.api.control()
            raise NotFoundError(str(error), error.url) from error

    def _closed(self, what: str, error: RestrictedError) -> str:
        unknown = "" if self.api.can.tells_unknown else "unknown, or "
        return f"{what} is {unknown}not open to {error.reader}."

    # -- items

    def count(self, scope: Scope, subset: None = None) -> None:
        """None: these servers count what we may not see, too, so their counts prove nothing."""

    def estimate(self, scope: Scope, sample: Sample, *, at_once: int) -> Estimate:
        """About what a first import of the scope will take, `at_once` requests at a time (see `legacy_estimate`)."""
        return estimated(self, scope, sample, at_once)

    def some_parts(self, scope: Scope) -> tuple[list[Collection], int | None]:
        """Collections that a scope is made of, and how many items the scope counts; of a community not all of them."""
        if scope.kind is ScopeKind.COMMUNITY:
            found = {part.id: part for part in self._tree.some_collections_below(scope.id, _COMMUNITIES_ASKED)}
            return list(found.values()), self.community_count(scope.id)
        parts = self.parts(scope)
        counts = [part.item_count for part in parts]
        return parts, None if None in counts else sum(count or 0 for count in counts)

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
        """Every item of the scope that can be found, each once, in pages of at most 100 (see `legacy_walk`).

        `light`: items may come without details, where details would cost more. `subset`: a part of the items, as these
        servers cannot select by time; some of them may come twice (see `legacy_recheck`). `with_access` is not needed:
        files that we may not read are not listed.
        """
        if subset is not None and subset.part:
            return SliceWalk(self, scope, subset.part).pages(cursor)
        return LegacyItemLister(self, scope, light, with_collection, seen, hidden).pages(cursor)

    def complete(self, items: Iterable[Item]) -> Iterator[Item | Failure]:
        """Give light items their metadata and bitstreams, one request each; complete ones pass as they are."""
        for is_complete, group in groupby(items, key=lambda item: item.is_complete):
            if is_complete:
                yield from group
            else:
                yield from read_items_individually(
                    group, self._completed, self.patience, self.width, control=self.api.control
                )

    def item(self, id: str, *, with_collection: bool = False) -> Item:
        """One item with metadata, with its bitstreams unless these break its answer, and its collection if wanted."""
        (row, url), _ = self._row(id, ",parentCollection" if with_collection else "")
        owner = optional(row, "parentCollection", dict, url)
        return records.item_with_details(row, url, records.collection(owner, url) if owner else None)

    def open_items(self, scope: Scope, ids: Group[str], *, with_files: bool = False) -> OpenItems:
        """Return those of these items that the lists of the scope show us, in any case with files (see
        `PublicVisibility`)."""
        return self._openness.found(scope, ids)

    def homes(self, item_id: str) -> list[Scope]:
        """The collections that an item is in and that we may see. Raises NotFoundError or RestrictedError for the
        item."""
        kind = ScopeKind.COLLECTION
        row, url = self.patience.retry_until_available(
            "item", lambda: self.api.get(f"items/{item_id}", {"expand": _HOMES[kind]}, kind="item")
        )
        return [_scope(kind, Answer(home, url)) for home in records.children(row, _HOMES[kind], url)]

    def item_state(self, item_id: str, scope: Scope, handle: str | None = None) -> SourceState:
        """Where an item is that a walk of the scope did not show any more (design rule 7).

        401 and 403 are HIDDEN: on 4 to 6 that may be a withdrawn item, and on 4 an unknown one. What can be read and is
        still inside the scope is private, except on 4, which lists those. An item with another handle is another item:
        a repository that was built anew uses its numbers again (rule 4). 6 knows the numbers of 4 and 5.
        """
        try:
            row, url = self.api.get(f"items/{item_id}", {"expand": ",".join(_HOMES.values())}, kind="item")
        except NotFoundError:
            return SourceState.VANISHED
        except RestrictedError:
            return SourceState.HIDDEN
        if handle is not None and label(row, "handle", url) not in (None, handle):
            return SourceState.VANISHED
        if not (found := records.item(row, url)).is_present:
            return found.state
        if scope.kind in _HOMES:
            homes = records.children(row, _HOMES[scope.kind], url)
            if scope.id not in [records.identifier(home, url) for home in homes]:
                return SourceState.ELSEWHERE
        return SourceState.PRESENT if self.api.can.lists_private else SourceState.HIDDEN

    def ping(self) -> None:
        """Raises TransientError while the repository does not answer."""
        self.api.control()

    def download(self, bitstream_id: str, sink: Callable[[bytes], object], *, limit: int | None = None) -> Download:
        """Give the bytes of a file to `sink`, at most `limit`. These servers tell no length and resume nothing."""
        return self.api.http.download(self.api.url(f"bitstreams/{bitstream_id}/retrieve"), sink, limit=limit)

    def is_open(self, bitstream_id: str) -> bool | None:
        """Return whether we may read a file, whose bytes are not read for that; None where that cannot be told."""
        return may_read(self.api.http, self.api.url(f"bitstreams/{bitstream_id}/retrieve"))

    def file_access(self, item_id: str, bitstream_ids: Group[str]) -> Mapping[str, FileAccess]:
        """Return of these files of an item whether we may read each, as far as that is told. One request a file."""
        return access_one_by_one(self.is_open, bitstream_ids)

    def available_from(self, bitstream_id: str) -> None:
        """None: who may not read a file may not read its policies either, which name the end of an embargo (6.3)."""

    def _completed(self, item: Item) -> Item | Failure:
        """Return an item with its metadata and files. Raises PartlyRead where the files may come at another time."""
        found = item
        try:
            if item.metadata is None:
                answer, error = self._row(item.id)
                found = records.item_with_details(*answer, item.collection)
                if error is not None:
                    raise PartlyRead(found, error)
            return found if found.is_complete else self._with_files(found)
        except RestrictedError as error:
            return as_far_as_read(found, f"It is not open to {error.reader} (restricted or withdrawn).")
        except NotFoundError:
            return Failure(item.id, item.handle, item.name, "It is no longer there.", is_gone=True)
        except (RequestRejectedError, TooLargeError) as error:
            return as_far_as_read(found, str(error))
        except (BotChallengeError, PartlyRead):
            raise
        except TransientError as error:
            raise PartlyRead(found, error) from error

    def _row(self, id: str, more: str = "") -> tuple[Answer, TransientError | None]:
        """Return the JSON of an item with everything; or without files, and the error with which everything failed."""
        try:
            return self.api.get(f"items/{id}", {"expand": f"{EVERYTHING}{more}"}, kind="item", tries_at_500=1), None
        except BotChallengeError:
            raise
        except TransientError as error:
            return self.api.get(f"items/{id}", {"expand": f"metadata{more}"}, kind="item", tries=1), error

    def _with_files(self, item: Item) -> Item:
        answer = self.api.get(f"items/{item.id}", {"expand": "bitstreams"}, kind="item", tries_at_500=1)
        return replace(item, bitstreams=records.files(*answer))


def _scope(kind: ScopeKind, answer: Answer) -> Scope:
    row, url = answer
    handle, name = label(row, "handle", url), label(row, "name", url)
    return Scope(kind, records.identifier(row, url), handle, name or "")
