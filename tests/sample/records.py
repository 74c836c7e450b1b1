"""The records of the sample repository, for all versions of DSpace."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

signed_in: ContextVar[bool] = ContextVar("signed_in", default=False)
"""Whether who asks now is signed in, to whom nothing is closed."""


class Value(NamedTuple):
    """One metadata value. `language` None and "" differ on DSpace 5 and 6; `value` may be None there."""

    field: str
    value: str | None
    language: str | None = None
    authority: str | None = None
    confidence: int = -1
    place: int = 0


HIDDEN = frozenset({"dc.description.provenance", "person.email"})
"""Fields that only who is signed in gets, as `metadata.hide.*` of a DSpace has them by default."""

Given = str | None | tuple[str | None, str | None]
"""A value as callers give it: text alone, or text and language."""


@dataclass(eq=False)
class Community:
    """`parent` None is a top community. `introduction` and `sidebar` may hold HTML."""

    uuid: str
    number: int
    handle: str
    name: str
    parent: Community | None = None
    introduction: str = ""
    abstract: str = ""
    copyright: str = ""
    sidebar: str = ""
    logo: Bitstream | None = None
    kind = "community"
    readable = is_readable = is_open = True


@dataclass(eq=False)
class Collection:
    """`readable` False: a signed-out person may not see it, though items in it may be readable."""

    uuid: str
    number: int
    handle: str
    name: str
    parent: Community
    introduction: str = ""
    abstract: str = ""
    copyright: str = ""
    sidebar: str = ""
    license: str | None = None
    logo: Bitstream | None = None
    readable: bool = True
    kind = "collection"

    @property
    def is_readable(self) -> bool:
        """Return whether this reader may see it."""
        return self.readable or signed_in.get()

    is_open = is_readable


@dataclass(eq=False)
class Bitstream:
    """A file. `readable` False: embargoed, for good or until the day `embargo`.

    `checksum` is hexadecimal MD5, or None where the server never knew it. `has_size`: whether its size is announced.
    """

    uuid: str
    number: int
    name: str | None
    content: bytes | memoryview
    mimetype: str
    description: str | None = None
    sequence: int = -1
    readable: bool = True
    embargo: date | None = None
    checksum: str | None = None
    has_size: bool = True
    bundle: Bundle | None = None
    kind = "bitstream"

    @property
    def item(self) -> Item | None:
        """Return the item of the file, or None for a logo."""
        return self.bundle.item if self.bundle else None

    @property
    def is_readable(self) -> bool:
        """Return whether this reader may see it."""
        return self.readable or signed_in.get()

    @property
    def is_open(self) -> bool:
        """Return whether this reader may read the bytes."""
        return self.is_readable and (self.item is None or self.item.is_open)


@dataclass(eq=False)
class Bundle:
    """`readable` False: DSpace 7 and later hide it from lists and still count it."""

    uuid: str
    name: str
    item: Item
    bitstreams: list[Bitstream] = field(default_factory=list)
    readable: bool = True

    @property
    def is_readable(self) -> bool:
        """Return whether this reader may see it."""
        return self.readable or signed_in.get()


@dataclass(eq=False)
class Item:
    """`indexed` is a running number: the place in the search index, which moves to its end at each change.

    `opens_withdrawn`: anybody may still read it by its id, and in the lists of DSpace 5 and 6, after it was withdrawn.
    """

    uuid: str
    number: int
    handle: str
    collection: Collection
    last_modified: datetime
    indexed_at: datetime
    metadata: list[Value] = field(default_factory=list)
    mapped: list[Collection] = field(default_factory=list)
    bundles: list[Bundle] = field(default_factory=list)
    withdrawn: bool = False
    discoverable: bool = True
    readable: bool = True
    opens_withdrawn: bool = False
    in_archive: bool = True
    indexed: int = 0
    is_lost_from_index: bool = False
    hidden_fields: frozenset[str] = HIDDEN
    cache: dict[object, bytes] = field(default_factory=dict, repr=False)
    kind = "item"

    @property
    def name(self) -> str | None:
        return self.first("dc.title")

    @property
    def is_readable(self) -> bool:
        """Return whether this reader may see it."""
        return self.readable or signed_in.get()

    @property
    def is_open(self) -> bool:
        """Return whether this reader may read it by its id."""
        return self.is_readable and (not self.withdrawn or self.opens_withdrawn or signed_in.get())

    @property
    def values_shown(self) -> list[Value]:
        """Return the values that this reader gets."""
        if signed_in.get():
            return self.metadata
        return [value for value in self.metadata if value.field not in self.hidden_fields]

    @property
    def is_found(self) -> bool:
        """Return whether search finds it for this reader."""
        return self.is_open and self.in_archive and self.discoverable and not self.is_lost_from_index

    @property
    def is_administered(self) -> bool:
        """Return whether the search of administrators finds it: private and withdrawn items, too."""
        return (self.in_archive or self.withdrawn) and not self.is_lost_from_index

    @property
    def collections(self) -> list[Collection]:
        return [self.collection, *self.mapped]

    @property
    def bitstreams(self) -> list[Bitstream]:
        return [bitstream for bundle in self.bundles for bitstream in bundle.bitstreams]

    def first(self, name: str) -> str | None:
        return next((value.value for value in self.metadata if value.field == name), None)


Thing = Community | Collection | Item
