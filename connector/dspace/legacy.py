"""The client for DSpace 4, 5 and 6. It uses their REST API, usually at `/rest`, with and without a login."""

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
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from . import legacy_records as records
from .estimates import Sample
from .file_access import access_one_by_one, may_read
from .item_reader import PartlyRead, read_items_individually
from .json_api import Answer
from .json_members import label, optional, required
from .legacy_api import EVERYTHING, LegacyApi
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
_MISSING = _l("There is nothing with the handle %(handle)s in this repository.")
_CLOSED_OR_MISSING = _l(
    "There is nothing with the handle %(handle)s in this repository, or it is not open to the public."
)
_CLOSED = _l("%(what)s is not open to %(reader)s.")
_CLOSED_OR_UNKNOWN = _l("%(what)s is unknown, or not open to %(reader)s.")
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


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
    unanswered: Group[str] = frozenset()  # these servers get no optional questions
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

    # -- communities and collections

    def communities(self) -> Iterator[Community]:
        """Return all visible communities, with parent and count."""
        return self._tree.communities()

    def collections(self) -> Iterator[Collection]:
        """Return all visible collections. `parent_id` is None if no visible community contains the collection."""
        return self._tree.collections()

    def collection(self, id: str) -> Collection:
        """Return a collection with its parent and its deposit licence."""
        row, url = self.api.get(f"collections/{id}", {"expand": "license,parentCommunity"})
        parent = optional(row, "parentCommunity", dict, url)
        return records.collection(row, url, records.identifier(parent, url) if parent else None)

    def parts(self, scope: Scope) -> list[Collection]:
        """Return the collections of a scope, each once."""
        if scope.kind == ScopeKind.COLLECTION:
            return [records.collection(*self.api.get(f"collections/{scope.id}"))]
        below = scope.kind == ScopeKind.COMMUNITY
        found = self._tree.collections_below(scope.id) if below else self._tree.flat_collections()
        return list({part.id: part for part in found}.values())

    def community_count(self, id: str) -> int | None:
        """Return the number of items that a community counts, including collections that are not visible."""
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
        """Return the scope of this kind with this id (uuid or number) or handle ("1/2", "hdl:1/2" or its URL).

        Raise NotFoundError or RestrictedError. DSpace 4 answers "not authorised" for unknown ids, so its error message
        mentions both reasons.
        """
        if kind == ScopeKind.REPOSITORY:
            return Scope(kind, "", None, self.server.name or urlsplit(self.server.site_url).netloc)
        handle = handle_in(identifier)
        scope = self._by_handle(handle) if handle else self._by_id(kind, identifier.strip())
        if scope.kind != kind:
            raise NotFoundError(
                _(
                    "%(handle)s is the handle of a %(kind)s, not of a %(wanted)s.",
                    handle=handle,
                    kind=scope.kind.noun,
                    wanted=kind.noun,
                ),
                self.api.url(""),
            )
        return scope

    def resolve(self, path: str) -> Scope | None:
        """Return the object shown by the page with this path, or None if the page shows no object. Raise as `find`."""
        found = object_of(path)
        if found is None:
            return None
        kind, identifier = found
        return self._by_handle(identifier) if kind is None else self.find(kind, identifier)

    def _by_id(self, kind: ScopeKind, id: str) -> Scope:
        # DSpace 6 answers 500 to a malformed id.
        if not (_NUMBER.fullmatch(id) or (self.api.can.uuids and is_uuid(id))):
            raise NotFoundError(
                _("There is no %(kind)s “%(id)s”: that is neither an id nor a handle.", kind=kind.noun, id=id),
                self.api.url(""),
            )
        try:
            return _scope(kind, self.api.get(f"{_PATHS[kind]}/{id}"))
        except NotFoundError as error:
            raise NotFoundError(
                _("There is no %(kind)s %(id)s in this repository.", kind=kind.noun, id=id), error.url
            ) from error
        except RestrictedError as error:
            raise RestrictedError(
                self._closed(_("The %(kind)s %(id)s", kind=kind.noun, id=id), error), error.url
            ) from error

    def _by_handle(self, handle: str) -> Scope:
        try:
            answer = self._answer_for(handle)
        except NotFoundError as error:
            sentence = _CLOSED_OR_MISSING if self.api.can.tells_unknown else _MISSING
            raise NotFoundError(sentence % {"handle": handle}, error.url) from error
        except RestrictedError as error:
            raise RestrictedError(
                self._closed(_("What has the handle %(handle)s", handle=handle), error), error.url
            ) from error
        name = required(answer.json, "type", str, answer.url).lower()
        if name not in _PATHS:
            raise NotFoundError(
                _("%(handle)s is the handle of a %(name)s, which cannot be imported.", handle=handle, name=name),
                answer.url,
            )
        return _scope(ScopeKind(name), answer)

    def _answer_for(self, handle: str) -> Answer:
        """Return the object with a handle.

        Raise NotFoundError if 5 or 6 answers 500, which means unknown or closed, and the server otherwise works.
        """
        path = f"handle/{quote(handle)}"
        if not self.api.can.tells_unknown:
            return self.api.get(path)
        try:
            return self.api.get(path, tries=2)
        except ServerError as error:
            self.api.control()
            raise NotFoundError(str(error), error.url) from error

    def _closed(self, what: str, error: RestrictedError) -> str:
        sentence = _CLOSED if self.api.can.tells_unknown else _CLOSED_OR_UNKNOWN
        return sentence % {"what": what, "reader": error.reader}

    # -- items

    def count(self, scope: Scope, subset: None = None) -> None:
        """Return None: these servers also count items that are not visible, so their counts prove nothing."""

    def estimate(self, scope: Scope, sample: Sample, *, at_once: int) -> Estimate:
        """Return an estimate of a first import of the scope with `at_once` requests in parallel."""
        return estimated(self, scope, sample, at_once)

    def some_parts(self, scope: Scope) -> tuple[list[Collection], int | None]:
        """Return collections of a scope (for a community, only some) and the item count of the scope, or None."""
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
        """Yield the visible items of the scope, each once, in pages of at most 100 (see `legacy_walk`).

        `light`: items may come without details if details would cost more. `subset`: one part of the items. These
        servers cannot select by time, and some items of a part may come twice (see `legacy_recheck`). `with_access` has
        no effect: these servers do not list files that the reader may not read.
        """
        if subset is not None and subset.part:
            return SliceWalk(self, scope, subset.part).pages(cursor)
        return LegacyItemLister(self, scope, light, with_collection, seen, hidden).pages(cursor)

    def complete(self, items: Iterable[Item]) -> Iterator[Item | Failure]:
        """Yield the items with metadata and bitstreams, one request for each item that lacks them."""
        for is_complete, group in groupby(items, key=lambda item: item.is_complete):
            if is_complete:
                yield from group
            else:
                yield from read_items_individually(
                    group, self._completed, self.patience, self.width, control=self.api.control
                )

    def item(self, id: str, *, with_collection: bool = False) -> Item:
        """Return an item with metadata, and with its collection if wanted.

        Its bitstreams are left out if they break the response.
        """
        (row, url), _error = self._row(id, ",parentCollection" if with_collection else "")
        owner = optional(row, "parentCollection", dict, url)
        return records.item_with_details(row, url, records.collection(owner, url) if owner else None)

    def open_items(self, scope: Scope, ids: Group[str], *, with_files: bool = False) -> OpenItems:
        """Return those of these items that the lists of the scope show, with files (see `PublicVisibility`)."""
        return self._openness.found(scope, ids)

    def homes(self, item_id: str) -> list[Scope]:
        """Return the visible collections that contain an item.

        Raise NotFoundError or RestrictedError if the item cannot be read.
        """
        kind = ScopeKind.COLLECTION
        row, url = self.patience.retry_until_available(
            "item", lambda: self.api.get(f"items/{item_id}", {"expand": _HOMES[kind]}, kind="item")
        )
        return [_scope(kind, Answer(home, url)) for home in records.children(row, _HOMES[kind], url)]

    def item_state(self, item_id: str, scope: Scope, handle: str | None = None) -> SourceState:
        """Return the state of an item that a walk of the scope did not show any more (design rule 7).

        401 and 403 mean HIDDEN: the item may be withdrawn, or on 4 unknown. An item that can be read and is still in
        the scope is private, except on 4, which lists private items. Another handle means another item: a rebuilt
        repository uses its numbers again (rule 4). 6 accepts the numbers of 4 and 5.
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
        """Raise TransientError if the repository does not answer."""
        self.api.control()

    def download(self, bitstream_id: str, sink: Callable[[bytes], object], *, limit: int | None = None) -> Download:
        """Pass the bytes of a file to `sink`, at most `limit` bytes.

        These servers send no length and cannot resume a download.
        """
        return self.api.http.download(self.api.url(f"bitstreams/{bitstream_id}/retrieve"), sink, limit=limit)

    def is_open(self, bitstream_id: str) -> bool | None:
        """Return whether the reader may read a file, or None if unknown. Does not read the file."""
        return may_read(self.api.http, self.api.url(f"bitstreams/{bitstream_id}/retrieve"))

    def file_access(self, item_id: str, bitstream_ids: Group[str]) -> Mapping[str, FileAccess]:
        """Return whether the reader may read each of these files, as far as known. Takes one request per file."""
        return access_one_by_one(self.is_open, bitstream_ids)

    def available_from(self, bitstream_id: str) -> None:
        """Return None: the policies with the end of an embargo are as closed as the file itself (6.3)."""

    def _completed(self, item: Item) -> Item | Failure:
        """Return an item with its metadata and files. Raise PartlyRead if the files may be readable later."""
        found = item
        try:
            if item.metadata is None:
                answer, error = self._row(item.id)
                found = records.item_with_details(*answer, item.collection)
                if error is not None:
                    raise PartlyRead(found, error)
            return found if found.is_complete else self._with_files(found)
        except RestrictedError as error:
            return as_far_as_read(
                found, _("It is not open to %(reader)s (restricted or withdrawn).", reader=error.reader)
            )
        except NotFoundError:
            return Failure(item.id, item.handle, item.name, _("It is no longer there."), is_gone=True)
        except (RequestRejectedError, TooLargeError) as error:
            return as_far_as_read(found, str(error))
        except (BotChallengeError, PartlyRead):
            raise
        except TransientError as error:
            raise PartlyRead(found, error) from error

    def _row(self, id: str, more: str = "") -> tuple[Answer, TransientError | None]:
        """Return the JSON of an item with metadata and files, and None.

        If that request fails, return the JSON without files, and the error of the request.
        """
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
