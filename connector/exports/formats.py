"""The formats of exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..i18n import lazy_gettext as _l
from . import bag, json_files, simple_archive, tables
from .contents import Contents


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format of exports. `label`, `hint`: for pages. `extension`, `media_type`: of the file."""

    label: str
    hint: str
    extension: str
    media_type: str
    write: Callable[[Contents], Iterator[bytes]]


FORMATS: dict[str, ExportFormat] = {
    "csv": ExportFormat(
        _l("CSV"),
        _l("One row for each item, for spreadsheets. Values that look like formulas begin with an apostrophe."),
        "csv",
        "text/csv",
        tables.spreadsheet,
    ),
    "omeka": ExportFormat(
        _l("CSV for Omeka S"),
        _l("For the module CSV Import. Properties and addresses of files are recognised. Languages are not in it."),
        "csv",
        "text/csv",
        tables.omeka,
    ),
    "jsonl": ExportFormat(
        _l("JSON Lines"),
        _l("One JSON object on each line, with all values of DSpace and all properties."),
        "jsonl",
        "application/jsonl",
        json_files.lines,
    ),
    "jsonld": ExportFormat(
        _l("JSON-LD"),
        _l("Linked data: one document with all properties."),
        "jsonld",
        "application/ld+json",
        json_files.linked_data,
    ),
    "bagit": ExportFormat(
        _l("BagIt"),
        _l("A ZIP file with metadata, files and their checksums, for digital archives."),
        "zip",
        "application/zip",
        bag.write,
    ),
    "saf": ExportFormat(
        _l("DSpace Simple Archive Format"),
        _l("A ZIP file with metadata and files that another DSpace can import. Authority keys are not in it."),
        "zip",
        "application/zip",
        simple_archive.write,
    ),
}
