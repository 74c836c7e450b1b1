"""Draws the packages of the connector and what they import, as the pictures in docs/architecture.md.

`python -m tests.architecture` writes the pictures into the document.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import grimp

DOCUMENT = Path(__file__).parent.parent / "docs" / "architecture.md"
PACKAGES = (
    *("server", "cli", "web", "tasks", "imports", "publishing", "remapping", "exports", "backup"),
    *("jobs", "repositories", "catalogue", "accounts", "storage", "models", "dspace", "omeka", "http"),
)
PARTS_OF_IMPORTS = (
    *("preview", "importer", "completeness", "reading", "files"),
    *("context", "recording", "start", "results"),
)
PICTURES = {"picture": ("connector", PACKAGES), "picture of imports": ("connector.imports", PARTS_OF_IMPORTS)}


def picture(package: str, names: Sequence[str]) -> str:
    """Return a Mermaid flowchart of parts of a package: an arrow for each import, none where another path says it."""
    graph = grimp.build_graph("connector")
    for name in names:
        if graph.find_children(f"{package}.{name}"):
            graph.squash_module(f"{package}.{name}")
    imported = {
        name: {
            other
            for other in names
            if other != name and graph.direct_import_exists(importer=f"{package}.{name}", imported=f"{package}.{other}")
        }
        for name in names
    }
    arrows = [f"    {name} --> {other}" for name in names for other in names if _is_drawn(imported, name, other)]
    return "\n".join(["```mermaid", "flowchart TD", *arrows, "```", ""])


def write() -> None:
    """Write the pictures into the document."""
    text = DOCUMENT.read_text()
    for name, place in PICTURES.items():
        written = re.compile(rf"(<!-- {name}:[^\n]*-->\n).*?(<!-- end of picture -->)", re.DOTALL)
        text = written.sub(rf"\g<1>{picture(*place)}\g<2>", text)
    DOCUMENT.write_text(text)


def _is_drawn(imported: dict[str, set[str]], name: str, other: str) -> bool:
    others = imported[name] - {other}
    return other in imported[name] and not any(other in _reached(imported, between) for between in others)


def _reached(imported: dict[str, set[str]], name: str) -> set[str]:
    found, left = set[str](), [name]
    while left:
        new = imported[left.pop()] - found
        found |= new
        left += new
    return found


if __name__ == "__main__":
    write()
