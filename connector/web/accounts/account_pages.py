"""The pages of sign-in, sign-out, one-time links and the account of the current user."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for

from ...accounts import authentication, device_cookies, names, one_time_links, sessions, two_step, user_management
from ...accounts.authorization import allows
from ...accounts.throttling import PACE, REFUSED, failures
from ...errors import ConflictError, InvalidInputError, InvalidLinkError
from ...extensions import db
from ...i18n import gettext as _, lazy_gettext as _l
from ...models.accounts import Role
from ..flash_messages import flash
from .account_forms import ChangePasswordForm, ChoosePasswordForm, FirstAdminForm, PasswordAgainForm, SignInForm

ENDING = "ending"  # prefix of the fields of the form that ends sessions: the page has two forms
WRONG = _l("Wrong name or password, or the account is disabled.")
# Failed sign-ins of one account from all addresses. Known browsers have a separate count, so that an attacker cannot
# lock the owner out there. Elsewhere a lockout does not last long (ASVS 5.0, 6.3.1).
OF_AN_ACCOUNT = "100 per hour"

NO_LONGER_FIRST = _l(
    "This link was used already, was replaced by a newer one, or has expired. Restart the app. It prints a new link."
)

blueprint = Blueprint("accounts", __name__)


def _account_tried() -> str:
    """Return the rate-limit key of the account in the sign-in form.

    The key is a hash, since some users type their password into the name field.
    """
    name = request.form.get("name", "")
    return hashlib.sha256(f"{int(device_cookies.is_known(name))}:{names.key_of(name)}".encode()).hexdigest()


@blueprint.get("/sign-in")
@allows(None)
def sign_in() -> Any:
    """Show the sign-in page. Redirect a signed-in user."""
    if user_management.is_by_proxy():
        abort(404)
    back = authentication.safe_path(request.args.get("next", ""))
    if g.person:
        return redirect(_after(back), 303)
    return _sign_in_page(SignInForm(formdata=None, next=back or ""))


@blueprint.post("/sign-in")
@allows(None)
@failures(PACE, lambda: device_cookies.origin_of(request.form.get("name", "")), "address")
@failures(OF_AN_ACCOUNT, _account_tried, "account")
def sign_in_now() -> Any:
    """Check the name and password, then sign the user in or ask for a verification code.

    Redirects to the page that required the sign-in.
    """
    if user_management.is_by_proxy():
        abort(404)
    form = SignInForm()
    back = authentication.safe_path(form.next.data or "")
    if form.validate() and authentication.sign_in(form.name.data or "", form.password.data or "", back):
        return _entered(back)
    form.next.data = back or ""
    return _sign_in_page(form, WRONG), REFUSED


@blueprint.post("/sign-out")
@allows(Role.VIEWER, before_set_up=True)
def sign_out() -> Any:
    """Sign the user out."""
    if user_management.is_by_proxy():
        abort(404)
    authentication.sign_out(g.person)
    return redirect(url_for(".sign_in"), 303)


@blueprint.get(f"{one_time_links.WELCOME}<token>")
@allows(None)
def welcome(token: str) -> Any:
    """Show the page of a one-time link. This does not use the link up."""
    return _welcome_page(token, _welcome_form(token))


@blueprint.post(f"{one_time_links.WELCOME}<token>")
@allows(None)
def welcome_now(token: str) -> Any:
    """Use up a one-time link: set the password and sign the user in."""
    form = _welcome_form(token)
    if not form.validate():
        return _welcome_page(token, form), REFUSED
    try:
        name = form.name.data or "" if isinstance(form, FirstAdminForm) else ""
        account_id = user_management.redeem_link(token, form.password.data or "", name)
    except (ConflictError, InvalidInputError) as error:
        form.refuse(error)
        return _welcome_page(token, form), REFUSED
    if authentication.sign_in(user_management.get(account_id).name, form.password.data or "") and g.person:
        flash(_("You are signed in as %(name)s."), name=g.person.name)
    return _entered(None)


@blueprint.get("/account/")
@allows(Role.VIEWER)
def account() -> str:
    """Show the account of the current user, with its password form and sessions."""
    return _account_page(ChangePasswordForm(formdata=None))


@blueprint.post("/account/password")
@allows(Role.VIEWER)
@failures(PACE, lambda: str(g.person.id), "password")
def change_password() -> Any:
    """Change the password. Sign all other browsers out."""
    if user_management.is_by_proxy():
        abort(404)
    form = ChangePasswordForm()
    if not form.validate():
        return _account_page(form), REFUSED
    try:
        made = user_management.change_password(g.person.id, form.current.data or "", form.new.data or "")
    except InvalidInputError as error:
        form.refuse(error)
        return _account_page(form), REFUSED
    authentication.enter(g.person.id, one_time_links.fingerprint(made))
    flash(_("The password is changed. You are signed out in all other browsers."))
    return redirect(url_for(".account"), 303)


@blueprint.post("/account/sessions")
@allows(Role.VIEWER)
@failures(PACE, lambda: str(g.person.id), "password")
def end_sessions() -> Any:
    """Sign out one other browser or all others. Require the current password (ASVS 5.0, 7.5.2)."""
    if user_management.is_by_proxy():
        abort(404)
    form = PasswordAgainForm(prefix=ENDING)
    try:
        user_management.confirm(g.person.id, form.current.data or "")
    except InvalidInputError as error:
        form.refuse(error)
        return _account_page(ChangePasswordForm(formdata=None), form), REFUSED
    if one := request.form.get("end"):
        ended = user_management.end_session(g.person.id, one)
        flash(_("That browser is signed out.") if ended else _("That browser was already signed out."))
    else:
        user_management.end_sessions(g.person.id, g.person.token)
        flash(_("You are signed out in all other browsers."))
    return redirect(url_for(".account"), 303)


def _entered(back: str | None) -> Any:
    """Redirect after the password: to the requested page, or to the page of the verification code."""
    return redirect(_after(back) if g.person else url_for("two_step.code"), 303)


def _after(back: str | None) -> str:
    return back or url_for("home.dashboard")


def _welcome_form(token: str) -> ChoosePasswordForm:
    """Return the form of a one-time link. Raise InvalidLinkError if the link is not valid.

    Before there is an admin, nobody can be asked for a new link, so the error says how to get one.
    """
    try:
        invitation = one_time_links.look_up(token)
    except InvalidLinkError:
        if user_management.needs_first_admin():
            raise InvalidLinkError(NO_LONGER_FIRST) from None
        raise
    return FirstAdminForm() if invitation.account_id is None else ChoosePasswordForm()


def _sign_in_page(form: SignInForm, refused: str = "") -> str:
    needs_first_admin = user_management.needs_first_admin()
    return render_template("accounts/sign_in.html", form=form, refused=refused, needs_first_admin=needs_first_admin)


def _welcome_page(token: str, form: ChoosePasswordForm) -> str:
    invitation = one_time_links.look_up(token)
    name = None if invitation.account_id is None else user_management.get(invitation.account_id).name
    db.session.rollback()
    return render_template("accounts/welcome.html", form=form, name=name)


def _account_page(form: ChangePasswordForm, ending: PasswordAgainForm | None = None) -> str:
    mine = sessions.of_account(g.person.id)
    has_one = two_step.is_on(g.person.id)
    this = g.person.token and one_time_links.fingerprint(g.person.token)
    shown = {"form": form, "ending": ending or PasswordAgainForm(formdata=None, prefix=ENDING)}
    return render_template("accounts/account.html", **shown, sessions=mine, this=this, has_two_step=has_one)
