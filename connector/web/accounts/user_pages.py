"""The pages of users and of the audit trail, for admins."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from sqlalchemy import select

from ...accounts import access_tokens, audit, two_step, user_management
from ...accounts.authorization import allows
from ...accounts.one_time_links import days_of, expires_at, link_to
from ...errors import ConflictError, InvalidInputError
from ...i18n import gettext as _, lazy_gettext as _l
from ...models.accounts import Account, Role
from ...pagination import Order, asked_place, page_of
from ..flash_messages import flash, link
from ..page_responses import download
from . import audit_words
from .account_forms import ROLES, InviteForm

ROLE_CHANGED = {
    Role.VIEWER: _l("%(name)s is a viewer now. %(trail)s"),
    Role.EDITOR: _l("%(name)s is an editor now. %(trail)s"),
    Role.ADMIN: _l("%(name)s is an admin now. %(trail)s"),
}
blueprint = Blueprint("admin", __name__)
blueprint.app_template_filter("actor")(audit_words.actor_label)


@blueprint.get("/users/")
@allows(Role.ADMIN)
def users() -> str:
    """Show all accounts and the invitation form."""
    return _users_page(InviteForm(formdata=None))


@blueprint.post("/users/")
@allows(Role.ADMIN)
def invite() -> Any:
    """Create an account and show its one-time link once."""
    form = InviteForm()
    if not form.validate():
        return _users_page(form), 422
    try:
        days = days_of(form.days.data or "")
        token = user_management.add(form.name.data or "", Role(form.role.data), days)
    except (ConflictError, InvalidInputError) as error:
        form.refuse(error)
        return _users_page(form), 422
    return _link_page(user_management.check_name(form.name.data or ""), token)


@blueprint.post("/users/<int:account_id>/link")
@allows(Role.ADMIN)
def new_link(account_id: int) -> Any:
    """Create a one-time link for a new password and show it once."""
    try:
        _refuse_own_account(account_id)
        token = user_management.new_link(account_id)
    except ConflictError as error:
        return _users_page(InviteForm(formdata=None), error), 409
    return _link_page(user_management.get(account_id).name, token)


@blueprint.post("/users/<int:account_id>/role")
@allows(Role.ADMIN)
def role(account_id: int) -> Any:
    """Change the role of an account. Raise InvalidInputError if there is no such role."""
    given = request.form.get("role")
    if given not in list(Role):
        raise InvalidInputError(_("Choose a role: viewer, editor or admin."))
    given_role = Role(given)
    return _do(account_id, lambda: user_management.set_role(account_id, given_role), ROLE_CHANGED[given_role])


@blueprint.get("/users/<int:account_id>/disable")
@allows(Role.ADMIN)
def ask_to_disable(account_id: int) -> str:
    """Ask for confirmation before an account is disabled."""
    return render_template("accounts/disable.html", account=user_management.get(account_id))


@blueprint.post("/users/<int:account_id>/disable")
@allows(Role.ADMIN)
def disable(account_id: int) -> Any:
    """Disable an account."""
    done = _("%(name)s is disabled and signed out. %(trail)s")
    return _do(account_id, lambda: user_management.disable(account_id), done)


@blueprint.post("/users/<int:account_id>/enable")
@allows(Role.ADMIN)
def enable(account_id: int) -> Any:
    """Enable an account."""
    done = _("%(name)s can sign in again. %(trail)s")
    return _do(account_id, lambda: user_management.enable(account_id), done)


@blueprint.post("/users/<int:account_id>/sessions")
@allows(Role.ADMIN)
def end_sessions(account_id: int) -> Any:
    """End all sessions of an account."""
    done = _("%(name)s is signed out in all browsers. %(trail)s")
    return _do(account_id, lambda: user_management.end_sessions(account_id), done)


@blueprint.post("/users/<int:account_id>/two-step")
@allows(Role.ADMIN)
def remove_two_step(account_id: int) -> Any:
    """Turn two-step sign-in off for a user who lost the phone."""
    if user_management.is_by_proxy():
        abort(404)

    def remove() -> None:
        _refuse_own_account(account_id)
        two_step.remove(account_id)

    return _do(account_id, remove, _("Two-step sign-in of %(name)s is off. %(trail)s"))


@blueprint.get("/audit/")
@allows(Role.ADMIN)
def trail() -> str:
    """Show the audit trail, newest first."""
    who, what = request.args.get("who", ""), request.args.get("what", "")
    return render_template(
        "accounts/audit.html",
        page=page_of(audit.entries(who, what), audit.NEWEST_FIRST, asked_place()),
        asked={name: value for name, value in (("who", who), ("what", what)) if value},
        people=[(name, audit_words.actor_label(name)) for name in audit.people()],
        kinds=sorted(((kind, audit_words.action_label(kind)) for kind in audit.kinds()), key=itemgetter(1)),
        words=audit_words,
    )


@blueprint.get("/audit.csv")
@allows(Role.ADMIN)
def trail_csv() -> Response:
    """Download all entries of the filtered audit trail as CSV."""
    return download(audit.as_csv(request.args.get("who", ""), request.args.get("what", "")), "audit.csv")


def _refuse_own_account(account_id: int) -> None:
    """Raise ConflictError if this is the account of the current user.

    A stolen session must not be enough to take the account over.
    """
    if account_id == g.person.id:
        raise ConflictError(
            _("This is your own account. Change it on your account page, which asks for your password.")
        )


def _do(account_id: int, act: Callable[[], None], done: str) -> Any:
    """Change an account. Then say what was done, with a link to the audit trail. Show the reason if it is refused."""
    try:
        act()
    except ConflictError as error:
        return _users_page(InviteForm(formdata=None), error), 409
    trail = link(url_for(".trail"), _("Audit trail"))
    flash(done, name=user_management.get(account_id).name, trail=trail)
    return redirect(url_for(".users"), 303)


def _users_page(form: InviteForm, refused: ConflictError | None = None) -> str:
    page = page_of(select(Account), Order((Account.name_key, Account.id)), asked_place())
    tokens = access_tokens.of_accounts([account.id for account in page.rows])
    return render_template("accounts/users.html", page=page, form=form, roles=ROLES, refused=refused, tokens=tokens)


def _link_page(name: str, token: str) -> Any:
    """Return the page with the link. If a proxy signs users in, redirect to the users instead: they need no link."""
    if user_management.is_by_proxy():
        return redirect(url_for(".users"), 303)
    return render_template("accounts/link.html", name=name, link=link_to(token), expires=expires_at(token))
