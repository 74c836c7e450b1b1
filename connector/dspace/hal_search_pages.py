"""Reads single pages of a search of DSpace 7 to 10, in any order and of any size."""

from __future__ import annotations

from typing import Any

from ..errors import BadResponseError, TransientError
from ..i18n import decimal, ngettext
from . import records
from .hal_api import HalApi
from .hal_progress import Result
from .hal_query import ListingOrder, items_in
from .hal_records import Listed, found_object, item_of, known_id
from .page_plans import PagePlan
from .page_reader import Rows
from .records import Failure, Scope, ScopeKind, Subset, separated


class HalSearchPages:
    """The pages of the items of a scope, or of a subset of it. Thread-safe.

    `with_private`: see `items_in`. `with_access`: pages say who may read files, as far as the site says it.
    """

    def __init__(
        self,
        api: HalApi,
        scope: Scope,
        subset: Subset | None,
        *,
        with_collection: bool,
        with_private: bool,
        with_access: bool,
    ):
        self._api, self._scope, self._subset = api, scope, subset
        self._with_private, self._with_access = with_private, with_access
        is_collection = scope.kind is ScopeKind.COLLECTION
        # Items that are only mapped into the imported collection belong to it, too.
        self._collection = records.Collection(scope.id, scope.handle, scope.name) if is_collection else None
        self._embeds_owner = with_collection and not is_collection
        self._uncut_size = 0  # the largest page size that the server did not reduce

    def read(self, plan: PagePlan, order: ListingOrder, offset: int, size: int, tries: int) -> Rows:
        """Read one page in a thread of its own. An item whose files break its page is listed without them."""
        if not plan.embeds:
            return self._listed(plan, order, offset, size, tries)
        try:
            return self._listed(plan, order, offset, size, tries, tries_at_500=1 if size == 1 else 2)
        except TransientError:
            if size > 1:
                raise
            return self._listed(PagePlan(1, False), order, offset, 1, tries)

    def _listed(
        self,
        plan: PagePlan,
        order: ListingOrder,
        offset: int,
        size: int,
        tries: int,
        tries_at_500: int | None = None,
    ) -> Rows:
        params = [*self._parameters(plan, order), ("page", offset // size), ("size", size)]
        found, url = self._api.search(params, kind=plan.name, tries=tries, tries_at_500=tries_at_500)
        lacking = self._lacking(found, order, offset, size, url)
        items, failures = separated(self._row(row, plan, url) for row in found.rows)
        return Rows(items, found.total, failures, found.size_bytes, lacking)

    def _lacking(self, found: Listed, order: ListingOrder, offset: int, size: int, url: str) -> int:
        """Return the number of rows that a page lacks because their objects do not exist.

        An empty page is the end of a list. Raise BadResponseError if the page may be cut by a lowered page size limit,
        or if it lacks most of its rows: the walk would skip the rows between the pages (dspace-rest.md, 3.2).
        """
        count, last = len(found.rows), min(offset + size, found.total) - 1
        expected = last + 1 - offset
        if not 0 < count < expected:
            self._uncut_size = max(self._uncut_size, count)
            return 0
        if size > self._uncut_size and self._is_row(found.rows[-1], order, last):
            self._uncut_size = size
        if size > self._uncut_size or count < expected / 2:
            raise BadResponseError(
                ngettext(
                    "%(url)s gave %(num)s item where %(expected)s were asked for.",
                    "%(url)s gave %(num)s items where %(expected)s were asked for.",
                    count,
                    url=url,
                    expected=decimal(expected),
                ),
                url,
            )
        return expected - count

    def _is_row(self, row: Any, order: ListingOrder, index: int) -> bool:
        """Return whether a row of a page is the row with this index in the whole list. Takes one request."""
        found, _url = self._api.search([*self._parameters(PagePlan(1, False), order), ("page", index), ("size", 1)])
        return known_id(row) is not None and known_id(row) in map(known_id, found.rows)

    def _parameters(self, plan: PagePlan, order: ListingOrder) -> list[tuple[str, Any]]:
        embeds = self._api.embedding_files(with_access=self._with_access) if plan.embeds else []
        access = self._api.embedding_access() if self._with_access else []
        owner = [("embed", "owningCollection")] if self._embeds_owner else []
        selected = items_in(self._scope, self._subset, order, with_private=self._with_private)
        return [*selected, *embeds, *access, *owner]

    def _row(self, row: Any, plan: PagePlan, url: str) -> Result:
        """Return the item of a row, or a Failure if the row is malformed. The other rows are not affected."""
        try:
            found = found_object(row, url)
            item = item_of(found, url, self._collection)
        except BadResponseError as error:
            return Failure(known_id(row), None, None, error.in_short, error.technical_details)
        if not plan.embeds:
            return item
        return self._api.with_embedded_files(item, found, url, with_access=self._with_access)
