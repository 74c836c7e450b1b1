"""Reads single items of DSpace 7 to 10 with their metadata and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial

from ..errors import (
    AddressNotAllowedError,
    BotChallengeError,
    NotFoundError,
    RepositoryError,
    RequestRejectedError,
    RestrictedError,
    TooLargeError,
    TransientError,
)
from ..http import OutageWait
from ..i18n import gettext as _
from . import hal_records as shapes
from .hal_api import FILE_ACCESS_GENERATION, HalApi
from .hal_handles import locate
from .item_reader import PartlyReadError, read_items_individually
from .records import Failure, Item, SourceState, as_far_as_read
from .urls import is_uuid

_CLOSES_FILES = (SourceState.WITHDRAWN, SourceState.SUPERSEDED)


class HalItems:
    """A reader for single items."""

    def __init__(self, api: HalApi, outage: OutageWait):
        self._api, self._outage = api, outage

    def complete(
        self, items: Iterable[Item], width: Callable[[], int], *, with_access: bool = False
    ) -> Iterator[Item | Failure]:
        """Yield the items with metadata and files, one request for each item that lacks them."""
        completed = partial(self._completed, with_access=with_access)
        return read_items_individually(items, completed, self._outage, width, control=self._api.check)

    def _completed(self, item: Item, *, with_access: bool) -> Item | Failure:
        """Return an item with its metadata and files. Raise PartlyReadError if the files may be readable later."""
        try:
            found = self._whole(item) if item.metadata is None else item
        except NotFoundError:
            return Failure(item.id, item.handle, item.name, _("It is no longer there."), is_gone=True)
        except RestrictedError as error:
            return as_far_as_read(item, error, error.reason)
        except (RequestRejectedError, TooLargeError) as error:
            return as_far_as_read(item, error)
        try:
            return found if found.is_complete else self._with_files(found, with_access=with_access)
        except BotChallengeError:
            raise
        except TransientError as error:
            raise PartlyReadError(found, error) from error

    def _state(self, id: str) -> SourceState:
        """Return the state of an item whose files are refused: it may have been withdrawn since the listing."""
        try:
            return shapes.state_of(*self._api.get(f"core/items/{id}", kind="item"))
        except NotFoundError:
            return SourceState.DELETED
        except RestrictedError:
            return SourceState.NOT_PUBLIC

    def _whole(self, item: Item) -> Item:
        """Return an item with its metadata, and with its files if they are embedded. Raise as `_completed`.

        An id from before the upgrade to 7, or of OAI-PMH, is no uuid.
        """
        id = item.id if is_uuid(item.id) or item.handle is None else locate(self._api, item.handle)[1]
        path, owner = f"core/items/{id}", ("embed", "owningCollection")
        try:
            found, url = self._api.get(path, [*self._api.embedding_files(), owner], kind="item", tries_at_500=1)
        except BotChallengeError:
            raise
        except TransientError as error:
            alone = self._api.get(path, [owner], kind="item", tries=1)
            raise PartlyReadError(shapes.item_of(*alone, item.collection), error) from error
        read = shapes.item_of(found, url, item.collection)
        return replace(read, bitstreams=()) if _closes_files(read) else self._api.with_embedded_files(read, found, url)

    def _with_files(self, item: Item, *, with_access: bool) -> Item | Failure:
        """Return an item with its files. A withdrawn or superseded item gets no files, as these are closed to all.

        If the files are refused, a new request for the item shows whether its state has changed since the listing.
        """
        if _closes_files(item):
            return replace(item, bitstreams=())
        try:
            return self._api.with_files(item, with_access=with_access)
        except (NotFoundError, RestrictedError) as error:
            now = replace(item, state=self._state(item.id))
            if _closes_files(now):
                return replace(now, bitstreams=())
            if now.state is SourceState.DELETED:
                return Failure(item.id, item.handle, item.name, _("It is no longer there."), is_gone=True)
            if now.state is SourceState.NOT_PUBLIC and item.is_present and isinstance(error, RestrictedError):
                return Failure(item.id, item.handle, item.name, error.reason, error.technical_details)
            return as_far_as_read(item, error)
        except (RequestRejectedError, TooLargeError) as error:
            return as_far_as_read(item, error)

    def available_from(self, bitstream_id: str) -> date | None:
        """Return the day on which the embargo of a refused file ends, or None if unknown.

        9 and later give it for each file. From 7.3 on, the access status of an item describes its first file only, and
        has no date before 9. Takes one request without retries. Every error means unknown.
        """
        if self._api.server.generation < FILE_ACCESS_GENERATION:
            return None
        try:
            return shapes.embargo_end_of(*self._api.get(f"core/bitstreams/{bitstream_id}/accessStatus", tries=1))
        except (RepositoryError, AddressNotAllowedError):
            return None


def _closes_files(item: Item) -> bool:
    return item.state in _CLOSES_FILES
