"""The pages of items, files and item sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request, send_file, url_for

from ...accounts.authorization import allows, sees_restricted
from ...catalogue import (
    facet_values,
    facets,
    found_words,
    history,
    item_presentation,
    item_set_queries,
    related_items,
    search,
    thumbnails,
)
from ...catalogue.item_set_queries import labels
from ...catalogue.search import Selection, find_newest
from ...catalogue.source_links import value_href
from ...dspace.records import SourceState
from ...errors import InvalidInputError, NotFoundError
from ...i18n import gettext as _
from ...models.accounts import Role
from ...models.catalogue import CatalogueItem
from ...storage.garbage_collection import the_folder
from ...word_search import Term
from . import item_formats
from .facet_links import facets_of, labeller
from .item_lists import as_arguments, asked_options, asked_selection
from .list_pages import items_page
from .readable import readable_file, readable_item
from .viewer_pages import pictures_of

blueprint = Blueprint("catalogue", __name__)
blueprint.app_template_global()(item_presentation.file_name)
blueprint.app_template_global()(item_presentation.is_shown)
blueprint.app_template_global()(item_presentation.next_try)
blueprint.app_template_global()(item_presentation.original_of)
blueprint.app_template_global()(value_href)
blueprint.app_template_global("marked")(found_words.marked)
blueprint.app_template_global("file_statuses")(lambda: item_presentation.FILE_STATUSES)

# Stored files are untrusted. A browser that opens one must not run its scripts or load anything.
SANDBOX = "default-src 'none'; base-uri 'none'; sandbox; frame-ancestors 'none'"
# The PDF viewer of Chromium does not run in a sandboxed page. It has its own sandbox.
PDF_POLICY = "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"


@blueprint.get("/items/")
@allows(Role.VIEWER)
def items() -> Any:
    """Show the items, newest first. Filter them by words, item set, repository or import if requested."""
    try:
        return items_page(asked_selection(), request.args.get("q", ""))
    except InvalidInputError as error:
        return items_page(Selection(), request.args.get("q", ""), error), 422


@blueprint.get("/items/filters")
@allows(Role.VIEWER)
def filters() -> str:
    """Return the filters of the list at this address. The page of a list with many items loads them later."""
    selection = asked_selection()
    asked = as_arguments(selection) | asked_options(selection).arguments
    found = facets_of(find_newest(selection), asked, labeller(selection, labels(item_set_queries.every())))
    return render_template("catalogue/_facets.html", facets=found, facet_limit=facets.COUNTED)


@blueprint.get("/items/<int:item_id>/")
@allows(Role.VIEWER)
def item(item_id: int) -> Response:
    """Show an item with its metadata, its files and a link to the original. Link headers name the other formats."""
    shown = readable_item(item_id)
    texts = item_presentation.texts_of(shown, sees_restricted())
    terms, others = item_presentation.described(texts.values)
    page = render_template(
        "catalogue/item.html",
        item=shown,
        files=item_presentation.files_of(shown, sees_restricted()),
        formats=item_formats.FORMATS,
        linked_data=item_formats.embedded_json_ld(shown),
        metadata=texts.metadata,
        terms=terms,
        others=item_presentation.without_item_ids(others),
        related=related_items.of_item(shown, sees_restricted()),
        has_manifest=bool(pictures_of(shown)),
        picture=thumbnails.of_items([item_id], with_restricted=sees_restricted()).get(item_id),
        item_sets=(its_sets := item_set_queries.of_item(item_id)),
        set_labels=labels(its_sets),
        brought_by=search.brought_by(item_id),
        changed_by=search.jobs_of([item_id]).get(item_id, []),
        state=item_presentation.STATES[SourceState(shown.source_state)],
    )
    response = make_response(page)
    for link in item_formats.links(shown):
        response.headers.add("Link", link)
    return response


@blueprint.get("/items/<int:item_id>/history")
@allows(Role.EDITOR)
def item_history(item_id: int) -> str:
    """Show which jobs changed an item, and what. Viewers do not see it, because earlier states may be restricted."""
    return render_template(
        "catalogue/item_history.html", item=readable_item(item_id), entries=list(history.of_item(item_id))
    )


@blueprint.get("/files/<int:file_id>/<path:name>")
@allows(Role.VIEWER)
def file(file_id: int, name: str) -> Response:
    """Return the content of a stored file.

    `name` only makes the URL readable. The response uses the file name in the catalogue.
    """
    found = readable_file(file_id)
    sha256 = found.sha256 or ""
    path = the_folder().path(sha256)
    if not path.is_file():
        raise NotFoundError(_("This file is missing in the files folder. An import with files downloads it again."))
    media_type = item_presentation.media_type(found)
    response = send_file(
        path,
        mimetype=media_type,
        as_attachment=not item_presentation.is_shown(found),
        download_name=item_presentation.file_name(found),
        conditional=True,
        etag=sha256,
    )
    is_restricted = found.item.is_restricted or found.is_restricted
    response.headers["Cache-Control"] = "no-store" if is_restricted else "private, no-cache"
    response.headers["Content-Security-Policy"] = PDF_POLICY if media_type == "application/pdf" else SANDBOX
    return response


@blueprint.app_template_global()
def facet_url(term: str, text: str) -> str:
    """Return the address of the list of items with this value of a term, or "" if no filter is for the term."""
    facet = facet_values.TERMS.get(term)
    if facet is None or not (value := facet_values.value_of(facet, text)):
        return ""
    asked: dict[str, Any] = {facet: value}
    return url_for("catalogue.items", **asked)


@blueprint.app_template_global()
def title_of(item: CatalogueItem) -> str:
    """Return the title of an item as the current user may see it."""
    return item_presentation.title_of(item, sees_restricted()) or _("Untitled")


@blueprint.app_template_global()
def citation_parts(item: CatalogueItem) -> tuple[str, str]:
    """Return the creators and the date of an item as the current user may see them."""
    return item_presentation.citation_parts(item, sees_restricted())


@blueprint.app_template_global()
def excerpt_of(item: CatalogueItem, terms: Sequence[Term]) -> tuple[str, found_words.Parts] | None:
    """Return the label and a part of the first value with found words, as the current user may see it."""
    return found_words.excerpt(item, terms, sees_restricted())


@blueprint.app_template_global()
def first_values(item: CatalogueItem, term: str) -> list[str]:
    """Return the first values of a term as the current user may see them."""
    return item_presentation.first_values(item, term, sees_restricted())
