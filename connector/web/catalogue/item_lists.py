"""Lists of items: the selection that a query string or a form asks for, and a page of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask import request
from sqlalchemy import Select, select
from sqlalchemy.orm import defer
from werkzeug.datastructures import MultiDict

from ...accounts.authorization import sees_restricted
from ...catalogue import thumbnails
from ...catalogue.item_order import Sort, order_of
from ...catalogue.property_search import Criterion, Join, Operator
from ...catalogue.related_queries import Related
from ...catalogue.search import FoundItems, Selection
from ...dspace.records import SourceState
from ...errors import InvalidInputError
from ...i18n import gettext as _, lazy_gettext as _l
from ...models.catalogue import CatalogueItem
from ...models.item_facets import Facet
from ...pagination import Order, asked_place, page_of
from ...row_ids import row_id
from ...word_search import search_terms

FOUND_COUNTED = 1000  # count at most this many matches of a search, since each must be read


CRITERION = ("join", "term", "op", "value")  # query arguments of a row of the advanced search
ARGUMENTS = (
    *("q", "item_set", "repository", "job", "related", "state", "from", "to", "files", "older"),
    *Facet,
    *CRITERION,
)
OPTIONS = ("sort", "size", "view", "filters")
SORTS = {
    Sort.RELEVANCE: _l("Relevance"),
    Sort.TITLE: _l("Title"),
    Sort.NEWEST_DATE: _l("Date, newest first"),
    Sort.OLDEST_DATE: _l("Date, oldest first"),
    Sort.NEWEST_IMPORT: _l("Date imported, newest first"),
    Sort.OLDEST_IMPORT: _l("Date imported, oldest first"),
    Sort.LAST_MODIFIED: _l("Last modified"),
}
SIZES = (25, 50, 100)  # items of a page
SHOW = "show"  # value of the argument `filters`


class View(StrEnum):
    """How a list shows its items. The names are part of addresses."""

    LIST = "list"
    GRID = "grid"
    TABLE = "table"


VIEWS = {View.LIST: _l("List"), View.GRID: _l("Grid"), View.TABLE: _l("Table")}


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The sort order, the number of items of a page, and the view of a list. `usual_sort`: that without a choice.

    `shows_filters`: the page contains its filters even if they take long to count.
    """

    sort: Sort
    usual_sort: Sort
    size: int
    view: View
    shows_filters: bool

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the options as query arguments, without the usual ones."""
        usual = {"sort": self.usual_sort, "size": SIZES[0], "view": View.LIST}
        chosen = {"sort": self.sort, "size": self.size, "view": self.view}
        found = {name: [str(value)] for name, value in chosen.items() if value != usual[name]}
        return found | ({"filters": [SHOW]} if self.shows_filters else {})


def asked_selection() -> Selection:
    """Return the selection in the query string."""
    return _selection(request.args)


def form_selection() -> Selection:
    """Return the selection of the list whose form was sent."""
    return _selection(request.form)


def chosen_items() -> Select[int]:
    """Return a SELECT of the ids of the items that a form names: all items of its list or page, or those with a tick.

    Raise InvalidInputError if there is no tick.
    """
    if (item_ids := chosen_ids()) is None:
        return form_selection().ids()
    return select(CatalogueItem.id).where(CatalogueItem.id.in_(item_ids))


def chosen_ids() -> list[int] | None:
    """Return the ids of the items that a form names, or None for all items of its list.

    Raise InvalidInputError if there is no tick.
    """
    if "every" in request.form:
        return None
    if not (item_ids := ticked_ids()):
        raise InvalidInputError(_("No item is ticked. Tick items, or “All items of this list”."))
    return item_ids


def ticked_ids() -> list[int]:
    """Return the ids of the items with a tick, or those of the whole page of a list."""
    return request.form.getlist("shown" if "whole_page" in request.form else "item", type=row_id)


def _selection(values: MultiDict[str, str]) -> Selection:
    """Return the selection in these values. Ignore ids that are not numbers, and unknown states."""
    related_id = values.get("related", type=row_id)
    return Selection(
        words=values.get("q", "").strip(),
        item_set_id=values.get("item_set", type=row_id),
        repository_id=values.get("repository", type=row_id),
        job_id=values.get("job", type=row_id),
        related=None if related_id is None else Related(related_id),
        state=values.get("state", type=SourceState),
        criteria=tuple(_criteria(values)),
        dates=(values.get("from", "").strip(), values.get("to", "").strip()),
        has_files={"yes": True, "no": False}.get(values.get("files", "")),
        older_than_id=values.get("older", type=row_id),
        facets=tuple((facet, value) for facet in Facet for value in dict.fromkeys(values.getlist(facet)) if value),
        with_restricted=sees_restricted(),
    )


def _criteria(values: MultiDict[str, str]) -> Iterator[Criterion]:
    """Yield the rows of the advanced search. Rows without a value are left out, unless any value is searched."""
    for join, term, operator, value in zip(*(values.getlist(name) for name in CRITERION), strict=False):
        with suppress(ValueError):  # an unknown join or operator
            chosen = Join(join), term, Operator(operator)
            if value.strip() or (chosen[-1] is Operator.ANY and term):
                yield Criterion(*chosen, value.strip())


def as_arguments(selection: Selection) -> dict[str, Any]:
    """Return the selection as query arguments, each a list of values. The empty ones are left out."""
    first, last = selection.dates
    single = {
        "q": selection.words or None,
        "item_set": selection.item_set_id,
        "repository": selection.repository_id,
        "job": selection.job_id,
        "related": selection.related and selection.related.item_id,
        "state": selection.state and selection.state.value,
        "from": first or None,
        "to": last or None,
        "files": None if selection.has_files is None else "yes" if selection.has_files else "no",
        "older": selection.older_than_id,
    }
    every: dict[str, Any] = {name: [str(value)] for name, value in single.items() if value is not None}
    for facet, value in selection.facets:
        every.setdefault(facet.value, []).append(value)
    for criterion in selection.criteria:
        for name, text in zip(CRITERION, criterion.texts, strict=True):
            every.setdefault(name, []).append(text)
    return every


def asked_options(selection: Selection, default: Sort | None = None) -> ListOptions:
    """Return the options in the query string or in the form of a list.

    The default order is by relevance if words are searched.
    """
    usual = default or (Sort.RELEVANCE if selection.words else Sort.NEWEST_IMPORT)
    size = request.values.get("size", SIZES[0], type=int)
    return ListOptions(
        sort=request.values.get("sort", usual, type=Sort),
        usual_sort=usual,
        size=size if size in SIZES else SIZES[0],
        view=request.values.get("view", View.LIST, type=View),
        shows_filters=request.values.get("filters") == SHOW,
    )


def sorted_keys(items: FoundItems, sort: Sort) -> tuple[Order, Select[Any]]:
    """Return the order of a list of items, and a SELECT of its sort keys."""
    order = order_of(items, sort)
    return order, items.ids() if order.columns == (CatalogueItem.id,) else items.keys(*order.columns)


def found_page(items: FoundItems, options: ListOptions) -> dict[str, Any]:
    """Return a page of the items, their thumbnails, the terms to mark and the ticks. Large columns are deferred."""
    light = (defer(CatalogueItem.search_text), defer(CatalogueItem.source_metadata))
    order, keys = sorted_keys(items, options.sort)
    selection = items.selection
    counted = FOUND_COUNTED if selection.words or selection.criteria else None
    page = page_of(
        select(CatalogueItem).options(*light), order, asked_place(), keys, items.ids(), counted, options.size
    )
    return {
        "page": page,
        "options": options,
        "terms": search_terms(selection.words),
        "ticked": request.form.getlist("item", type=row_id),
        "pictures": thumbnails.of_items([i.id for i in page.rows], with_restricted=sees_restricted()),
    }
