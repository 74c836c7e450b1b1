"""The search in a query string of the API: the search of the pages, but an argument without effect is an error."""

from __future__ import annotations

from collections.abc import Collection
from itertools import zip_longest

from flask import request

from ...catalogue.property_search import Operator
from ...catalogue.search import Selection
from ...errors import InvalidInputError
from ...i18n import gettext as _
from ..catalogue.item_lists import CRITERION, ListOptions, as_arguments, asked_options, asked_selection


def checked_search() -> tuple[Selection, ListOptions]:
    """Return the selection and the options. Raise InvalidInputError if a part of the query string has no effect.

    A page shows which filters apply. A program would take all items for the ones that it searched.
    """
    selection = asked_selection()
    options = asked_options(selection)
    used = {name: list(texts) for name, texts in as_arguments(selection).items()}
    used |= {"sort": [options.sort.value], "size": [str(options.size)]}
    for name in request.args.keys() - {"after", *CRITERION}:
        _check(name, used.get(name, []))
    if _count_rows() != len(selection.criteria):
        raise InvalidInputError(_("Give each row of the search a valid join, term, op and value."), "value")
    return selection, options


def _count_rows() -> int:
    """Return the number of rows that search for something, complete or not. A row with an empty value does not."""
    rows = list(zip_longest(*(request.args.getlist(name) for name in CRITERION)))
    return sum(None in row or bool(row[-1].strip()) or row[-2] == Operator.ANY for row in rows)


def _check(name: str, used: Collection[str]) -> None:
    """Raise InvalidInputError unless each value of an argument is used or empty."""
    for text in request.args.getlist(name):
        if text.strip() and not {text, text.strip()}.intersection(used):
            sentence = _("“%(text)s” cannot be used for the argument “%(name)s”.", text=text, name=name)
            raise InvalidInputError(sentence, name)
