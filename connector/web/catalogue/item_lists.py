"""Lists of items: the selection that a query string or a form asks for, and a page of it."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import Select, select
from sqlalchemy.orm import defer
from werkzeug.datastructures import MultiDict

from ...accounts.authorization import sees_restricted
from ...catalogue import item_set_queries
from ...catalogue.search import Selection
from ...errors import InvalidInputError
from ...i18n import gettext as _
from ...models.catalogue import CatalogueItem
from ...pagination import Order, asked_place, page_of
from ...row_ids import row_id

FOUND_COUNTED = 1000  # count at most this many matches of a search, since each must be read


def asked_selection() -> Selection:
    """Return the selection in the query string."""
    return _selection(request.args)


def form_selection() -> Selection:
    """Return the selection of the list whose form was sent."""
    return _selection(request.form)


def chosen_items() -> Select[int]:
    """Return a SELECT of the ids of the items that a form names: all items of its list, or those with a tick.

    Raise InvalidInputError if there is no tick.
    """
    if "every" in request.form:
        return form_selection().ids()
    if not (item_ids := request.form.getlist("item", type=row_id)):
        raise InvalidInputError(_("Choose items."))
    return select(CatalogueItem.id).where(CatalogueItem.id.in_(item_ids))


def _selection(values: MultiDict[str, str]) -> Selection:
    """Return the selection in these values. Ignore ids that are not numbers."""
    return Selection(
        words=values.get("q", "").strip(),
        item_set_id=values.get("item_set", type=row_id),
        repository_id=values.get("repository", type=row_id),
        job_id=values.get("job", type=row_id),
        with_restricted=sees_restricted(),
    )


def as_arguments(selection: Selection) -> dict[str, Any]:
    """Return the selection as query arguments, without the empty ones."""
    every = {
        "q": selection.words or None,
        "item_set": selection.item_set_id,
        "repository": selection.repository_id,
        "job": selection.job_id,
    }
    return {name: value for name, value in every.items() if value is not None}


def found_page(selection: Selection, *, newest_first: bool) -> dict[str, Any]:
    """Return a page of the selected items and their thumbnails. Large columns are deferred."""
    light = (defer(CatalogueItem.search_text), defer(CatalogueItem.source_metadata))
    order = Order((CatalogueItem.id,), is_descending=newest_first)
    counted = FOUND_COUNTED if selection.words else None
    page = page_of(select(CatalogueItem).options(*light), order, asked_place(), selection.ids(), counted)
    return {
        "page": page,
        "pictures": item_set_queries.thumbnails([i.id for i in page.rows], with_restricted=sees_restricted()),
    }
