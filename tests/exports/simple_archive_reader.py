"""A reader of the Simple Archive Format, written from DSpace's documentation.

"Importing and Exporting Items via Simple Archive Format", DSpace 7 to 9.
"""

from __future__ import annotations

import xml.etree.ElementTree as etree
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Bitstream:
    """A file of an item. `permissions`: as they stand in the file `contents`, "" for those of the collection."""

    name: str
    bundle: str
    content: bytes
    description: str
    permissions: str


@dataclass(frozen=True)
class ArchivedItem:
    """An item. `values`: (field, value, language) in order."""

    values: list[tuple[str, str, str | None]]
    bitstreams: list[Bitstream]
    handle: str | None
    collections: list[str]


def read(archive: Path) -> dict[str, ArchivedItem]:
    """Return the items of an archive by the names of their folders."""
    return {folder.name: _item(folder) for folder in sorted(archive.iterdir())}


def _item(folder: Path) -> ArchivedItem:
    schemas = [folder / "dublin_core.xml", *sorted(folder.glob("metadata_*.xml"))]
    return ArchivedItem(
        values=[value for schema in schemas for value in _values(schema)],
        bitstreams=[_bitstream(folder, line) for line in _lines(folder / "contents")],
        handle=next(iter(_lines(folder / "handle")), None),
        collections=_lines(folder / "collections"),
    )


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().split("\n") if line.strip()] if path.exists() else []


def _values(path: Path) -> list[tuple[str, str, str | None]]:
    """Return the values of one schema. Without the attribute `schema`, it is Dublin Core."""
    root = etree.parse(path).getroot()
    schema = root.get("schema", "dc")
    assert root.tag == "dublin_core"
    assert path.name == ("dublin_core.xml" if schema == "dc" else f"metadata_{schema}.xml")
    found = []
    for value in root:
        assert value.tag == "dcvalue" and len(value) == 0
        names = [schema, value.attrib["element"]]
        names += [] if value.get("qualifier", "none") in ("none", "") else [value.attrib["qualifier"]]
        found.append((".".join(names), value.text or "", value.get("language")))
    return found


def _bitstream(folder: Path, line: str) -> Bitstream:
    name, *options = line.split("\t")
    given = dict(option.split(":", 1) for option in options)
    bundle = given.get("bundle") or ("LICENSE" if name == "license.txt" else "ORIGINAL")
    content = (folder / name).read_bytes()
    return Bitstream(name, bundle, content, given.get("description", ""), given.get("permissions", ""))
