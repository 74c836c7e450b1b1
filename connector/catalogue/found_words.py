"""The terms of a search in the texts of an item, for pages that mark them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from ..models.catalogue import CatalogueItem
from ..word_search import Term, fold
from .crosswalk import term_label
from .item_presentation import citation_parts, described, title_of
from .restricted_values import open_terms

BEFORE, AFTER = 60, 140  # characters of an excerpt before and after the start of the first found term
Parts = list[tuple[str, bool]]


def marked(text: str, terms: Iterable[Term]) -> Parts:
    """Return the parts of a text, each with whether it is one of these terms."""
    wanted = [term.expression for term in sorted(terms, key=lambda term: -len(term.text)) if not term.is_excluded]
    if not wanted:
        return [(text, False)]
    folded, places = _folded_with_places(text)
    parts, at = [], 0
    for match in re.finditer("|".join(wanted), folded):
        start, end = places[match.start()], places[match.end()]
        if start >= at and end > start:
            parts += [(text[at:start], False), (text[start:end], True)]
            at = end
    return [part for part in (*parts, (text[at:], False)) if part[0]]


def excerpt(item: CatalogueItem, terms: Sequence[Term], with_restricted: bool) -> tuple[str, Parts] | None:
    """Return the label and a part of the first value with a term that title and citation line lack, or None.

    The part has the terms marked.
    """
    shown = fold(" ".join((title_of(item, with_restricted) or "", *citation_parts(item, with_restricted))))
    missing = [term for term in terms if not term.is_excluded and not re.search(term.expression, shown)]
    if not missing:
        return None
    expression = re.compile("|".join(term.expression for term in missing))
    values = item.mapped_values if with_restricted else open_terms(item.mapped_values)
    for term, text in _values(values):
        if expression.search(fold(text)):
            line = " ".join(text.split())
            folded, places = _folded_with_places(line)
            found = expression.search(folded)
            return term_label(term), marked(_around(line, places[found.start()] if found else 0), terms)
    return None


def _values(values: dict[str, list[dict[str, str]]]) -> Iterator[tuple[str, str]]:
    for group in described(values):
        for term, entries in group:
            for entry in entries:
                yield term, entry["uri"] if "uri" in entry else entry["value"]


def _around(text: str, at: int) -> str:
    """Return the part of a text around a place. Words are kept whole, as far as there are spaces."""
    start, end = max(0, at - BEFORE), at + AFTER
    part = text[start:end]
    if start:
        part = "…" + part[part.find(" ", 0, BEFORE) + 1 :]
    if end < len(text):
        space = part.rfind(" ", AFTER // 2)
        part = part[: space if space > 0 else None] + "…"
    return part


def _folded_with_places(text: str) -> tuple[str, list[int]]:
    """Return the folded text, and the place in `text` of each of its characters and of its end."""
    pieces, places = [], []
    for start, cluster in _clusters(text):
        piece = " " if cluster.isspace() else fold(cluster)
        pieces.append(piece)
        places += [start] * len(piece)
    return "".join(pieces), [*places, len(text)]


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Yield each character with the combining characters that follow it, and its place."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not unicodedata.combining(text[at]):
            yield start, text[start:at]
            start = at
