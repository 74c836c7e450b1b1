"""The pages of lists of items: that of all items, and that of an item set."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from ...accounts.authorization import sees_restricted
from ...catalogue import facets, item_set_queries
from ...catalogue.item_order import Sort
from ...catalogue.item_set_queries import labels
from ...catalogue.search import Selection, find, find_newest
from ...errors import InvalidInputError
from ...pagination import asked_place
from ...row_ids import row_id
from .facet_links import are_quick, chosen_links, facets_of, labeller
from .item_lists import (
    ARGUMENTS,
    OPTIONS,
    SIZES,
    SORTS,
    VIEWS,
    as_arguments,
    asked_options,
    form_selection,
    found_page,
)


def list_of_form(error: InvalidInputError) -> str:
    """Return the page of the list whose form was sent, with the error, the ticks and the choices of the form."""
    item_set_id = request.form.get("of_set", type=row_id)
    if item_set_id is not None:
        return item_set_page(item_set_id, error)
    return items_page(form_selection(), request.form.get("q", ""), form_error=error)


def list_address_of_form() -> str:
    """Return the address of the page of the list whose form was sent."""
    place, item_set_id = asked_place().arguments, request.form.get("of_set", type=row_id)
    if item_set_id is not None:
        return url_for("item_sets.show", item_set_id=item_set_id, **place)
    selection = form_selection()
    return url_for("catalogue.items", **as_arguments(selection), **asked_options(selection).arguments, **place)


def items_page(
    selection: Selection,
    words: str,
    refused: InvalidInputError | None = None,
    form_error: InvalidInputError | None = None,
) -> str:
    """Return the search form with the items found, or with the reason why it was refused.

    `form_error`: the error of the form below the items.
    """
    item_sets = item_set_queries.every()
    set_labels = labels(item_sets)
    options, asked = asked_options(selection), as_arguments(selection)
    content: dict[str, Any] = {"options": options}
    if not refused:
        found, arguments, label = find_newest(selection), asked | options.arguments, labeller(selection, set_labels)
        content |= found_page(found, options) | {"found": found}
        content["chosen"] = chosen_links(selection, arguments, label)
        if options.shows_filters or are_quick(found):
            content["facets"] = facets_of(found, arguments, label)
    return render_template(
        "catalogue/items.html",
        selection=selection,
        words=words,
        refused=refused,
        form_error=form_error,
        asked=asked,
        place=asked_place().arguments,
        item_sets=item_sets,
        set_labels=set_labels,
        facet_limit=facets.COUNTED,
        advanced={name: request.values.getlist(name) for name in (*ARGUMENTS, *OPTIONS)},
        sorts=SORTS,
        sizes=SIZES,
        views=VIEWS,
        **content,
    )


def item_set_page(item_set_id: int, form_error: InvalidInputError | None = None) -> str:
    """Return the page of an item set with its items. `form_error`: the error of the form below them."""
    selection = Selection(item_set_id=item_set_id, with_restricted=sees_restricted())
    other_sets = [item_set for item_set in item_set_queries.every() if item_set.id != item_set_id]
    return render_template(
        "catalogue/item_set.html",
        item_set=item_set_queries.get(item_set_id),
        asked=as_arguments(selection),
        place=asked_place().arguments,
        item_sets=other_sets,
        set_labels=labels(other_sets),
        form_error=form_error,
        **found_page(find(selection), asked_options(selection, Sort.OLDEST_IMPORT)),
    )
