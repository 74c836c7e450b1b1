"""The types of an item as JSON, which exports write and the API returns. They are also the source of its schema.

`restricted`: visible only with a login at the source. Other metadata and values have no such member.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta


class MetadataRecord(TypedDict):
    """A metadata value as the source has it."""

    field: Annotated[str, Meta(description="The field at the source, such as dc.contributor.author.")]
    value: str | None
    language: str | None
    authority: str | None
    confidence: int | None
    restricted: NotRequired[Literal[True]]


class ValueRecord(TypedDict, total=False):
    """A value of a property: a text (`value`, `language`) or a link (`uri`, `label`)."""

    value: str
    language: str | None
    uri: str
    label: str | None
    restricted: Literal[True]


class RelationRecord(TypedDict):
    """An item of the catalogue that the metadata of another item names by its id at the source."""

    field: Annotated[str, Meta(description="The field at the source, such as relation.isAuthorOfPublication.")]
    id: int
    link: Annotated[str, Meta(description="The permanent address of the related item at its source.")]
    title: str | None


class FileRecord(TypedDict):
    """A file of an item."""

    name: str | None
    description: str | None
    bundle: str
    sequence: int | None
    size: Annotated[int | None, Meta(description="The size in bytes that the source gives.")]
    media_type: str | None
    checksum: Annotated[str | None, Meta(description="The checksum that the source gives.")]
    sha256: Annotated[str | None, Meta(description="The SHA-256 of the stored content, null if none is stored.")]
    fate: Annotated[str, Meta(description="The status of the file.")]
    reason: Annotated[str | None, Meta(description="Why the file is not stored.")]
    restricted: bool
    outdated: Annotated[bool, Meta(description="Whether the stored content is an earlier version.")]
    path: Annotated[str | None, Meta(description="The place of the stored content in the folder of files.")]


class ItemRecord(TypedDict):
    """An item of the catalogue."""

    id: int
    repository: Annotated[str, Meta(description="The address of the repository.")]
    source_id: str
    handle: str | None
    link: Annotated[str, Meta(description="The permanent address of the item at its source.")]
    handle_link: str | None
    page_link: str
    title: str | None
    source_state: Annotated[str, Meta(description="The state of the item at its source.")]
    restricted: bool
    last_modified: Annotated[str | None, Meta(description="The time of the last change that the source gives.")]
    metadata: list[MetadataRecord]
    values: Annotated[dict[str, list[ValueRecord]], Meta(description="The values by property, such as dcterms:title.")]
    relations: Annotated[list[RelationRecord], Meta(description="The items of the catalogue that the metadata names.")]
    files: list[FileRecord]
    item_sets: Annotated[
        list[str], Meta(description="The names of its item sets, with handle and number if several sets share a name.")
    ]
    jobs: Annotated[list[int], Meta(description="The jobs that added or updated the item, oldest first.")]
