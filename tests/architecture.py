"""Draws the packages of the connector and what they import, as the picture in docs/architecture.md.

`python -m tests.architecture` writes the picture into the document.
"""

from __future__ import annotations

import re
from pathlib import Path

import grimp

DOCUMENT = Path(__file__).parent.parent / "docs" / "architecture.md"
PACKAGES = (
    *("server", "cli", "web", "tasks", "imports", "publishing", "backup", "jobs", "repositories", "catalogue"),
    *("accounts", "storage", "models", "dspace", "omeka", "http"),
)
_PLACE = re.compile(r"(<!-- picture:[^\n]*-->\n).*?(<!-- end of picture -->)", re.DOTALL)


def picture() -> str:
    """Return a Mermaid flowchart of the packages: an arrow for each import, none where another path says the same."""
    graph = grimp.build_graph("connector")
    for name in PACKAGES:
        if graph.find_children(f"connector.{name}"):
            graph.squash_module(f"connector.{name}")
    imported = {
        name: {other for other in PACKAGES if other != name and _imports(graph, name, other)} for name in PACKAGES
    }
    arrows = [f"    {name} --> {other}" for name in PACKAGES for other in PACKAGES if _is_drawn(imported, name, other)]
    return "\n".join(["```mermaid", "flowchart TD", *arrows, "```", ""])


def write() -> None:
    """Write the picture into the document."""
    DOCUMENT.write_text(_PLACE.sub(lambda found: found[1] + picture() + found[2], DOCUMENT.read_text()))


def _imports(graph: grimp.ImportGraph, name: str, other: str) -> bool:
    return graph.direct_import_exists(importer=f"connector.{name}", imported=f"connector.{other}")


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
