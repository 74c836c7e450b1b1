"""Exports in the Simple Archive Format of DSpace, which `dspace import` reads ("Importing and Exporting Items").

The format has no place for authority keys of values, and `dspace import` removes spaces around a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from ..i18n import gettext as _
from ..models.catalogue import CatalogueFile
from .contents import FILES_PAGE, Contents, ExportedItem
from .named_files import named_files
from .zip_archive import Archive

TOP = "archive"
DUBLIN_CORE = "dublin_core.xml"
# Names that have a meaning in the folder of an item, beside metadata_SCHEMA.xml.
RESERVED = frozenset({DUBLIN_CORE, "contents", "collections", "handle", "relationships"})
CLOSED = "permissions:-r 'Administrator'"
_FIELD = re.compile(r"(?P<schema>[\w-]+)\.(?P<element>[^.]+)(\.(?P<qualifier>[^.]+))?", re.ASCII)
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_NOT_IN_A_LINE = re.compile(r"[\t\r\n]")


def write(contents: Contents) -> Iterator[bytes]:
    """Yield the bytes of a ZIP file with a folder for each item."""
    archive = Archive()
    for item in contents.items(FILES_PAGE):
        folder = f"{TOP}/item_{item.item.id}"
        files = named_files(contents, item, reserved=_reserved(item))
        for name, content in _texts(contents, item, files).items():
            yield from archive.text(f"{folder}/{name}", content)
        for name, file in files.items():
            yield from archive.file(f"{folder}/{name}", file.sha256 or "")
    yield from archive.end()


def _texts(contents: Contents, item: ExportedItem, files: Mapping[str, CatalogueFile]) -> dict[str, bytes]:
    """Return the content of the files that describe an item, by name."""
    if item.item.is_restricted:
        contents.note(item, _("This item is restricted at its source. The format cannot say that."))
    lines = [_contents_line(contents, item, name, file) for name, file in files.items()]
    texts = {"contents": "".join(lines), "handle": item.item.handle or "", "collections": "\n".join(item.collections)}
    described = {_file_of(schema): _xml(schema, values) for schema, values in _by_schema(contents, item).items()}
    return described | {name: text.encode() for name, text in texts.items() if text or name == "contents"}


def _by_schema(contents: Contents, item: ExportedItem) -> dict[str, list[dict[str, str]]]:
    """Return the values by schema, as attributes of their elements with their text. There is always Dublin Core."""
    found: dict[str, list[dict[str, str]]] = {"dc": []}
    for entry in item.record["metadata"]:
        if not entry["value"]:
            continue
        if (field := _FIELD.fullmatch(entry["field"])) is None:
            contents.note(item, _("Not in the export: the field %(field)s.", field=entry["field"]))
            continue
        found.setdefault(field["schema"], []).append(_value(contents, item, field, entry))
    return found


def _value(contents: Contents, item: ExportedItem, field: re.Match[str], entry: Mapping[str, Any]) -> dict[str, str]:
    text = _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", entry["value"])
    if text != entry["value"]:
        contents.note(item, _("A control character in %(field)s was replaced.", field=entry["field"]))
    attributes = {"element": field["element"], "qualifier": field["qualifier"] or "none"}
    return attributes | ({"language": entry["language"]} if entry["language"] else {}) | {"text": text}


def _xml(schema: str, values: list[dict[str, str]]) -> bytes:
    root = etree.Element("dublin_core", schema=schema)
    for value in values:
        attributes = {name: _NOT_IN_XML.sub("", text) for name, text in value.items() if name != "text"}
        etree.SubElement(root, "dcvalue", attributes).text = value["text"]
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True))


def _file_of(schema: str) -> str:
    return DUBLIN_CORE if schema == "dc" else f"metadata_{schema}.xml"


def _reserved(item: ExportedItem) -> frozenset[str]:
    """Return the names that no file of an item may have, in lower case."""
    schemas = {entry["field"].partition(".")[0] for entry in item.record["metadata"]}
    return RESERVED | {_file_of(schema).casefold() for schema in schemas}


def _contents_line(contents: Contents, item: ExportedItem, name: str, file: CatalogueFile) -> str:
    """Return the line of a file. Only administrators may read a file that was restricted at its source."""
    description = file.description or ""
    if _NOT_IN_A_LINE.search(description):
        contents.note(item, _("The description of %(file)s is on one line in the export.", file=file.label))
    parts = [name, f"bundle:{file.bundle}"]
    parts += [CLOSED] if file.is_restricted or item.item.is_restricted else []
    parts += [f"description:{_NOT_IN_A_LINE.sub(' ', description)}"] if description else []
    return "\t".join(parts) + "\n"
