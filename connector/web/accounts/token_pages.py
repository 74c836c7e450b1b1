"""The pages of access tokens: those of the current user, and those of another user for admins."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for

from ...accounts import access_tokens, user_management
from ...accounts.authorization import allows
from ...accounts.throttling import PACE, REFUSED, failures
from ...errors import InvalidInputError
from ...i18n import gettext as _
from ...models.accounts import Role
from ..flash_messages import flash
from .account_forms import AccessTokenForm

blueprint = Blueprint("tokens", __name__)


@blueprint.get("/account/tokens/")
@allows(Role.VIEWER)
def index() -> str:
    """Show the access tokens of the current user, and the form that makes one."""
    return _page(AccessTokenForm(formdata=None))


@blueprint.post("/account/tokens/")
@allows(Role.VIEWER)
@failures(PACE, lambda: str(g.person.id), "password")
def create() -> Any:
    """Make an access token and show it once. Require the current password, if there is one."""
    form = AccessTokenForm()
    try:
        if not user_management.is_by_proxy():
            user_management.confirm(g.person.id, form.current.data or "")
        token = access_tokens.create(g.person.id, form.name.data or "")
    except InvalidInputError as error:
        form.refuse(error)
        return _page(form), REFUSED
    address = url_for("api.items", _external=True)
    return render_template("accounts/token.html", name=(form.name.data or "").strip(), token=token, address=address)


@blueprint.route("/account/tokens/<int:token_id>/revoke", methods=["GET", "POST"])
@allows(Role.VIEWER)
def revoke(token_id: int) -> Any:
    """Revoke an access token of the current user, after a question that names it."""
    return _revoke(g.person.id, token_id, url_for(".index"))


@blueprint.get("/users/<int:account_id>/tokens/")
@allows(Role.ADMIN)
def of_user(account_id: int) -> str:
    """Show the access tokens of a user."""
    account = user_management.get(account_id)
    return render_template("accounts/user_tokens.html", account=account, tokens=access_tokens.of_account(account_id))


@blueprint.route("/users/<int:account_id>/tokens/<int:token_id>/revoke", methods=["GET", "POST"])
@allows(Role.ADMIN)
def revoke_of_user(account_id: int, token_id: int) -> Any:
    """Revoke an access token of a user, after a question that names it."""
    return _revoke(account_id, token_id, url_for(".of_user", account_id=account_id))


def _page(form: AccessTokenForm) -> str:
    return render_template("accounts/tokens.html", form=form, tokens=access_tokens.of_account(g.person.id))


def _revoke(account_id: int, token_id: int, back: str) -> Any:
    if request.method == "POST":
        name = access_tokens.revoke(account_id, token_id)
        flash(_("Access token %(name)s is revoked. Programs that use it can no longer read the catalogue."), name=name)
        return redirect(back, 303)
    token = access_tokens.get(account_id, token_id)
    return render_template("accounts/token_revoke.html", token=token, back=back)
