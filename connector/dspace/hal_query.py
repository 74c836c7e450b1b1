"""Builds the search parameters of DSpace 7 to 10: for the items of a scope, or a subset of them, in a given order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .optional_requests import Question
from .records import Scope, Subset, TimeRange
from .uuid_partitions import prefixes, split

LARGEST_LIST = 5_000  # items; Solr needs longer for a page the deeper it is, and a long list changes while it is read


@dataclass(frozen=True, slots=True)
class ListingOrder:
    """An order in which to list a scope, or the part of it that a query selects."""

    sort: str | None
    query: str | None = None


SERVER_ORDER = ListingOrder(None)


def orders_of(part: Sequence[str], within: Sequence[str]) -> tuple[ListingOrder, ...]:
    """Return the orders in which to list the uuids with these prefixes until none is missing.

    By accession date, new items come last. The other orders find missing items. Orders without `sort` list smaller
    parts, which fit into one or a few pages. An empty `part` stands for all uuids of a list: those `within`.
    """
    query = _with_prefix(part) if part else None
    smaller = (ListingOrder(None, _with_prefix(each)) for each in split(part or within, 16))
    return (ListingOrder("dc.date.accessioned,asc", query), ListingOrder("dc.title,asc", query), *smaller)


# The search for administrators. It shows private and withdrawn items. The query excludes withdrawn items, as no count
# includes them.
_ADMINISTRATIVE_VIEW = ("configuration", "administrativeView")
_NOT_WITHDRAWN = "NOT withdrawn:true"
_WHOLE = Subset()


def items_in(
    scope: Scope, subset: Subset | None = None, order: ListingOrder = SERVER_ORDER, *, with_private: bool
) -> list[tuple[str, str]]:
    """Return the parameters that select and sort items. The caller adds those for pages and embeds.

    `with_private`: include private items if the reader is an administrator. Queries use the classic syntax of Solr, in
    which AND, OR and NOT join queries of fields.
    """
    queries = [*_queries(subset or _WHOLE, order), *([_NOT_WITHDRAWN] if with_private else [])]
    params = [("dsoType", "item"), ("scope", scope.id), ("sort", order.sort), ("query", " AND ".join(queries))]
    return [(name, value) for name, value in params if value] + ([_ADMINISTRATIVE_VIEW] if with_private else [])


def question_of(subset: Subset | None) -> Question | None:
    """Return the optional question that a search for a subset asks, or None for the whole scope."""
    if subset is None or subset == _WHOLE:
        return None
    if subset.ids:
        return Question.IDS
    if subset.handles or subset.unchanged:
        return Question.HANDLES
    if subset.modified is not None:
        return Question.MODIFIED
    return Question.CHANGES if subset.indexed_since is not None else Question.PART


def with_ids(ids: Collection[str]) -> str:
    """Return the query for objects with these uuids."""
    return _either(f"search.resourceid:{id}" for id in ids)


def with_handles(handles: Collection[str]) -> str:
    """Return the query for objects with these handles."""
    return f"handle:{_either(map(_quoted, handles))}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unchanged(items: Collection[tuple[str, datetime]]) -> str:
    """Return the query for items that changed last in these seconds."""
    by_second: dict[datetime, list[str]] = {}
    for handle, second in items:
        by_second.setdefault(second, []).append(handle)
    ranges = ((handles, TimeRange(second, second + timedelta(seconds=1))) for second, handles in by_second.items())
    return _either(f"({with_handles(handles)} AND {_modified_in(times)})" for handles, times in ranges)


def _modified_in(times: TimeRange) -> str:
    """Return the query for a range of `lastModified`. A curly bracket excludes the end of a range."""
    end = "]" if times.until is None else "}"
    return f"lastModified:[{_moment(times.since)} TO {_moment(times.until)}{end}"


def _moment(when: datetime | None) -> str:
    return "*" if when is None else f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _queries(subset: Subset, order: ListingOrder) -> Iterator[str]:
    """Yield the queries for a subset. The query of an order selects from within the part of the subset."""
    if subset.indexed_since is not None:
        yield f"SolrIndexer.lastIndexed:[{_moment(subset.indexed_since)} TO *]"
    if order.query:
        yield order.query
    elif subset.part is not None:
        yield _with_prefix(prefixes(*subset.part))
    if subset.ids:
        yield with_ids(subset.ids)
    if subset.handles:
        yield with_handles(subset.handles)
    if subset.unchanged:
        yield _unchanged(subset.unchanged)
    if subset.modified is not None:
        yield _modified_in(subset.modified)


def _with_prefix(prefixes: Sequence[str]) -> str:
    return _either(f"search.resourceid:{prefix}*" for prefix in prefixes)


def _either(queries: Iterable[str]) -> str:
    """Return the query for what one of these queries finds."""
    either = list(queries)
    return either[0] if len(either) == 1 else f"({' OR '.join(either)})"
