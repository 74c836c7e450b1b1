"""The repository of items that are stored."""

from __future__ import annotations

from dataclasses import dataclass

from ..dspace.records import Server


@dataclass(frozen=True, slots=True)
class RepositoryContext:
    """The repository of items, and its settings that affect how items are stored."""

    id: int
    server: Server
    ignored: tuple[str, ...] = ()
