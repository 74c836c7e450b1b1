"""Titles, labels and texts of items and files for pages, and the file types that browsers may display."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os.path import splitext
from typing import Any

from ..dspace.records import SourceState
from ..i18n import gettext as _, lazy_gettext as _l
from ..models.catalogue import CatalogueFile, CatalogueItem, FileStatus
from . import restricted_values
from .crosswalk import LABELS
from .relation_rows import is_item_id
from .source_links import file_link

FILE_STATUSES = {
    FileStatus.NOT_DOWNLOADED: _l("not downloaded"),
    FileStatus.STORED: _l("stored"),
    FileStatus.UNVERIFIED: _l("stored unverified"),
    FileStatus.DIFFERS: _l("stored with another checksum"),
    FileStatus.RESTRICTED: _l("no access"),
    FileStatus.MISSING: _l("missing"),
    FileStatus.TOO_LARGE: _l("too large"),
    FileStatus.DAMAGED: _l("damaged"),
    FileStatus.FAILED: _l("download failed"),
    FileStatus.INFECTED: _l("infected"),
}
# When a file that was not downloaded is tried again automatically (see `imports.files.due_files`).
NEXT_TRIES = {
    FileStatus.RESTRICTED: _l(
        "Tried again when the item changes or in a full check. “Retry failed” tries it at any time."
    ),
    FileStatus.MISSING: _l(
        "Tried again when the item changes or in a full check. “Retry failed” tries it at any time."
    ),
    FileStatus.TOO_LARGE: _l("Downloaded after the limit was raised."),
    FileStatus.DAMAGED: _l("Tried again by the next import with files."),
    FileStatus.FAILED: _l("Tried again by the next import with files."),
    FileStatus.INFECTED: _l("Tried again when the item changes. “Retry failed” tries it at any time."),
}
STATES = {
    SourceState.PRESENT: _l("At the source"),
    SourceState.WITHDRAWN: _l("Withdrawn at the source"),
    SourceState.NOT_PUBLIC: _l("No longer public at the source"),
    SourceState.SUPERSEDED: _l("Replaced at the source by a newer version"),
    SourceState.DELETED: _l("No longer at the source"),
}
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
# Types that browsers display without running scripts. All others are sent as attachments.
SHOWN = (*PICTURES, "application/pdf", "text/plain")
# Types that browsers play, if they know the codec.
MEDIA_TAGS = {
    "audio": ("aac", "flac", "mp4", "mpeg", "ogg", "wav", "webm", "x-flac", "x-m4a", "x-wav"),
    "video": ("mp4", "ogg", "quicktime", "webm"),
}
_VIEWERS = dict.fromkeys(PICTURES, "picture") | {
    f"{tag}/{kind}": tag for tag, kinds in MEDIA_TAGS.items() for kind in kinds
}
UNKNOWN = "application/octet-stream"
# Most file systems allow 255 bytes. A header may hold a name twice, with three characters for each byte.
MAX_NAME_BYTES, MAX_EXTENSION_BYTES = 240, 20  # in UTF-8

_MEDIA_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff/\\]")
# What people look for first. The other terms follow in the order of their vocabularies, and then the dates of handling.
_FIRST = (
    *("dcterms:title", "dcterms:alternative", "dcterms:creator", "bibo:editor", "dcterms:contributor"),
    *("dcterms:issued", "dcterms:created", "dcterms:publisher", "dcterms:type", "dcterms:language"),
    *("dcterms:abstract", "dcterms:description", "dcterms:subject", "dcterms:spatial", "dcterms:temporal"),
    *("dcterms:isPartOf", "bibo:volume", "bibo:issue", "bibo:number", "bibo:edition", "bibo:chapter"),
    *("bibo:pages", "bibo:pageStart", "bibo:pageEnd", "bibo:doi", "bibo:isbn", "bibo:issn"),
)
_LAST = ("dcterms:date", "dcterms:dateSubmitted", "dcterms:available", "dcterms:modified", "dcterms:provenance")
_ORDER = {
    term: place
    for place, term in enumerate((*_FIRST, *(term for term in LABELS if term not in (*_FIRST, *_LAST)), *_LAST))
}
Values = Sequence[tuple[str, list[dict[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Texts:
    """The title, metadata and mapped values of an item that a reader may see."""

    title: str | None
    metadata: list[dict[str, Any]]
    values: dict[str, list[dict[str, Any]]]


def texts_of(item: CatalogueItem, with_restricted: bool) -> Texts:
    """Return the texts of an item, with or without restricted values."""
    if with_restricted:
        return Texts(item.title, item.source_metadata, item.mapped_values)
    metadata, values = (
        restricted_values.open_only(item.source_metadata),
        restricted_values.open_terms(item.mapped_values),
    )
    return Texts(title_of(item, with_restricted), metadata, values)


def title_of(item: CatalogueItem, with_restricted: bool) -> str | None:
    """Return the title of an item, or None if it has none or the reader may not see it."""
    return item.title if with_restricted or not item.title_is_restricted else None


def files_of(item: CatalogueItem, with_restricted: bool) -> list[CatalogueFile]:
    """Return the files of an item, with or without those whose names are restricted."""
    return [file for file in item.files if with_restricted or not file.name_is_restricted]


def described(values: Mapping[str, list[dict[str, Any]]]) -> tuple[Values, Values]:
    """Return the mapped values in the order in which people expect them, and those of fields without a term."""
    terms = sorted((term for term in values if term in _ORDER), key=_ORDER.__getitem__)
    others = [field for field in values if field not in _ORDER]
    return [(term, values[term]) for term in terms], [(field, values[field]) for field in others]


def without_item_ids(values: Values) -> Values:
    """Return values of fields without the ids of related items, which the page of an item shows as links."""
    kept = [(field, [one for one in entries if not is_item_id(field, one["value"])]) for field, entries in values]
    return [(field, entries) for field, entries in kept if entries]


def citation_parts(item: CatalogueItem, with_restricted: bool) -> tuple[str, str]:
    """Return up to three creators and the date of issue. Each is "" if the item has none."""
    values = item.mapped_values if with_restricted else restricted_values.open_terms(item.mapped_values)
    creators = [value["value"] for value in values.get("dcterms:creator", ())]
    issued = next((value["value"] for value in values.get("dcterms:issued", ())), "")
    return "; ".join(creators[:3]) + (" …" if len(creators) > 3 else ""), issued


def first_values(item: CatalogueItem, term: str, with_restricted: bool) -> list[str]:
    """Return up to three values of a term, then "…" if there are more."""
    values = item.mapped_values if with_restricted else restricted_values.open_terms(item.mapped_values)
    texts = [value["value"] for value in values.get(term, ())]
    return texts[:3] + ["…"] * (len(texts) > 3)


def original_of(file: CatalogueFile) -> str:
    """Return the address of the original of a file at its source."""
    return file_link(file.item.repository.server, file.bitstream_id, file.item.handle, file.sequence, file.name)


def media_type(file: CatalogueFile) -> str:
    """Return the media type to serve the file with."""
    return media_type_of(file.media_type)


def media_type_of(given: str | None) -> str:
    """Return the media type that a source gives, without parameters, or UNKNOWN if it is not valid."""
    given = (given or "").split(";")[0].strip().lower()
    return given if _MEDIA_TYPE.fullmatch(given) else UNKNOWN


def is_shown(file: CatalogueFile) -> bool:
    """Return whether browsers may display the file. Others are sent as attachments."""
    return media_type(file) in SHOWN


def viewer_of(file: CatalogueFile) -> str | None:
    """Return how the viewer shows a file, "picture", "audio" or "video", or None if the browser opens the file."""
    return _VIEWERS.get(media_type(file))


def file_name(file: CatalogueFile) -> str:
    """Return the name for a download, shortened and without characters that a header or a file system cannot hold.

    A long name is cut before its extension.
    """
    name = _NOT_IN_A_NAME.sub("_", file.label).strip(" .") or f"file-{file.id}"
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, extension = splitext(name)
    extension = extension if len(extension.encode()) <= MAX_EXTENSION_BYTES else ""
    kept = (stem if extension else name).encode()[: MAX_NAME_BYTES - len(extension.encode())]
    return kept.decode(errors="ignore").rstrip() + extension


def next_try(file: CatalogueFile) -> str:
    """Return a sentence on when a failed file is tried again.

    Return "" if the file is stored, was not selected, or is unstable: then its reason has such a sentence.
    """
    if file.is_unstable:
        return ""
    if file.status == FileStatus.MISSING and file.last_tried_job_id is None:
        return NEXT_TRIES[FileStatus.FAILED]
    # An undo restored it. A signed-out import tries only a limited number of restricted files (see `AccessCheck`).
    if file.status == FileStatus.RESTRICTED and file.last_tried_job_id is None:
        return _("Tried again by one of the next imports with files.")
    if file.status == FileStatus.RESTRICTED and file.embargo_ends_on:
        return _("Tried again by the first import with files after %(until)s.", until=file.embargo_ends_on)
    if file.status == FileStatus.MISSING and file.status_since_job_id in (None, file.last_tried_job_id):
        return NEXT_TRIES[FileStatus.FAILED]
    return NEXT_TRIES.get(FileStatus(file.status), "")
