"""The form of the advanced search. Its buttons to add and remove rows send it to its own page, without script."""

from __future__ import annotations

from itertools import zip_longest

from flask import Blueprint, render_template, request

from ...accounts.authorization import allows, sees_restricted
from ...catalogue import item_presentation, item_set_queries
from ...catalogue.crosswalk import BIBO, DCTERMS
from ...catalogue.item_set_queries import labels
from ...catalogue.property_search import MOST_ROWS, Join, Operator
from ...catalogue.search import Selection, find
from ...models.accounts import Role
from ...models.item_facets import Facet
from ...repositories import service
from .facet_links import FILES, JOINS, OPERATORS, counted_facets
from .item_lists import CRITERION, OPTIONS

blueprint = Blueprint("advanced_search", __name__)
VOCABULARIES = {
    "Dublin Core": {f"dcterms:{name}": label for name, label in DCTERMS.items()},
    "BIBO": {f"bibo:{name}": label for name, label in BIBO.items()},
}
EMPTY_ROW = (Join.AND.value, "", Operator.CONTAINS.value, "")
# Query arguments that the form has no fields for.
KEPT = (*OPTIONS, *(facet for facet in Facet if facet is not Facet.TYPE))


@blueprint.get("/items/advanced")
@allows(Role.VIEWER)
def form() -> str:
    """Show the form with the criteria in the query string, with a row more or less if a button asks for it."""
    item_sets = item_set_queries.every()
    return render_template(
        "catalogue/advanced.html",
        rows=_rows(),
        most_rows=MOST_ROWS,
        kept={name: values for name in KEPT if (values := request.args.getlist(name))},
        vocabularies=VOCABULARIES,
        joins=JOINS,
        operators=OPERATORS,
        item_sets=item_sets,
        set_labels=labels(item_sets),
        repositories=service.every(),
        states=item_presentation.STATES,
        files=FILES,
        types=_types(),
    )


def _types() -> list[str]:
    """Return the types in the query string, and the most frequent types of all items."""
    frequent = counted_facets(find(Selection(with_restricted=sees_restricted())))[0][Facet.TYPE]
    return list(dict.fromkeys([*filter(None, request.args.getlist(Facet.TYPE)), *(value for value, _ in frequent)]))


def _rows() -> list[tuple[str, ...]]:
    """Return join, property, operator and value of each row, at least one row."""
    rows = list(zip_longest(*(request.args.getlist(name) for name in CRITERION), fillvalue=""))[:MOST_ROWS]
    number = request.args.get("remove", type=int)
    if number is not None and 0 <= number < len(rows):
        del rows[number]
    if not rows or ("add" in request.args and len(rows) < MOST_ROWS):
        rows.append(EMPTY_ROW)
    return rows
