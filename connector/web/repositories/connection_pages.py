"""The connection page, which lists the known repositories, and the pages that change, merge or forget one."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for

from ...accounts.authorization import allows, may
from ...errors import ConflictError, ConnectorError
from ...i18n import gettext as _, lazy_gettext as _l
from ...models.accounts import Role
from ...models.repositories import Repository
from ...repositories import credentials, discovery, service
from ...repositories.discovery import Connected
from ...row_ids import row_id
from ..flash_messages import flash
from .blueprint import blueprint
from .connection_forms import ChangeForm, ConnectForm

MAX_NAME_CHARACTERS = 100  # of a name in a redirect URL: proxies limit a header to about 4 KB
FORGOTTEN = _l(
    "The repository has a new address. The stored login was deleted, so that its password is not sent "
    "there. Imports see only public items until you enter a login here."
)


@blueprint.get("/repositories/")
@allows(Role.EDITOR)
def connect() -> str:
    """Show the connection form and the known repositories."""
    return _connect_page(ConnectForm())


@blueprint.post("/repositories/")
@allows(Role.EDITOR)
def connect_now() -> Any:
    """Connect to the DSpace at the submitted address."""
    form = ConnectForm()
    if not form.validate():
        return _connect_page(form), 422
    try:
        connected = _connected(form)
    except ConnectorError as error:
        form.refuse(error)
        return _connect_page(form), 422
    if connected.login_forgotten:
        flash(FORGOTTEN)
    offer: dict[str, Any] = {}
    if scope := connected.scope:
        offer = {"offer": f"{scope.kind}:{scope.handle or scope.id}", "name": scope.name[:MAX_NAME_CHARACTERS]}
    return redirect(url_for(".options", repository_id=connected.repository_id, **offer), 303)


@blueprint.get("/repositories/<int:repository_id>/change")
@allows(Role.EDITOR)
def change(repository_id: int) -> str:
    """Show the connection form of a known repository, which may have moved."""
    repository = credentials.movable(repository_id)
    form = ChangeForm(formdata=None)
    form.fill(repository)
    form.offer(repository)
    return _connect_page(form, repository)


@blueprint.post("/repositories/<int:repository_id>/change")
@allows(Role.EDITOR)
def change_now(repository_id: int) -> Any:
    """Save the settings of a known repository. Connect to its address if that is another one."""
    repository = credentials.movable(repository_id)
    form = ChangeForm()
    form.offer(repository)
    if not form.validate():
        return _connect_page(form, repository), 422
    if form.moves(repository):
        try:
            connected = _connected(form, repository_id)
        except ConnectorError as error:
            form.refuse(error)
            return _connect_page(form, service.get(repository_id)), 422
        if connected.login_forgotten:
            flash(FORGOTTEN)
    service.change(
        repository_id,
        name=form.name.data or "",
        limit=form.limit.data,
        delay=form.delay.data,
        uses_oai=form.uses_oai is None or form.uses_oai.data,
    )
    flash(_("The settings of %(name)s were saved.", name=service.get(repository_id).label))
    return redirect(url_for(".options", repository_id=repository_id), 303)


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
    flash(_("%(label)s was forgotten."), label=label)
    return redirect(url_for(".connect"), 303)


@blueprint.post("/repositories/<int:repository_id>/same-as")
@allows(Role.EDITOR)
def same_as(repository_id: int) -> Any:
    """Merge this repository into a known one that has moved to this address."""
    kept = credentials.movable(request.form.get("same_as", 0, type=row_id)).id
    forgotten = discovery.merge(credentials.movable(repository_id).id, kept)
    flash(_("The two are now one repository. Items imported before are not imported twice."))
    if forgotten:
        flash(FORGOTTEN)
    return redirect(url_for(".options", repository_id=kept), 303)


def _connected(form: ConnectForm, same_as: int | None = None) -> Connected:
    """Connect to the submitted address. Raise the errors of `discovery.connect`."""
    return discovery.connect(
        form.url.data,
        form.endpoint.data,
        form.limit.data,
        same_as,
        delay=form.delay.data,
        may_forget_login=may(Role.ADMIN),
    )


def _connect_page(form: ConnectForm, moved: Repository | None = None) -> str:
    known = service.every()
    return render_template("repositories/connect.html", form=form, known=known, moved=moved)
