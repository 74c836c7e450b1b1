"""Immutable records for the content of a DSpace repository. The clients return nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from ..errors import ConnectorError
from ..ranges import Range


class ScopeKind(StrEnum):
    """The kinds of scopes that can be imported."""

    COLLECTION = "collection"
    COMMUNITY = "community"
    REPOSITORY = "repository"
    ITEM = "item"


class SourceState(StrEnum):
    """The state of an item at its source (design rule 7). MOVED belongs to a holding, not to the item.

    The values stay as they are, because databases and exports contain them.
    """

    PRESENT = "present"
    MOVED = "elsewhere"
    WITHDRAWN = "withdrawn"
    NOT_PUBLIC = "hidden"
    SUPERSEDED = "superseded"
    DELETED = "vanished"


@dataclass(frozen=True, slots=True)
class Server:
    """A DSpace that answered, with its REST API or, if that is closed, over OAI-PMH.

    `site_url`: the address that people open, without trailing slash. `api_url`: the base of the API, without trailing
    slash. `generation`: 4 to 10. `version`: the version that the server reports ("9.3"), or "4.x" or "5.x" if it
    reports none. `ui_url`: the address of the user interface that the server reports, or on 4 to 6 that the typed URL
    shows, else None.

    `speaks_oai`: it is read over OAI-PMH, and `api_url` is the base URL of that. The ids of objects are handles then.
    `generation` is 7 for DSpace 7 and later, and 6 for earlier versions, and `version` is "".

    `oai_url`: the base URL of OAI-PMH beside the REST API, if it is known. `uses_oai`: whether walks may use that.
    """

    site_url: str
    api_url: str
    generation: int
    version: str
    name: str | None = None
    ui_url: str | None = None
    speaks_oai: bool = False
    oai_url: str | None = None
    uses_oai: bool = True


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of an import: a collection, a community with all below it, an item, or the whole repository (id "")."""

    kind: ScopeKind
    id: str = ""
    handle: str | None = None
    name: str = ""


MOST_PARTS = 365
MOST_IDS = 50  # this many uuids make an address of 3 KB, and web servers accept 8 KB


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The times from `since` to before `until`, both aware and in whole seconds. None: without limit."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subset:
    """A subset of a scope. DSpace 7 to 10 can select it (`can_select`), while 4 to 6 can only read a `part`.

    `indexed_since` (aware): items that the source has indexed since then, for any reason: metadata, files, policies,
    mapping. `part` (number, of): one of `of` parts of about the same size, counted from 0. Every item is in exactly one
    part (see `uuid_partitions`). `ids`: the items with these uuids, at most MOST_IDS. `handles`: the items with these
    handles. `unchanged`: the items with these handles that changed last in this second. `modified`: the items whose
    `lastModified` lies in this range. Several: the intersection. Raise ValueError for a time without a time zone, or
    for a part that does not exist.
    """

    indexed_since: datetime | None = None
    part: tuple[int, int] | None = None
    ids: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    unchanged: tuple[tuple[str, datetime], ...] = ()
    modified: TimeRange | None = None

    def __post_init__(self) -> None:
        if self.indexed_since is not None and self.indexed_since.tzinfo is None:
            raise ValueError("indexed_since needs a time zone")
        number, of = self.part or (0, 1)
        if not 0 <= number < of <= MOST_PARTS:
            raise ValueError(f"there is no part {number} of {of}")


class MetadataValue(Struct, frozen=True, gc=False):
    """One value of one field, as the source returned it. `field` is `schema.element[.qualifier]`.

    DSpace 5 and 6 distinguish `language` None and "", so both are kept. `value` may be None there. An item has many
    values and files, and a Struct is made in a tenth of the time of a frozen dataclass.
    """

    field: str
    value: str | None
    language: str | None = None
    authority: str | None = None
    confidence: int | None = None


ORIGINAL = "ORIGINAL"  # the bundle of deposited files


@dataclass(frozen=True, slots=True)
class FileAccess:
    """The access to a file. `is_open`: it may be read now. `embargo_ends_on`: None unless the source gives it.

    `opens_by_login`: the file is closed to the public, but a login is known to open it.
    """

    is_open: bool
    embargo_ends_on: date | None = None
    opens_by_login: bool = False


class Bitstream(Struct, frozen=True, gc=False):
    """A file at the source. `size` is in bytes. `checksum` is lower-case hexadecimal, usually MD5.

    `access`: whether the reader may read the file now, if a walk with access found it.
    """

    id: str
    bundle: str
    name: str | None
    description: str | None = None
    media_type: str | None = None
    size: int | None = None
    checksum: str | None = None
    checksum_algorithm: str | None = None
    sequence: int | None = None
    access: FileAccess | None = None


@dataclass(frozen=True, slots=True)
class Community:
    """A community. `item_count` is None if the API gives none. `description` is HTML from the source, or ""."""

    id: str
    handle: str | None
    name: str
    parent_id: str | None = None
    item_count: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection, with the fields of Community.

    `rights` is the copyright text. `license` is the deposit licence if the API shows it.
    """

    id: str
    handle: str | None
    name: str
    parent_id: str | None = None
    item_count: int | None = None
    description: str = ""
    abstract: str = ""
    rights: str = ""
    license: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """An item. `metadata` and `bitstreams` are None if a light list did not contain them.

    `last_modified` is opaque text: 4 to 6 give local time without an offset. `collection` is set if the walk knows it.
    `state` is the state that the source reports: an item that is read by its id, or with a login, may be withdrawn.
    `first_access` is the access to its first ORIGINAL file, if the source gives no more. `files_error`: why its files
    could not be listed. In that case `bitstreams` is None, and the item is as complete as possible.
    """

    id: str
    handle: str | None
    name: str | None
    last_modified: str | None
    metadata: tuple[MetadataValue, ...] | None = None
    bitstreams: tuple[Bitstream, ...] | None = None
    collection: Collection | None = None
    state: SourceState = SourceState.PRESENT
    first_access: FileAccess | None = None
    files_error: str | None = None

    @property
    def is_present(self) -> bool:
        """Return whether the source shows the item to everybody who may read it."""
        return self.state is SourceState.PRESENT

    @property
    def is_complete(self) -> bool:
        """Return whether no request for the item is left."""
        return self.metadata is not None and (self.bitstreams is not None or self.files_error is not None)


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be read although the repository answers. `id` is None if it is unknown, too.

    `technical_details`: lines about the error behind the reason. `is_gone`: the repository answers that there is no
    such item.
    """

    id: str | None
    handle: str | None
    name: str | None
    reason: str
    technical_details: tuple[str, ...] = ()
    is_gone: bool = False


def ids_in(*results: Iterable[Item | Failure]) -> list[str]:
    """Return the known ids of items and failures."""
    return [each.id for group in results for each in group if each.id]


def names_of(items: Iterable[Item]) -> set[str]:
    """Return the ids and the handles of items. An item that was read over OAI-PMH has only a handle."""
    return {name for item in items for name in (item.id, item.handle) if name}


def separated(results: Iterable[Item | Failure]) -> tuple[tuple[Item, ...], tuple[Failure, ...]]:
    """Return the items and the failures among the results."""
    rows = tuple(results)
    failures = tuple(result for result in rows if isinstance(result, Failure))
    return tuple(result for result in rows if isinstance(result, Item)), failures


def as_far_as_read(item: Item, error: ConnectorError, reason: str = "") -> Item | Failure:
    """Return an item that was only partly read: with its metadata if these were read, otherwise as a Failure."""
    if item.metadata is None:
        return Failure(item.id, item.handle, item.name, reason or error.in_short, error.technical_details)
    return replace(item, files_error=str(error))


@dataclass(frozen=True, slots=True)
class Page:
    """A step of a walk, with at most 100 items.

    `cursor`: plain JSON. A walk that starts with it continues after this page. `total`: the source's own count for the
    scope if known, each item once. `not_visible`: for each collection id whose count could be explained, the number of
    its items that are not visible (legacy counts include them, design rule 13). For a community: the number of items in
    its collections that are not visible. `unlisted`: for each collection with an empty list, the number of items it
    counts. `overcounted`: for each other collection that counts far more items than it lists, the difference. It is
    also in `not_visible`. `again`: items of earlier pages that were found in another collection (mapped items, only in
    walks with collections).
    """

    items: tuple[Item, ...]
    cursor: dict[str, Any]
    total: int | None = None
    failures: tuple[Failure, ...] = ()
    not_visible: Mapping[str, int] = field(default_factory=dict)
    again: tuple[Item, ...] = ()
    unlisted: Mapping[str, int] = field(default_factory=dict)
    overcounted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate of the work to read a scope. None means that the source does not give the number.

    `requests`: the requests of the walk, and one for each of `files`. `files` and `bytes` count the files of the wanted
    bundles, extrapolated from the items of a sample. `seconds`: the total time.
    """

    items: int | None
    requests: int | None
    files: int | None = None
    bytes: Range | None = None
    seconds: Range | None = None
