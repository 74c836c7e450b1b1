"""The search of DSpace 7 to 10, as far as importers use it: scope, a few field queries, four sorts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from .answers import RefusalError
from .model import Repository
from .records import Collection, Community, Item, Thing, signed_in

SORTS = ("score", "dc.title", "dc.date.issued", "dc.date.accessioned")
KINDS = ("item", "collection", "community")
LAST = "\U0010ffff"

Test = Callable[[Thing], bool]


class Search:
    """A search with order. It keeps each result until the data change, so that a walk of 10,000 items sorts once."""

    def __init__(self, data: Repository):
        self._data = data
        self._results: dict[tuple[bool | str, ...], list[Thing]] = {}
        self._changes = -1

    def find(self, kind: str, scope: str, query: str, sort: str, is_administrative: bool = False) -> list[Thing]:
        """Return all that this reader can find. Raises RefusalError: 400 for an unknown kind, 422 for a sort or query.

        `is_administrative`: an administrator asks with the configuration that shows private and withdrawn items, too.
        """
        if self._changes != self._data.changes:
            self._results.clear()
            self._changes = self._data.changes
        asked = (kind.lower(), scope, query, sort, is_administrative)
        seen_as = (signed_in.get(), *asked)
        if seen_as not in self._results:
            self._results[seen_as] = self._found(*asked)
        return self._results[seen_as]

    def _found(self, kind: str, scope: str, query: str, sort: str, is_administrative: bool) -> list[Thing]:
        by, _, direction = sort.partition(",")
        if kind and kind not in KINDS:
            raise RefusalError(400)
        if by and by not in SORTS:
            raise RefusalError(422, "Invalid search request")
        tests = [_test(query)] if query else []
        tests.append(self._within(scope))
        named = _named(query)
        among = [one for one in self._of_kind(kind) if named is None or one.handle in named]
        found = [one for one in among if all(test(one) for test in tests)]
        found = [one for one in found if is_listed(one, is_administrative)]
        found.sort(key=_place)
        if by not in ("", "score"):
            found.sort(key=lambda one: _key(one, by), reverse=direction.lower() == "desc")
        return found

    def _of_kind(self, kind: str) -> Iterable[Thing]:
        data = self._data
        shelves = {"item": data.items, "collection": data.collections, "community": data.communities}
        for name, shelf in shelves.items():
            if kind in ("", name):
                yield from shelf.values()

    def _within(self, scope: str) -> Test:
        """Return a test for objects of a scope. An unknown or malformed scope is ignored, so all objects pass."""
        data = self._data
        if home := data.collections.get(scope):
            return lambda one: isinstance(one, Item) and home in one.collections
        if above := data.communities.get(scope):
            return lambda one: above in data.ancestors(one)
        return lambda one: True


def is_listed(one: Thing, is_administrative: bool = False) -> bool:
    """Return whether lists and search show it to this reader."""
    if not isinstance(one, Item):
        return one.is_open
    return one.is_administered if is_administrative else one.is_found


def _place(one: Thing) -> int:
    """Return the sort key. Ties are in the order of the index, with the last changed item last."""
    return one.indexed if isinstance(one, Item) else one.number


def _key(one: Thing, by: str) -> str:
    if isinstance(one, Community | Collection):
        return one.name.lower() if by == "dc.title" else LAST
    text = one.first(by)
    return LAST if text is None else text.lower()


def _test(term: str) -> Test:
    """Return the test of a query: a field, one with NOT, or some that are joined. Raise RefusalError 422 for others.

    Solr reads OR beside AND in its own way, so only parentheses may join both.
    """
    if len(either := _parts(term, " OR ")) > 1:
        tests = list(map(_test, either))
        return lambda one: any(test(one) for test in tests)
    if len(each := _parts(term, " AND ")) > 1:
        tests = list(map(_test, each))
        return lambda one: all(test(one) for test in tests)
    if term.startswith("NOT "):
        test = _test(term.removeprefix("NOT "))
        return lambda one: not test(one)
    if found := re.fullmatch(r"withdrawn:(true|false)", term):
        is_wanted = found.group(1) == "true"
        return lambda one: isinstance(one, Item) and one.withdrawn is is_wanted
    if term.startswith("(") and term.endswith(")"):
        return _test(term[1:-1])
    if term == "*:*":
        return lambda one: True
    if found := re.fullmatch(r"search\.resourceid:([0-9a-f-]+)(\*?)", term):
        text, open_end = found.groups()
        return lambda one: one.uuid.startswith(text) if open_end else one.uuid == text
    if handles := _handles(term):
        return lambda one: one.handle in handles
    if found := re.fullmatch(r"(lastModified|SolrIndexer\.lastIndexed):([\[{])(\S+) TO (\S+)([\]}])", term):
        member = "last_modified" if found.group(1) == "lastModified" else "indexed_at"
        since, until = _moment(found.group(3)), _moment(found.group(4))
        edges = {edge for edge, bracket in ((since, found.group(2)), (until, found.group(5))) if bracket in "{}"}
        return lambda one: isinstance(one, Item) and _between(since, getattr(one, member), until, edges)
    raise RefusalError(422, "Unprocessable or invalid entity")


def _named(query: str) -> frozenset[str] | None:
    """Return the handles one of which all that a query finds must have, or None if it does not name them."""
    if len(either := _parts(query, " OR ")) > 1:
        found = [_named(part) for part in either]
        return None if None in found else frozenset().union(*found)
    if len(each := _parts(query, " AND ")) > 1:
        return next((named for part in each if (named := _named(part)) is not None), None)
    if query.startswith("(") and query.endswith(")"):
        return _named(query[1:-1])
    return _handles(query) or None


def _parts(query: str, joint: str) -> list[str]:
    """Return the parts of a query that are joined outside parentheses."""
    parts = [""]
    for piece in query.split(joint):
        is_inside = parts[-1].count("(") > parts[-1].count(")")
        parts = [*parts[:-1], parts[-1] + joint + piece] if is_inside else [*parts, piece]
    return parts[1:]


def _handles(term: str) -> frozenset[str]:
    """Return the handles that a query selects, one or some joined by OR. Other queries select none."""
    found = re.fullmatch(r'handle:("[^"]+"|\("[^"]+"( OR "[^"]+")*\))', term)
    return frozenset(re.findall(r'"([^"]+)"', term)) if found else frozenset()


def _between(since: datetime | None, when: datetime, until: datetime | None, edges: set[datetime | None]) -> bool:
    """Return whether a time, which Solr keeps in milliseconds, is in a range without these edges."""
    when = when.replace(microsecond=when.microsecond // 1000 * 1000)
    return (since is None or since <= when) and (until is None or when <= until) and when not in edges


def _moment(text: str) -> datetime | None:
    if text == "*":
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise RefusalError(422, "Unprocessable or invalid entity") from None
