"""Exports as a BagIt bag (RFC 8493) in a ZIP file: a folder for each item with its metadata and its files.

The tag files are written here and not by the library `bagit`. The library would need a copy of all files in a folder,
and would read each file again for a checksum that is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

from ..catalogue.export_formats import json_line
from ..storage.garbage_collection import the_folder
from ..version import __version__
from .contents import FILES_PAGE, Contents, ExportedItem
from .named_files import named_files
from .zip_archive import Archive

TOP = "bag"
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


class _Payload:
    """The manifest of the payload, with its size."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bytes = 0

    def add(self, name: str, sha256: str, size: int) -> None:
        """Add a file of the payload. `name`: its path in the bag."""
        self.lines.append(_line(sha256, name))
        self.bytes += size


def write(contents: Contents) -> Iterator[bytes]:
    """Yield the bytes of the archive."""
    archive, payload = Archive(), _Payload()
    for item in contents.items(FILES_PAGE):
        yield from _item(archive, payload, contents, item)
    tags = {
        "bagit.txt": DECLARATION,
        "bag-info.txt": _info(payload),
        "manifest-sha256.txt": "".join(payload.lines).encode(),
    }
    manifest = "".join(_line(hashlib.sha256(content).hexdigest(), name) for name, content in tags.items())
    for name, content in {**tags, "tagmanifest-sha256.txt": manifest.encode()}.items():
        yield from archive.text(f"{TOP}/{name}", content)
    yield from archive.end()


def _item(archive: Archive, payload: _Payload, contents: Contents, item: ExportedItem) -> Iterator[bytes]:
    folder, record = f"data/item-{item.item.id}", json_line(item.record).encode()
    payload.add(f"{folder}/item.json", hashlib.sha256(record).hexdigest(), len(record))
    yield from archive.text(f"{TOP}/{folder}/item.json", record)
    for name, file in named_files(contents, item, unwanted="%").items():
        path, sha256 = f"{folder}/files/{name}", file.sha256 or ""
        payload.add(path, sha256, the_folder().path(sha256).stat().st_size)
        yield from archive.file(f"{TOP}/{path}", sha256)


def _line(sha256: str, name: str) -> str:
    """Return a line of a manifest. Names of files have no percent sign, which readers decode in different ways."""
    return f"{sha256}  {name}\n"


def _info(payload: _Payload) -> bytes:
    lines = {
        "Bag-Software-Agent": f"DSpace Connector {__version__}",
        "Bagging-Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Payload-Oxum": f"{payload.bytes}.{len(payload.lines)}",
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items()).encode()
