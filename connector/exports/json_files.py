"""Exports as JSON Lines and as JSON-LD."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..catalogue import json_ld
from ..catalogue.export_formats import json_line
from .contents import Contents, ExportedItem


def lines(contents: Contents) -> Iterator[bytes]:
    """Yield a JSON line for each item (see `catalogue.export_formats`)."""
    return (json_line(item.record).encode() for item in contents.items())


def linked_data(contents: Contents) -> Iterator[bytes]:
    """Yield one JSON-LD document with a node for each item."""
    context = json.dumps(json_ld.context(contents.fields_url), ensure_ascii=False)
    yield f'{{"@context": {context}, "@graph": [\n'.encode()
    separator = ""
    for item in contents.items():
        yield (separator + json_line(_node(item)).rstrip("\n")).encode()
        separator = ",\n"
    yield b"\n]}\n"


def _node(item: ExportedItem) -> dict[str, object]:
    files = [(item.addresses[file.id], file) for file in item.files]
    return json_ld.node(item.item.link, item.record["values"], files, item.record["relations"])
