"""Makes items of OAI-PMH records, and reads single ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ..errors import (
    BotChallengeError,
    NotFoundError,
    RequestRejectedError,
    RestrictedError,
    TooLargeError,
    TransientError,
)
from ..http import OutageWait
from ..i18n import gettext as _, lazy_gettext as _l
from .item_reader import read_items_individually
from .oai_api import OaiApi
from .oai_escaping import Escaping
from .oai_xml import Header, Record
from .records import Failure, Item, MetadataValue, Scope, ScopeKind, SourceState, as_far_as_read

NO_FILES = _l("OAI-PMH of this repository gives no records in the format xoai, and other formats do not list files.")
_EVERYTHING = Scope(ScopeKind.REPOSITORY)


class OaiItems:
    """The items of one repository. `escaping`: what its values prove so far (design rule 21).

    `is_raw`: values stay as they stand in the XML, whatever they prove.
    """

    def __init__(self, api: OaiApi, outage: OutageWait, width: Callable[[], int], *, is_raw: bool = False):
        self._api, self._outage, self._width, self._is_raw = api, outage, width, is_raw
        self.escaping = Escaping()
        self._before_handle: str | None = None

    def learn(self, records: Sequence[Record]) -> None:
        """Learn from the records of one answer what their identifiers and values have in common."""
        self._note_identifier([record.header for record in records])
        if not self._is_raw:
            self.escaping.note(value for record in records for value in record.metadata)

    def begin(self) -> None:
        """Learn from the first records of the repository, unless some were read already."""
        if self._before_handle is not None:
            return
        try:
            self.learn(self._api.records(_EVERYTHING, tries_at_500=1).rows)
        except BotChallengeError:
            raise
        except (TransientError, TooLargeError):  # one of these records may be at fault, so their values prove nothing
            self._note_identifier(self._api.headers(_EVERYTHING).rows)

    def item_of(self, record: Record) -> Item:
        """Return an item with metadata and files. A deleted record is a private or withdrawn item without them."""
        id = record.header.id
        if record.header.is_deleted:
            return Item(id, id, None, None, (), (), state=SourceState.NOT_PUBLIC)
        metadata = record.metadata if self._is_raw else self.escaping.plain(record.metadata)
        files_error = str(NO_FILES) if record.bitstreams is None else None
        title = _title(metadata)
        return Item(id, id, title, record.last_modified, metadata, record.bitstreams, files_error=files_error)

    def record(self, handle: str) -> Record:
        """Return the record with this handle. Raise NotFoundError if there is none."""
        self.begin()
        return self._api.record(f"{self._before_handle or 'oai::'}{handle}", tries_at_500=1)

    def complete(self, items: Iterable[Item]) -> Iterator[Item | Failure]:
        """Yield the items with metadata and files, one request for each item that lacks them."""
        return read_items_individually(items, self._completed, self._outage, self._width, self.control)

    def control(self) -> None:
        """Raise TransientError if the repository does not answer a basic request."""
        self._api.identify(tries=1)

    def _completed(self, item: Item) -> Item | Failure:
        if item.is_complete:
            return item
        try:
            return self.item_of(self.record(item.id))
        except NotFoundError:
            return Failure(item.id, item.handle, item.name, _("It is no longer there."), is_gone=True)
        except (RequestRejectedError, RestrictedError, TooLargeError) as error:
            return as_far_as_read(item, error)

    def _note_identifier(self, headers: Sequence[Header]) -> None:
        """Learn what stands before the handle in the identifiers of this repository: `oai:HOST:`."""
        if headers and self._before_handle is None:
            self._before_handle = headers[0].identifier.removesuffix(headers[0].id)


def _title(metadata: Iterable[MetadataValue]) -> str | None:
    return next((value.value for value in metadata if value.field == "dc.title"), None)
