"""The facets beside a list of items: links that narrow the list to a value, and links that remove a chosen value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from sqlalchemy import select

from ...catalogue import counts, facets, item_presentation
from ...catalogue.crosswalk import term_label
from ...catalogue.property_search import Join, Operator
from ...catalogue.search import FoundItems, Selection
from ...extensions import db
from ...formatting import number
from ...i18n import gettext as _, lazy_gettext as _l
from ...models.catalogue import CatalogueItem
from ...models.item_facets import Facet
from ...models.repositories import Repository
from .item_lists import CRITERION

SHOWN = 8  # values of a facet; others are unfolded
LABELS = {
    facets.ITEM_SET: _l("Item set"),
    facets.REPOSITORY: _l("Repository"),
    Facet.TYPE: _l("Type"),
    Facet.YEAR: _l("Year"),
    Facet.LANGUAGE: _l("Language"),
    Facet.CREATOR: _l("Creator"),
    Facet.KIND: _l("File type"),
    facets.STATE: _l("State at the source"),
    "job": _l("Import (job ID)"),
    "related": _l("Related to"),
    "from": _l("Date from"),
    "to": _l("Date to"),
    "files": _l("Files"),
    "older": _l("Imported before the item with the number"),
}
KINDS = {
    "pdf": _l("PDF"),
    "image": _l("Image"),
    "audio": _l("Audio"),
    "video": _l("Video"),
    "text": _l("Text"),
    "other": _l("Other"),
}
JOINS = {Join.AND: _l("And"), Join.OR: _l("Or"), Join.NOT: _l("Not")}
OPERATORS = {
    Operator.CONTAINS: _l("contains"),
    Operator.IS: _l("is exactly"),
    Operator.STARTS: _l("starts with"),
    Operator.ANY: _l("has any value"),
}
SENTENCES = {
    Operator.CONTAINS: _l("%(property)s contains “%(value)s”"),
    Operator.IS: _l("%(property)s is exactly “%(value)s”"),
    Operator.STARTS: _l("%(property)s starts with “%(value)s”"),
    Operator.ANY: _l("%(property)s has any value"),
}
FILES = {"yes": _l("with files"), "no": _l("without files")}
Arguments = Mapping[str, Any]  # lists of values
Label = Callable[[str, str], str]  # of a facet and its value


@dataclass(frozen=True, slots=True)
class Link:
    """A value of a facet, with the address of the list with it or, if it is chosen, without it."""

    facet: str
    label: str
    address: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class FacetGroup:
    """The values of a facet that narrow a list. `more`: the rarer ones."""

    label: str
    links: Sequence[Link]
    more: Sequence[Link]


@dataclass(frozen=True, slots=True)
class Facets:
    """The facets of a list. `is_partial`: only the newest items were counted."""

    groups: Sequence[FacetGroup]
    is_partial: bool


def are_quick(items: FoundItems) -> bool:
    """Return whether the facets of these items are counted so quickly that the page of the list can contain them."""
    return items.few is not None or items.selection.is_everything


def facets_of(items: FoundItems, asked: Arguments, label: Label) -> Facets:
    """Return the facets of the list of these items. `asked`: the query arguments of its address."""
    found, is_partial = counted_facets(items)
    groups = []
    for name in LABELS:
        values = [pair for pair in found.get(name, ()) if pair[0] not in asked.get(name, ())]
        links = [
            Link(
                str(LABELS[name]),
                label(name, value),
                url_for("catalogue.items", **_with(asked, name, value)),
                number(count),
            )
            for value, count in values
        ]
        if links and not (name in facets.COLUMNS and (name in asked or len(links) < 2)):
            groups.append(FacetGroup(str(LABELS[name]), links[:SHOWN], links[SHOWN:]))
    return Facets(groups, is_partial)


def counted_facets(items: FoundItems) -> tuple[facets.Counts, bool]:
    """Return the facets of these items, and whether only the newest items were counted. Those of all are stored."""
    selection = items.selection
    stored = counts.facets_of_all(selection.with_restricted) if selection.is_everything else None
    return (stored, False) if stored else facets.count(items)


def chosen_links(selection: Selection, asked: Arguments, label: Label) -> list[Link]:
    """Return the values that narrow a list. `asked`: the query arguments of its address."""
    return [*_chosen(asked, label), *_chosen_criteria(selection, asked)]


def _chosen(asked: Arguments, label: Label) -> Iterator[Link]:
    for name in LABELS:
        for value in asked.get(name, ()):
            left = [other for other in asked[name] if other != value]
            yield Link(str(LABELS[name]), label(name, value), url_for("catalogue.items", **{**asked, name: left}))


def _chosen_criteria(selection: Selection, asked: Arguments) -> Iterator[Link]:
    for place, criterion in enumerate(selection.criteria):
        left = {name: [*asked[name][:place], *asked[name][place + 1 :]] for name in CRITERION}
        words = {"property": property_label(criterion.term), "value": criterion.value}
        label = str(SENTENCES[criterion.operator]) % words
        yield Link(str(JOINS[criterion.join]), label, url_for("catalogue.items", **{**asked, **left}))


def property_label(term: str) -> str:
    """Return the label of a property, or "Any property"."""
    return term_label(term) if term else _("Any property")


def _with(asked: Arguments, name: str, value: str) -> dict[str, Any]:
    return {**asked, name: [value] if name in facets.COLUMNS else [*asked.get(name, ()), value]}


def labeller(selection: Selection, set_names: Mapping[int, str]) -> Label:
    """Return a function that returns the label of a value of a facet of the selection, or of a link that narrows it."""
    repositories = db.session.scalars(select(Repository))
    labels: dict[str, Mapping[str, Any]] = {
        facets.ITEM_SET: {str(key): name for key, name in set_names.items()},
        facets.REPOSITORY: {str(repository.id): repository.label_and_host for repository in repositories},
        facets.STATE: {state.value: name for state, name in item_presentation.STATES.items()},
        Facet.KIND: KINDS,
        "files": FILES,
        "related": _title_of(selection),
    }
    return lambda name, value: str(labels.get(name, {}).get(value, value))


def _title_of(selection: Selection) -> dict[str, str]:
    """Return the title of the item to which the selected items are related, by its id, if the reader may see it."""
    item = selection.related and db.session.get(CatalogueItem, selection.related.item_id)
    if not item or (item.is_restricted and not selection.with_restricted):
        return {}
    return {str(item.id): item_presentation.title_of(item, selection.with_restricted) or _("Untitled")}
