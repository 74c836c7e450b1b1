"""An item for other programs: its citation, its metadata as JSON-LD, and the links of signposting.org."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from flask import Blueprint, Response, url_for
from markupsafe import Markup
from werkzeug.urls import iri_to_uri

from ...accounts.authorization import allows, sees_restricted
from ...catalogue import citation, item_presentation, related_items
from ...catalogue.json_ld import json_ld
from ...catalogue.source_links import safe_href
from ...models.accounts import Role
from ...models.catalogue import CatalogueFile, CatalogueItem
from ..page_responses import download
from .readable import readable_files, readable_item

blueprint = Blueprint("item_formats", __name__)
# Of all Link headers to authors, licenses and files, because nginx accepts 4 KB of headers by default.
MOST_LINK_BYTES = 1500
EMBEDDED_RELATIONS = 100  # in the JSON-LD of a page; thousands would make it slow
RELATIONS = {"dcterms:creator": "author", "dcterms:license": "license", "dcterms:rights": "license"}


@dataclass(frozen=True, slots=True)
class ItemFormat:
    """A format of one item. `label`: its name on pages."""

    label: str
    media_type: str
    write: Callable[[CatalogueItem], str]


def _cited(write: Callable[[dict[str, object]], str]) -> Callable[[CatalogueItem], str]:
    """Return the function that writes the citation of an item, as the current user may see the item."""

    def written(item: CatalogueItem) -> str:
        texts = item_presentation.texts_of(item, sees_restricted())
        return write(citation.csl(texts.values, f"item-{item.id}", item.link))

    return written


def _described(item: CatalogueItem, most_relations: int | None = None) -> str:
    texts = item_presentation.texts_of(item, sees_restricted())
    fields_url = url_for("home.dashboard", _external=True) + "fields#"
    relations = related_items.named_items([item.id], sees_restricted(), most_relations).get(item.id, [])
    return json_ld(item.link, fields_url, texts, _readable_files(item), relations)


FORMATS = {
    "bib": ItemFormat("BibTeX", "application/x-bibtex", _cited(citation.bibtex)),
    "ris": ItemFormat("RIS", "application/x-research-info-systems", _cited(citation.ris)),
    "csl.json": ItemFormat("CSL JSON", "application/vnd.citationstyles.csl+json", _cited(citation.csl_json)),
    "jsonld": ItemFormat("JSON-LD", "application/ld+json", _described),
}


@blueprint.get("/items/<int:item_id>.<any('bib', 'ris', 'csl.json', 'jsonld'):name>")
@allows(Role.VIEWER)
def item(item_id: int, name: str) -> Response:
    """Download an item in one of the FORMATS, without what the current user may not see."""
    shown, form = readable_item(item_id), FORMATS[name]
    return download(form.write(shown), f"item-{item_id}.{name}", f"{form.media_type}; charset=utf-8")


def embedded_json_ld(item: CatalogueItem) -> Markup:
    """Return the JSON-LD of an item for a script element, with its first related items. No value can end the element.

    The download has all related items.
    """
    return Markup(_described(item, EMBEDDED_RELATIONS).replace("<", "\\u003c"))


def links(item: CatalogueItem) -> Iterator[str]:
    """Yield the Link headers of the page of an item.

    They name its permanent address, its formats, the addresses of its authors and licenses, and its first files.
    """
    if permanent := safe_href(item.link):
        yield f'<{iri_to_uri(permanent)}>; rel="cite-as"'
    for name, form in FORMATS.items():
        address = url_for("item_formats.item", item_id=item.id, name=name, _external=True)
        yield f'<{address}>; rel="describedby"; type="{form.media_type}"'
    yield '<https://schema.org/AboutPage>; rel="type"'
    left = MOST_LINK_BYTES
    for link in chain(_links_of_values(item), _links_to_files(item)):
        if (left := left - len(link)) < 0:
            return
        yield link


def _links_of_values(item: CatalogueItem) -> Iterator[str]:
    """Yield a Link header for each author and license that is a URL, such as an ORCID."""
    values = item_presentation.texts_of(item, sees_restricted()).values
    for term, relation in RELATIONS.items():
        for value in values.get(term, ()):
            if href := safe_href(value["value"]):
                yield f'<{iri_to_uri(href)}>; rel="{relation}"'


def _links_to_files(item: CatalogueItem) -> Iterator[str]:
    for address, file in _readable_files(item):
        yield f'<{address}>; rel="item"; type="{item_presentation.media_type(file)}"'


def _readable_files(item: CatalogueItem) -> Iterator[tuple[str, CatalogueFile]]:
    """Yield the URL of each stored file that the current user may open, with the file."""
    for file in readable_files(item):
        name = item_presentation.file_name(file)
        yield url_for("catalogue.file", file_id=file.id, name=name, _external=True), file
