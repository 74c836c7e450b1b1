"""What a DSpace repository holds, as plain frozen records: the only form in which it travels beyond the clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from ..ranges import Range


class ScopeKind(StrEnum):
    """What can be imported at once."""

    COLLECTION = "collection"
    COMMUNITY = "community"
    REPOSITORY = "repository"
    ITEM = "item"


class SourceState(StrEnum):
    """Where an item stands at its source (design rule 7). ELSEWHERE is a fact of a holding, not of the item."""

    PRESENT = "present"
    ELSEWHERE = "elsewhere"
    WITHDRAWN = "withdrawn"
    HIDDEN = "hidden"
    SUPERSEDED = "superseded"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Server:
    """A DSpace REST API that answered.

    `site_url` is what people open, without trailing slash; `api_url` the base of the API, without trailing slash;
    `generation` 4 to 10; `version` as the server says it ("9.3"), or "4.x" or "5.x" where it does not say;
    `ui_url` is the address of its own pages where it names one, or on 4 to 6 the URL typed does, else None.
    """

    site_url: str
    api_url: str
    generation: int
    version: str
    name: str | None = None
    ui_url: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What is imported: one collection, one community with all below it, one item, or the whole repository (id "")."""

    kind: ScopeKind
    id: str = ""
    handle: str | None = None
    name: str = ""


MOST_PARTS = 365


@dataclass(frozen=True, slots=True)
class Subset:
    """What of a scope is read: of DSpace 7 to 10 only, which alone can select (`can_select`).

    `indexed_since` (aware): what the source has indexed anew since then, for whatever reason: metadata, files,
    policies, mapping. `part` (number, of): one of `of` parts of about the same size, counted from 0; every item is in
    exactly one (see `uuid_partitions`). Both: what is in both. Raises ValueError for a time without zone, or no such
    part.
    """

    indexed_since: datetime | None = None
    part: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.indexed_since is not None and self.indexed_since.tzinfo is None:
            raise ValueError("indexed_since needs a time zone")
        number, of = self.part or (0, 1)
        if not 0 <= number < of <= MOST_PARTS:
            raise ValueError(f"there is no part {number} of {of}")


@dataclass(frozen=True, slots=True)
class MetadataValue:
    """One value of one field, as the source gave it. `field` is `schema.element[.qualifier]`.

    `language` None and "" differ on DSpace 5 and 6, and are kept apart. `value` may be None there.
    """

    field: str
    value: str | None
    language: str | None = None
    authority: str | None = None
    confidence: int | None = None


ORIGINAL = "ORIGINAL"  # the bundle of the files that people deposit


@dataclass(frozen=True, slots=True)
class FileAccess:
    """Whether a file may be read now. `until`: the day on which its embargo ends, where the source gives it.

    `opens_by_login`: a login may read it though it is closed to the public, as far as that was asked.
    """

    is_open: bool
    until: date | None = None
    opens_by_login: bool = False


@dataclass(frozen=True, slots=True)
class Bitstream:
    """A file at the source. `size` in bytes; `checksum` in lower-case hexadecimal, MD5 as a rule.

    `access`: whether the reader may have it now, where a walk with access tells it.
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
    """`item_count` is None where the API does not tell. `description` is HTML as the source gave it, or ""."""

    id: str
    handle: str | None
    name: str
    parent_id: str | None = None
    item_count: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """As Community; `rights` is the copyright text, `license` the deposit licence where the API shows it."""

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
    """An item. `metadata` and `bitstreams` are None where a light listing did not bring them.

    `last_modified` is opaque text: 4 to 6 give local time without offset. `collection` is set where the walk knows it.
    `state` is what the source says of it: an item that is read by its id, or with a login, may be withdrawn.
    `first_access` is that of its first ORIGINAL file, where the source tells no more.
    `files_error`: why its files could not be listed; `bitstreams` is None then, and the item is as complete as can be.
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
        """Return whether it stands in the source for everybody who may read it."""
        return self.state is SourceState.PRESENT

    @property
    def is_complete(self) -> bool:
        """Return whether nothing of it is left to ask for."""
        return self.metadata is not None and (self.bitstreams is not None or self.files_error is not None)


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be read although the repository answers otherwise; `id` is None if that is unknown too.

    `is_gone`: the repository answers that there is no such item.
    """

    id: str | None
    handle: str | None
    name: str | None
    reason: str
    is_gone: bool = False


def as_far_as_read(item: Item, reason: str) -> Item | Failure:
    """Return an item the rest of which cannot be read: with its metadata if these were read, else as a Failure."""
    if item.metadata is None:
        return Failure(item.id, item.handle, item.name, reason)
    return replace(item, files_error=reason)


@dataclass(frozen=True, slots=True)
class Page:
    """A step of a walk, of at most 100 items.

    `cursor`: plain JSON; a walk started with it goes on after this page. `total`: the source's own count for the scope
    as far as known, each item once. `hidden`: for each collection id whose count could be explained, how many of its
    items we may not see (legacy counts include them; design rule 13). For a community: how many are in collections
    below it that we may not see. `unlisted`: for each collection whose list is empty, how many items it counts.
    `overcounted`: for each other collection that counts far more items than it lists, how many more; also in `hidden`.
    `again`: items given before that were met in one more collection (mapped ones; only where collections are asked
    for).
    """

    items: tuple[Item, ...]
    cursor: dict[str, Any]
    total: int | None = None
    failures: tuple[Failure, ...] = ()
    hidden: Mapping[str, int] = field(default_factory=dict)
    again: tuple[Item, ...] = ()
    unlisted: Mapping[str, int] = field(default_factory=dict)
    overcounted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """About what reading a scope will take, told before it is read; None is what the source does not tell.

    `requests`: those of the walk, and one more for each of `files`. `files` and their `bytes` are those of the bundles
    asked for: as many an item as the items of a sample have. `seconds`: how long all that takes.
    """

    items: int | None
    requests: int | None
    files: int | None = None
    bytes: Range | None = None
    seconds: Range | None = None
