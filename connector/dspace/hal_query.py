"""Builds the search parameters of DSpace 7 to 10: for the items of a scope, or a subset of them, in a given order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from .optional_requests import Question
from .records import Scope, Subset
from .uuid_partitions import prefixes


@dataclass(frozen=True, slots=True)
class ListingOrder:
    """An order in which to list a scope, or a part of the scope to list."""

    sort: str | None
    query: str | None = None


# By accession date, new items come last. The first hexadecimal digit of the uuid splits any list into 16 parts.
WAYS = (
    ListingOrder("dc.date.accessioned,asc"),
    ListingOrder("dc.title,asc"),
    *(ListingOrder(None, f"search.resourceid:{digit}*") for digit in "0123456789abcdef"),
)
AS_IT_COMES = ListingOrder(None)
# The search for administrators. It shows private and withdrawn items. The query excludes withdrawn items, as no count
# includes them.
_ADMINISTRATIVE_VIEW = ("configuration", "administrativeView")
_NOT_WITHDRAWN = "NOT withdrawn:true"
_WHOLE = Subset()


def items_in(
    scope: Scope, subset: Subset | None = None, way: ListingOrder = AS_IT_COMES, *, with_private: bool
) -> list[tuple[str, str]]:
    """Return the parameters that select and sort items. The caller adds those for pages and embeds.

    `with_private`: include private items if the reader is an administrator. Queries use the classic syntax of Solr, in
    which AND, OR and NOT join queries of fields.
    """
    queries = [*_queries(subset or _WHOLE), *([way.query] if way.query else [])]
    queries += [_NOT_WITHDRAWN] if with_private else []
    params = [("dsoType", "item"), ("scope", scope.id), ("sort", way.sort), ("query", " AND ".join(queries))]
    return [(name, value) for name, value in params if value] + ([_ADMINISTRATIVE_VIEW] if with_private else [])


def question_of(subset: Subset | None) -> Question | None:
    """Return the optional question that a search for a subset asks, or None for the whole scope."""
    if subset is None or subset == _WHOLE:
        return None
    return Question.CHANGES if subset.indexed_since is not None else Question.PART


def _queries(subset: Subset) -> Iterator[str]:
    if subset.indexed_since is not None:
        yield f"SolrIndexer.lastIndexed:[{subset.indexed_since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} TO *]"
    if subset.part is not None:
        either = [f"search.resourceid:{prefix}*" for prefix in prefixes(*subset.part)]
        yield either[0] if len(either) == 1 else f"({' OR '.join(either)})"
