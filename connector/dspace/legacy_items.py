"""Reads single items of DSpace 4 to 6: their metadata and files, their collections and their state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from ..errors import (
    BotChallengeError,
    NotFoundError,
    RequestRejectedError,
    RestrictedError,
    TooLargeError,
    TransientError,
)
from ..http import OutageWait
from ..i18n import gettext as _
from . import legacy_records as records
from .item_reader import PartlyReadError, read_items_individually
from .json_api import JsonDocument
from .json_members import label, optional
from .legacy_api import EVERYTHING, LegacyApi
from .records import Failure, Item, Scope, ScopeKind, SourceState, as_far_as_read

_HOMES = {ScopeKind.COLLECTION: "parentCollectionList", ScopeKind.COMMUNITY: "parentCommunityList"}


class LegacyItems:
    """A reader for single items. Up to `width()` requests run in parallel."""

    def __init__(self, api: LegacyApi, outage: OutageWait, width: Callable[[], int]):
        self._api, self._outage, self._width = api, outage, width

    def complete(self, items: Iterable[Item]) -> Iterator[Item | Failure]:
        """Yield the items with metadata and bitstreams, one request for each item that lacks them."""
        for is_complete, group in groupby(items, key=lambda item: item.is_complete):
            if is_complete:
                yield from group
            else:
                yield from read_items_individually(
                    group, self._completed, self._outage, self._width, control=self._api.control
                )

    def item(self, id: str, *, with_collection: bool = False) -> Item:
        """Return an item with metadata, and with its collection if wanted.

        Its bitstreams are left out if they break the response.
        """
        (row, url), _error = self._row(id, ",parentCollection" if with_collection else "")
        owner = optional(row, "parentCollection", dict, url)
        return records.item_with_details(row, url, records.collection(owner, url) if owner else None)

    def homes(self, item_id: str) -> list[Scope]:
        """Return the visible collections that contain an item.

        Raise NotFoundError or RestrictedError if the item cannot be read.
        """
        kind = ScopeKind.COLLECTION
        row, url = self._outage.retry_until_available(
            "item", lambda: self._api.get(f"items/{item_id}", {"expand": _HOMES[kind]}, kind="item")
        )
        return [records.scope_of(kind, home, url) for home in records.children(row, _HOMES[kind], url)]

    def state(self, item_id: str, scope: Scope, handle: str | None = None) -> SourceState:
        """Return the state of an item that a walk of the scope did not show any more (design rule 7).

        401 and 403 mean HIDDEN: the item may be withdrawn, or on 4 unknown. An item that can be read and is still in
        the scope is private, except on 4, which lists private items. Another handle means another item: a rebuilt
        repository uses its numbers again (rule 4). 6 accepts the numbers of 4 and 5. An id from an import over OAI-PMH
        is a handle. 5 and 6 give the same answer for an unknown and a closed handle.
        """
        try:
            if "/" in item_id:
                item_id = records.identifier(*self._api.by_handle(item_id))
        except (NotFoundError, RestrictedError):
            return SourceState.NOT_PUBLIC
        try:
            row, url = self._api.get(f"items/{item_id}", {"expand": ",".join(_HOMES.values())}, kind="item")
        except NotFoundError:
            return SourceState.DELETED
        except RestrictedError:
            return SourceState.NOT_PUBLIC
        if handle is not None and label(row, "handle", url) not in (None, handle):
            return SourceState.DELETED
        if not (found := records.item(row, url)).is_present:
            return found.state
        if scope.kind in _HOMES:
            homes = records.children(row, _HOMES[scope.kind], url)
            if scope.id not in [records.identifier(home, url) for home in homes]:
                return SourceState.MOVED
        return SourceState.PRESENT if self._api.can.lists_private else SourceState.NOT_PUBLIC

    def _completed(self, item: Item) -> Item | Failure:
        """Return an item with its metadata and files. Raise PartlyReadError if the files may be readable later."""
        found = item
        try:
            if item.metadata is None:
                answer, error = self._row(item.id)
                found = records.item_with_details(*answer, item.collection)
                if error is not None:
                    raise PartlyReadError(found, error)
            return found if found.is_complete else self._with_files(found)
        except RestrictedError as error:
            return as_far_as_read(found, error, f"{error.reason} {_('It may be restricted or withdrawn.')}")
        except NotFoundError:
            return Failure(item.id, item.handle, item.name, _("It is no longer there."), is_gone=True)
        except (RequestRejectedError, TooLargeError) as error:
            return as_far_as_read(found, error)
        except (BotChallengeError, PartlyReadError):
            raise
        except TransientError as error:
            raise PartlyReadError(found, error) from error

    def _row(self, id: str, more: str = "") -> tuple[JsonDocument, TransientError | None]:
        """Return the JSON of an item with metadata and files, and None.

        If that request fails, return the JSON without files, and the error of the request.
        """
        try:
            return self._api.get(f"items/{id}", {"expand": f"{EVERYTHING}{more}"}, kind="item", tries_at_500=1), None
        except BotChallengeError:
            raise
        except TransientError as error:
            return self._api.get(f"items/{id}", {"expand": f"metadata{more}"}, kind="item", tries=1), error

    def _with_files(self, item: Item) -> Item:
        answer = self._api.get(f"items/{item.id}", {"expand": "bitstreams"}, kind="item", tries_at_500=1)
        return replace(item, bitstreams=records.files(*answer))
