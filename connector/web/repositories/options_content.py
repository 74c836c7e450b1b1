"""What the Import Options page shows: its form, its lists, and the object that a person gave the address of."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from markupsafe import Markup

from ...catalogue import crosswalk_rules, item_set_queries
from ...dspace.login import GENERATIONS as LOGIN_GENERATIONS
from ...dspace.records import ScopeKind
from ...errors import ConnectorError, InvalidInputError, NotFoundError
from ...i18n import gettext as _, lazy_gettext as _l
from ...imports.input_checks import check_scope
from ...imports.start.source_queries import last_options
from ...models.repositories import Repository
from ...repositories import service
from ...row_ids import row_id
from ..imports.settings_summary import settings_of
from . import scope_lists
from .connection_forms import LoginForm
from .import_options_form import ImportOptionsForm
from .scope_tree import level_below, tree_of_collections, tree_of_communities

TABS = {
    "settings": _l("Basic import settings"),
    "collections": _l("Collections"),
    "communities": _l("Communities"),
    "repository": _l("Entire repository"),
}
# The object that a person gave the address of.
OFFERS = {
    ScopeKind.COLLECTION: _l('You gave the address of the collection <b dir="auto">%(name)s</b>.'),
    ScopeKind.COMMUNITY: _l('You gave the address of the community <b dir="auto">%(name)s</b>.'),
    ScopeKind.ITEM: _l('You gave the address of the item <b dir="auto">%(name)s</b>.'),
    ScopeKind.REPOSITORY: _l('You gave the address of the repository <b dir="auto">%(name)s</b>.'),
}


def new_options_page(repository: Repository, **shown: Any) -> str:
    """Return the Import Options page with the settings of the last import (see `options_page`).

    They are those of the offered object, or else of the last import that a person started in the repository.
    """
    form = ImportOptionsForm(formdata=None)
    offer = offered_object(repository)
    last = offer and offer["last"]
    form.fill(
        last.options if last else last_options(repository.id),
        crosswalk_rules.in_use(repository).ignored,
        item_set_queries.every(),
    )
    return options_page(repository, form, **shown)


def options_page(
    repository: Repository,
    form: ImportOptionsForm,
    *,
    tab: str | None = None,
    shows_lists: bool = False,
    refused: ConnectorError | None = None,
    login: LoginForm | None = None,
) -> str:
    """Return the Import Options page.

    `tab`: the open tab, by default the requested one. `shows_lists`: whether to read the list of the tab now, which
    htmx otherwise requests. `refused`: the error of an import that did not start.
    """
    tab = tab or request.form.get("show") or request.form.get("reload") or request.values.get("tab")
    tab = tab if tab in TABS else next(iter(TABS))
    lists = list_of(repository, tab) if shows_lists and tab in ("collections", "communities") else {}
    form.offer(repository, item_set_queries.every())
    chosen = form.chosen()
    return render_template(
        "repositories/options.html",
        repository=repository,
        form=form,
        tabs=TABS,
        tab=tab,
        offer=offered_object(repository),
        whole=scope_lists.last_import_of(repository, ScopeKind.REPOSITORY, ""),
        refused=refused,
        settings=None if chosen is None else settings_of(chosen),
        can_sign_in=repository.generation in LOGIN_GENERATIONS and not repository.speaks_oai,
        login=login or LoginForm(formdata=None, login_name=repository.login_name),
        **lists,
    )


def list_of(repository: Repository, name: str) -> dict[str, Any]:
    """Return the template variables of a list: the level below the requested community, or the top level.

    If the repository failed, `error` says why. The rows are then those that were read at `listed_at`, if any.
    """
    words = request.values.get(f"q_{name}", "")
    found: dict[str, Any] = {"listed": name, "words": words}
    try:
        return found | _list_of(repository, name, words, request.values.get("reload") == name)
    except ConnectorError as error:
        return found | {"error": error}


def _list_of(repository: Repository, name: str, words: str, reload: bool) -> dict[str, Any]:
    listing = above = scope_lists.communities(repository, reload and name == "communities")
    if name == "collections":
        listing = scope_lists.collections(repository, reload)
        tree = tree_of_collections(listing.rows, above.rows, words)
    else:
        tree = tree_of_communities(listing.rows, words)
    level = level_below(tree, request.values.get("below", ""), request.values.get("start", 0, type=row_id))
    if level is None:
        raise NotFoundError(_("This community is no longer in the list. Reload the list."))
    return {
        "level": level,
        "rows": scope_lists.rows_of(repository, level),
        "shown": sum(node.count or 1 for node in tree),
        "total": len(listing.rows),
        "twin": service.remember_communities(repository.id, above.rows) if name == "communities" else None,
        "error": listing.error,
        "listed_at": listing.read_at,
    }


def offered_object(repository: Repository) -> dict[str, Any] | None:
    """Return the object in the query string (`offer`), with its last import. Return None if there is none.

    The connection page adds it if the submitted address was that of a collection, community or item.
    """
    scope = request.args.get("offer", "")
    try:
        kind, identifier = check_scope(scope)
    except InvalidInputError:
        return None
    last = scope_lists.last_import_of(repository, kind, identifier)
    name = request.args.get("name") or identifier
    sentence = Markup(str(OFFERS[kind])) % {"name": name}  # which escapes the name
    return {"scope": scope, "name": name, "sentence": sentence, "last": last}
