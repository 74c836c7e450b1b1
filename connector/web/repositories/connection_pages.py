"""The connection page, which lists the known repositories, and the Import Options page."""

from __future__ import annotations

import gzip
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from sqlalchemy import select

from ...accounts.authorization import allows, may
from ...dspace.login import GENERATIONS as LOGIN_GENERATIONS
from ...dspace.records import ORIGINAL, ScopeKind
from ...errors import ConflictError, ConnectorError, InvalidInputError, LoginFailedError, RepositoryError
from ...extensions import db
from ...i18n import gettext as _
from ...i18n import lazy_gettext as _l
from ...imports.import_options import ImportOptions
from ...jobs import lifecycle
from ...models.accounts import Role
from ...models.catalogue import ItemSet
from ...models.repositories import Repository
from ...repositories import credentials, discovery, service
from ...row_ids import row_id
from ...tasks import wake
from ..error_pages import wants_fragment
from ..flash_messages import flash
from . import scope_lists
from .connection_forms import ConnectForm, ImportOptionsForm, LoginForm, check_scope

ASKED_ANEW = ("csrf_token", "estimate", "scope")
TABS = {
    "settings": _l("Basic import settings"),
    "collections": _l("Collections"),
    "communities": _l("Communities"),
    "repository": _l("Entire repository"),
}

MAX_NAME_CHARACTERS = 100  # of a name in a redirect URL: proxies limit a header to about 4 KB
FORGOTTEN = _l(
    "The repository has a new address. The stored login was deleted, so that its password is not sent "
    "there. Imports see only public items until you enter a login here."
)

# Errors of a connection to a repository. InvalidInputError: the stored password cannot be decrypted.
NO_WAY = (InvalidInputError, LoginFailedError, RepositoryError)

blueprint = Blueprint("repositories", __name__)
blueprint.record_once(lambda setup: setup.app.extensions.setdefault("listings", scope_lists.Listings()))


@blueprint.get("/")
@allows(Role.VIEWER)
def connect() -> Any:
    """Show the connection form and the known repositories. Redirect viewers to the items."""
    return _connect_page(ConnectForm()) if g.person.may(Role.EDITOR) else redirect(url_for("catalogue.items"), 303)


@blueprint.post("/")
@allows(Role.EDITOR)
def connect_now() -> Any:
    """Connect to the DSpace at the submitted address."""
    return _connect(ConnectForm())


@blueprint.get("/repositories/<int:repository_id>/change")
@allows(Role.EDITOR)
def change(repository_id: int) -> str:
    """Show the connection form of a known repository, which may have moved."""
    repository = credentials.to_be_moved(repository_id)
    form = ConnectForm(url=repository.site_url, endpoint=repository.endpoint, limit=repository.limit)
    form.delay.data = f"{repository.delay:g}" if repository.delay else ""
    return _connect_page(form, repository)


@blueprint.post("/repositories/<int:repository_id>/change")
@allows(Role.EDITOR)
def change_now(repository_id: int) -> Any:
    """Connect a known repository to the submitted address."""
    return _connect(ConnectForm(), credentials.to_be_moved(repository_id))


@blueprint.get("/repositories/<int:repository_id>/forget")
@allows(Role.ADMIN)
def forget(repository_id: int) -> str:
    """Ask for confirmation before the app forgets a repository."""
    return render_template("repositories/forget.html", repository=service.get(repository_id))


@blueprint.post("/repositories/<int:repository_id>/forget")
@allows(Role.ADMIN)
def forget_now(repository_id: int) -> Any:
    """Forget the repository. Show the reason (409) if the catalogue holds items of it."""
    repository = service.get(repository_id)
    label = repository.label
    try:
        service.forget(repository_id)
    except ConflictError as error:
        return render_template("repositories/forget.html", repository=service.get(repository_id), refused=error), 409
    flash(_("%(label)s was forgotten.", label=label))
    return redirect(url_for(".connect"), 303)


@blueprint.get("/repositories/<int:repository_id>/")
@allows(Role.EDITOR)
def options(repository_id: int) -> str:
    """Show the Import Options page with the settings of the last import of the offered object."""
    repository = service.get(repository_id)
    form = ImportOptionsForm(formdata=None)
    offer = _offer(repository)
    item_sets = _item_sets()
    last = offer and offer["last"]
    form.fill(ImportOptions.from_json(last.options if last else {}), repository.ignored_fields, item_sets)
    return _options_page(repository, form)


@blueprint.post("/repositories/<int:repository_id>/")
@allows(Role.EDITOR)
def import_now(repository_id: int) -> Any:
    """Start the import or show its estimate. Without JavaScript, show the requested list instead."""
    repository = service.get(repository_id)
    form = ImportOptionsForm()
    form.offer(_item_sets())
    if "scope" not in request.form:
        return _options_page(repository, form, shows_lists=True)
    if not form.validate():
        return _options_page(repository, form, tab="settings"), 422
    try:
        scope = check_scope(request.form["scope"])
        if form.estimate.data:
            return _estimate_page(repository_id, form, *scope)
        job_id = _start(repository_id, form, *scope)
    except NO_WAY as error:
        return _options_page(repository, form, refused=error), 422
    return redirect(url_for("imports.job", job_id=job_id), 303)


@blueprint.get("/repositories/<int:repository_id>/<any(collections, communities):name>")
@allows(Role.EDITOR)
def scope_list(repository_id: int, name: str) -> Any:
    """Show the list of collections or communities: as a fragment for htmx, else in its page."""
    repository = service.get(repository_id)
    if not wants_fragment():
        return _options_page_anew(repository, tab=name, shows_lists=True)
    context = {"repository": repository, **_list(repository, name)}
    return _compressed(render_template("repositories/_listed.html", name=name, **context))


@blueprint.post("/repositories/<int:repository_id>/same-as")
@allows(Role.EDITOR)
def same_as(repository_id: int) -> Any:
    """Merge this repository into a known one that has moved to this address."""
    kept = credentials.to_be_moved(request.form.get("same_as", 0, type=row_id)).id
    forgotten = discovery.merge(credentials.to_be_moved(repository_id).id, kept)
    flash(_("The two are now one repository. Items imported before are not imported twice."))
    if forgotten:
        flash(FORGOTTEN)
    return redirect(url_for(".options", repository_id=kept), 303)


@blueprint.post("/repositories/<int:repository_id>/login")
@allows(Role.ADMIN)
def sign_in(repository_id: int) -> Any:
    """Store a login for the repository after a successful test sign-in."""
    repository = service.get(repository_id)
    form = LoginForm()
    if not form.validate():
        return _options_page_anew(repository, login=form), 422
    try:
        credentials.sign_in(repository_id, form.login_name.data or "", form.password.data or "")
    except (LoginFailedError, RepositoryError) as error:
        form.refuse(error)
        return _options_page_anew(service.get(repository_id), login=form), 422
    flash(_("Imports now sign in as %(data)s.", data=form.login_name.data))
    return redirect(url_for(".options", repository_id=repository_id), 303)


@blueprint.post("/repositories/<int:repository_id>/login/forget")
@allows(Role.ADMIN)
def sign_out(repository_id: int) -> Any:
    """Delete the stored login for the repository."""
    credentials.sign_out(repository_id)
    flash(_("The login was deleted. Imports see only public items."))
    return redirect(url_for(".options", repository_id=repository_id), 303)


def _connect(form: ConnectForm, moved: Repository | None = None) -> Any:
    same_as = moved.id if moved else None
    if not form.validate():
        return _connect_page(form, moved), 422
    try:
        connected = discovery.connect(
            form.url.data or "",
            form.endpoint.data,
            form.limit.data,
            same_as,
            delay=form.delay.data,
            may_forget_login=may(Role.ADMIN),
        )
    except ConnectorError as error:
        form.refuse(error)
        return _connect_page(form, service.get(same_as) if same_as else None), 422
    if connected.login_forgotten:
        flash(FORGOTTEN)
    offer: dict[str, Any] = {}
    if scope := connected.scope:
        offer = {"offer": f"{scope.kind}:{scope.handle or scope.id}", "name": scope.name[:MAX_NAME_CHARACTERS]}
    return redirect(url_for(".options", repository_id=connected.repository_id, **offer), 303)


def _connect_page(form: ConnectForm, moved: Repository | None = None) -> str:
    known = db.session.scalars(select(Repository).order_by(Repository.id)).all()
    return render_template("repositories/connect.html", form=form, known=known, moved=moved)


def _options_page_anew(repository: Repository, **shown: Any) -> str:
    """Return the Import Options page with the settings of a first import (see `_options_page`)."""
    form = ImportOptionsForm(formdata=None)
    form.fill(ImportOptions(), repository.ignored_fields, _item_sets())
    return _options_page(repository, form, **shown)


def _options_page(
    repository: Repository,
    form: ImportOptionsForm,
    *,
    tab: str | None = None,
    shows_lists: bool = False,
    refused: ConnectorError | None = None,
    login: LoginForm | None = None,
) -> str:
    tab = tab or request.form.get("show") or request.form.get("reload") or request.form.get("tab")
    tab = tab if tab in TABS else next(iter(TABS))
    lists = _list(repository, tab) if shows_lists and tab in ("collections", "communities") else {}
    form.offer(_item_sets())
    return render_template(
        "repositories/options.html",
        repository=repository,
        form=form,
        tabs=TABS,
        tab=tab,
        offer=_offer(repository),
        whole=scope_lists.last_import_of(repository, ScopeKind.REPOSITORY, ""),
        refused=refused,
        can_sign_in=repository.generation in LOGIN_GENERATIONS,
        login=login or LoginForm(formdata=None, login_name=repository.login_name),
        **lists,
    )


def _list(repository: Repository, name: str) -> dict[str, Any]:
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


def _start(repository_id: int, form: ImportOptionsForm, kind: ScopeKind, identifier: str) -> int:
    """Queue the import and wake a worker. Return the id of the job."""
    found = discovery.find(repository_id, kind, identifier)
    service.ignore_fields(repository_id, form.ignored.data)
    source_id = service.source_for(repository_id, found.scope)
    job_id = lifecycle.create(
        source_id, form.options().to_json(), comment=form.comment.data or "", requests=found.requests
    )
    wake(job_id)
    return job_id


def _estimate_page(repository_id: int, form: ImportOptionsForm, kind: ScopeKind, identifier: str) -> str:
    """Return a page with the estimate and a button that starts the import with the same settings."""
    scope = discovery.find(repository_id, kind, identifier).scope
    bundles = (form.bundles.data or (ORIGINAL,)) if form.files.data else ()
    estimate = discovery.estimate(repository_id, scope, bundles=bundles)
    return render_template(
        "repositories/estimate.html",
        repository=service.get(repository_id),
        scope=scope,
        estimate=estimate,
        limit=form.files_limit.data if form.files.data else None,
        settings=[(name, value) for name, value in request.form.items(multi=True) if name not in ASKED_ANEW],
    )


def _offer(repository: Repository) -> dict[str, Any] | None:
    """Return the object in the query string (`offer`), with its last import. Return None if there is none.

    The connection page adds it if the submitted address was that of a collection, community or item.
    """
    scope = request.args.get("offer", "")
    try:
        kind, identifier = check_scope(scope)
    except InvalidInputError:
        return None
    last = scope_lists.last_import_of(repository, kind, identifier)
    return {"scope": scope, "kind": kind, "name": request.args.get("name") or identifier, "last": last}


def _item_sets() -> list[ItemSet]:
    return list(db.session.scalars(select(ItemSet).order_by(ItemSet.name, ItemSet.id)))


def _compressed(html: str) -> Response:
    """Return the list as a response, compressed with gzip if the browser accepts it.

    Compression is safe here (no BREACH attack), since the list contains no token.
    """
    response = make_response(html)
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip"):
        response.set_data(gzip.compress(response.get_data(), 5))
        response.content_encoding = "gzip"
    return response
