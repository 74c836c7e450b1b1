"""What the Import Options page shows: its form, its lists, and the object that a person gave the address of."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from markupsafe import Markup

from ...catalogue import item_set_queries
from ...dspace.login import GENERATIONS as LOGIN_GENERATIONS
from ...dspace.records import ScopeKind
from ...errors import ConnectorError, InvalidInputError, LoginFailedError, RepositoryError
from ...i18n import lazy_gettext as _l
from ...imports.import_options import ImportOptions
from ...models.repositories import Repository
from ...repositories import service
from . import scope_lists
from .connection_forms import LoginForm
from .import_options_form import ImportOptionsForm
from .input_checks import check_scope

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
# Errors of a connection to a repository. InvalidInputError: the stored password cannot be decrypted.
NO_WAY = (InvalidInputError, LoginFailedError, RepositoryError)


def new_options_page(repository: Repository, **shown: Any) -> str:
    """Return the Import Options page with the settings of a first import (see `options_page`)."""
    form = ImportOptionsForm(formdata=None)
    form.fill(ImportOptions(), repository.ignored_fields, item_set_queries.every())
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
    tab = tab or request.form.get("show") or request.form.get("reload") or request.form.get("tab")
    tab = tab if tab in TABS else next(iter(TABS))
    lists = list_of(repository, tab) if shows_lists and tab in ("collections", "communities") else {}
    form.offer(item_set_queries.every())
    return render_template(
        "repositories/options.html",
        repository=repository,
        form=form,
        tabs=TABS,
        tab=tab,
        offer=offered(repository),
        whole=scope_lists.last_import_of(repository, ScopeKind.REPOSITORY, ""),
        refused=refused,
        can_sign_in=repository.generation in LOGIN_GENERATIONS,
        login=login or LoginForm(formdata=None, login_name=repository.login_name),
        **lists,
    )


def list_of(repository: Repository, name: str) -> dict[str, Any]:
    """Return the template variables of a list. If the repository failed, return `trouble` instead of rows."""
    words = request.values.get(f"q_{name}", "")
    reload = request.values.get("reload") == name
    found: dict[str, Any] = {"words": words}
    try:
        if name == "collections":
            rows = scope_lists.collections(repository, reload)
            found |= {"total": len(rows), "counted": any(row.item_count is not None for row in rows)}
            found |= {"collections": scope_lists.groups(repository, rows, scope_lists.communities(repository), words)}
        else:
            tops = scope_lists.communities(repository, reload)
            twin = service.remember_communities(repository.id, tops)
            found |= {"total": len(tops), "communities": scope_lists.tree(repository, tops, words), "twin": twin}
    except NO_WAY as error:
        return found | {"trouble": error, "troubled": name}
    return found


def offered(repository: Repository) -> dict[str, Any] | None:
    """Return the object in the query string (`offer`), with its last import. Return None if there is none.

    The connection page adds it if the submitted address was that of a collection, community or item.
    """
    scope = request.args.get("offer", "")
    try:
        kind, identifier = check_scope(scope)
    except InvalidInputError:
        return None
    last = scope_lists.last_import_of(repository, kind, identifier)
    sentence = Markup(str(OFFERS[kind])) % {"name": request.args.get("name") or identifier}  # which escapes the name
    return {"scope": scope, "kind": kind, "sentence": sentence, "last": last}
