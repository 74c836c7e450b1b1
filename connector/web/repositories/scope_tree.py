"""The communities of a repository as a tree, with or without collections, and the part of it that a page shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ...dspace.records import Collection, Community
from ...word_search import Term, fold, search_terms

Listed = Collection | Community
OneKind = TypeVar("OneKind", Collection, Community)
MOST_ROWS = 80  # on a page, so that it stays below 100 KB


@dataclass(frozen=True, slots=True)
class Node:
    """A collection, or a community with what is listed below it.

    `count`: the number of collections below it, or of communities in a tree without collections.
    """

    listed: Listed
    nodes: tuple[Node, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """The rows of one level from number `start` on, at most MOST_ROWS. `path`: the communities from the top down to it.

    `open_depth`: how many levels below it are open, because they fit on the page, too. `remaining`: the number of rows
    of the level after these.
    """

    path: tuple[Community, ...]
    nodes: tuple[Node, ...]
    start: int
    open_depth: int
    remaining: int

    @property
    def end(self) -> int:
        """Return the number of the first row that is not shown."""
        return self.start + len(self.nodes)

    @property
    def more(self) -> int:
        """Return the number of rows that the next part of the level shows."""
        return min(self.remaining, MOST_ROWS)


def tree_of_collections(
    collections: Iterable[Collection], communities: Sequence[Community], words: str
) -> tuple[Node, ...]:
    """Return the collections whose name or community names contain all the words, in their communities.

    They are sorted by name, the collections of a community before the communities below it. Raises InvalidInputError if
    there are too many words.
    """
    terms = search_terms(words)
    communities_below, collections_below = _by_parent(communities, communities), _by_parent(collections, communities)

    def branch(parent: str | None, path: str) -> Iterator[Node]:
        for collection in _sorted(collections_below[parent]):
            if _matches(f"{path} {collection.name}", terms):
                yield Node(collection)
        for community in _sorted(communities_below[parent]):
            nodes = tuple(branch(community.id, f"{path} {community.name}"))
            if nodes:
                yield Node(community, nodes, sum(node.count or 1 for node in nodes))

    return tuple(branch(None, ""))


def tree_of_communities(communities: Sequence[Community], words: str) -> tuple[Node, ...]:
    """Return the communities whose name contains all the words, and the communities above them, sorted by name.

    Raises InvalidInputError if there are too many words.
    """
    terms = search_terms(words)
    below = _by_parent(communities, communities)

    def branch(parent: str | None) -> Iterator[Node]:
        for community in _sorted(below[parent]):
            nodes = tuple(branch(community.id))
            if nodes or _matches(community.name, terms):
                yield Node(community, nodes, sum(node.count + 1 for node in nodes))

    return tuple(branch(None))


def level_below(tree: tuple[Node, ...], community_id: str, start: int) -> Level | None:
    """Return the level below this community, or the top level if the id is empty. None if it is not in the tree."""
    if not community_id:
        return _level((), tree, start)
    return next((_level(path, node.nodes, start) for path, node in _walk(tree) if path[-1].id == community_id), None)


def _level(path: tuple[Community, ...], nodes: tuple[Node, ...], start: int) -> Level:
    shown = nodes[start : start + MOST_ROWS]
    return Level(path, shown, start, _open_depth(shown), max(0, len(nodes) - start - MOST_ROWS))


def _open_depth(nodes: Sequence[Node]) -> int:
    """Return how many levels below these rows fit on a page with them."""
    depth, total = 0, len(nodes)
    while nodes:
        nodes = [child for node in nodes for child in node.nodes]
        total += len(nodes)
        if total > MOST_ROWS:
            break
        depth += 1
    return depth


def _walk(nodes: Iterable[Node], path: tuple[Community, ...] = ()) -> Iterator[tuple[tuple[Community, ...], Node]]:
    """Yield all communities of a tree, each with its path. The path ends with it."""
    for node in nodes:
        if isinstance(node.listed, Community):
            here = (*path, node.listed)
            yield here, node
            yield from _walk(node.nodes, here)


def _by_parent(rows: Iterable[OneKind], communities: Iterable[Community]) -> dict[str | None, list[OneKind]]:
    """Return the rows by the id of their parent. It is None at the top, and where the parent is not visible."""
    known = {community.id for community in communities}
    found: defaultdict[str | None, list[OneKind]] = defaultdict(list)
    for row in rows:
        found[row.parent_id if row.parent_id in known else None].append(row)
    return found


def _sorted(rows: Iterable[OneKind]) -> list[OneKind]:
    return sorted(rows, key=lambda row: row.name.casefold())


def _matches(text: str, terms: Iterable[Term]) -> bool:
    folded = fold(text)
    return all((term.text in folded) != term.is_excluded for term in terms)
