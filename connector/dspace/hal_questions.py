"""Counts and checks of DSpace 7 to 10 by search, some of which a site may not answer."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from functools import cached_property, partial
from typing import Any

from ..errors import NotFoundError, RequestRejectedError
from ..http import OutageWait
from . import hal_records as shapes
from .hal_api import HalApi
from .hal_finder import HalFinder
from .hal_query import ListingOrder, items_in, question_of
from .json_members import optional
from .optional_requests import OptionalQuestions, Question, UnansweredError
from .records import Scope, ScopeKind, Subset
from .uuid_partitions import EVERY_UUID, prefixes

_TRIES = 2  # of a count


class HalQuestions:
    """The questions that a client asks about a scope before and after it reads the items.

    `optional`: which of them this repository does not answer. `unanswered`: those known from before.
    """

    def __init__(self, api: HalApi, outage: OutageWait, finder: HalFinder, unanswered: Collection[str]):
        self._api, self._outage, self._finder = api, outage, finder
        self._checked: set[str] = set()
        self.optional = OptionalQuestions(api.check, api.http.traffic, unanswered)

    @cached_property
    def searches_private(self) -> bool:
        """Return whether searches include private items: with a login, unless the site refuses such a search."""
        if not self._api.http.is_signed_in:
            return False
        params = [*items_in(Scope(ScopeKind.REPOSITORY), with_private=True), ("size", 1)]
        search = partial(self._api.search, params, tries=_TRIES)
        try:
            self._outage.retry_until_available("page", lambda: self.optional.require(Question.PRIVATE, search))
        except UnansweredError:
            return False
        return True

    def count(self, scope: Scope, subset: Subset | None = None) -> int | None:
        """Return how many items the source counts in the scope, or in a subset of it.

        Return None if the source refuses the query, and for a single item, which is no search scope. Takes one search
        for a page of one item, and a look-up of a scope that is new to this client. Wait while the repository is down.
        Raise NotFoundError or RestrictedError if the scope cannot be read.
        """
        if scope.kind is ScopeKind.ITEM:
            return None
        self.check(scope)

        question, ask = question_of(subset), self._counting(scope, subset)
        try:
            return self._outage.retry_until_available(
                "page", lambda: self.optional.ask(question, ask) if question else ask()
            )
        except RequestRejectedError:
            return None

    def lists_access(self, scope: Scope) -> bool:
        """Return whether lists of items can include file access, an optional question (see `optional_requests`)."""
        embeds = [*self._api.embedding_files(with_access=True), *self._api.embedding_access()]
        params = [*items_in(scope, with_private=self.searches_private), ("size", 1), ("page", 0), *embeds]
        try:
            self.optional.require(Question.ACCESS, lambda: self._api.search(params, tries=1))
        except UnansweredError:
            return False
        return True

    def check(self, scope: Scope) -> None:
        """Raise NotFoundError or RestrictedError if the scope cannot be read.

        Without this check, a search with an unknown scope would search the whole repository.
        """
        if scope.kind is ScopeKind.REPOSITORY or scope.id in self._checked:
            return
        self._outage.retry_until_available("page", lambda: self._finder.get(scope))
        self._checked.add(scope.id)

    def is_within(self, found: shapes.Json, url: str, scope: Scope) -> bool:
        """Return whether an item is inside a scope. A scope that does not exist any more contains nothing.

        If a search does not find the item there, its collections decide: a search index can lose items.
        """
        try:
            self.check(scope)
        except NotFoundError:
            return False
        itself = ListingOrder(None, f"search.resourceid:{found['uuid']}")
        params = [*items_in(scope, order=itself, with_private=self.searches_private), ("size", 1)]
        with suppress(UnansweredError):
            if self.optional.ask(Question.IDS, lambda: self._api.search(params, tries=_TRIES)[0].total > 0):
                return True
        homes = shapes.collection_ids_of(found, url)
        if scope.kind is ScopeKind.COLLECTION:
            return scope.id in homes
        return any(scope.id in self._finder.above(ScopeKind.COLLECTION, home) for home in homes)

    def require(self, scope: Scope, subset: Subset | None) -> None:
        """Raise UnansweredError if the site refuses searches for such a subset."""
        if question := question_of(subset):
            ask = self._counting(scope, subset)
            self._outage.retry_until_available("page", lambda: self.optional.require(question, ask))

    def _counting(self, scope: Scope, subset: Subset | None) -> Callable[[], int]:
        """Return a function that requests the number of items that a search finds, with a page of one.

        It raises RequestRejectedError if the search finds an item outside the subset: the query was ignored.
        """
        params = [*items_in(scope, subset, with_private=self.searches_private), ("size", 1)]

        def ask() -> int:
            found, url = self._api.search(params, tries=_TRIES)
            if subset and not all(_may_be_in(subset, row, url) for row in found.rows):
                raise RequestRejectedError("The repository ignores this query.", url)
            return found.total

        return ask

    def lists_parts(self) -> bool:
        """Return whether the site answers searches for a part of the items, also for one with several prefixes."""
        try:
            self.require(Scope(ScopeKind.REPOSITORY), Subset(part=(0, 7)))
        except UnansweredError:
            return False
        return True


def _may_be_in(subset: Subset, row: Any, url: str) -> bool:
    """Return whether the row of a search is in a subset, as far as the row shows it."""
    part = prefixes(*subset.part) if subset.part else EVERY_UUID
    if not (shapes.known_id(row) or part[0]).startswith(part):
        return False
    handles = subset.handles or [handle for handle, _second in subset.unchanged]
    return not handles or optional(shapes.found_object(row, url), "handle", str, url) in handles
