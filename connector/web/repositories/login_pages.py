"""The login of this app at a repository: save it and delete it."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for

from ...accounts.authorization import allows
from ...errors import LoginFailedError, RepositoryError
from ...i18n import gettext as _
from ...models.accounts import Role
from ...repositories import credentials, service
from ..flash_messages import flash
from .blueprint import blueprint
from .connection_forms import LoginForm
from .import_options_form import ImportOptionsForm
from .options_content import new_options_page, options_page


@blueprint.post("/repositories/<int:repository_id>/login")
@allows(Role.ADMIN)
def sign_in(repository_id: int) -> Any:
    """Store a login for the repository after a successful test sign-in. Keep the import settings that came with it."""
    form = LoginForm()
    if not form.validate():
        return _page(repository_id, form), 422
    try:
        credentials.sign_in(repository_id, form.login_name.data or "", form.password.data or "")
    except (LoginFailedError, RepositoryError) as error:
        form.refuse(error)
        return _page(repository_id, form), 422
    flash(_("Imports now sign in as %(name)s."), name=form.login_name.data or "")
    if "tab" in request.form:
        return _page(repository_id, None)
    return redirect(url_for(".options", repository_id=repository_id), 303)


@blueprint.post("/repositories/<int:repository_id>/login/forget")
@allows(Role.ADMIN)
def sign_out(repository_id: int) -> Any:
    """Delete the stored login for the repository."""
    credentials.sign_out(repository_id)
    flash(_("The login was deleted. Imports see only public items."))
    return redirect(url_for(".options", repository_id=repository_id), 303)


def _page(repository_id: int, login: LoginForm | None) -> str:
    """Return the Import Options page with the submitted settings, or with the last ones if there are none."""
    repository = service.get(repository_id)
    if "tab" not in request.form:
        return new_options_page(repository, login=login)
    return options_page(repository, ImportOptionsForm(), login=login)
