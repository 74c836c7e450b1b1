"""The pages of two-step sign-in: the verification code at the sign-in, and the settings of each user."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import segno
from flask import Blueprint, abort, g, redirect, render_template, request, session, url_for
from markupsafe import Markup

from ...accounts import authentication, device_cookies, two_step, user_management
from ...accounts.authorization import allows
from ...accounts.throttling import PACE, REFUSED, failures
from ...errors import ConflictError, InvalidInputError
from ...i18n import gettext as _, lazy_gettext as _l
from ...models.accounts import Role
from ..flash_messages import flash
from .account_forms import CodeForm, MoveForm, PasswordAgainForm

EXPIRED = _l("Sign-in has expired. Sign in again.")
TOO_LATE = 409  # the rate limit counts only REFUSED as a failure
PENDING = "setting_up"  # key of the Pending in the session cookie
MOVING = "moving"  # prefix of the fields of MoveForm
MAX_SETUP_SECONDS = 900  # the user may have to install an app first
SLOW = _l("The setup has expired. Start again.")

blueprint = Blueprint("two_step", __name__)


@dataclass(frozen=True)
class Pending:
    """A secret in setup. The user has given the password.

    `since`: Unix time in seconds. `moves`: whether the secret replaces an earlier one, for which the user gave a code.
    """

    sealed: str
    since: int
    moves: bool


@blueprint.before_request
def _only_with_passwords() -> None:
    if user_management.is_by_proxy():
        abort(404)


def _pending_account() -> str:
    """Return the rate-limit key of the account that must give a code.

    Known browsers have a separate key, so that an attacker with the password cannot lock the owner out there.
    """
    pending = authentication.pending_sign_in()
    return f"{int(device_cookies.is_known_to(pending.account_id))}:{pending.account_id}" if pending else "nobody"


def _origin() -> str:
    pending = authentication.pending_sign_in()
    return device_cookies.origin(pending.account_id if pending else None)


def _is_no_guess() -> bool:
    return not two_step.is_short(request.form.get("code", ""))


@blueprint.get("/sign-in/code")
@allows(None)
def code() -> Any:
    """Show the form of the verification code, after the right password."""
    if authentication.pending_sign_in() is None:
        return _expired_page()
    return render_template("accounts/code.html", form=CodeForm(formdata=None))


@blueprint.post("/sign-in/code")
@allows(None)
@failures(PACE, _origin, "address")
@failures(PACE, _pending_account, "code", exempt_when=_is_no_guess)
def code_now() -> Any:
    """Sign the user in with a code. Redirect to the page that required the sign-in."""
    form, pending = CodeForm(), authentication.pending_sign_in()
    if pending is None:
        return _expired_page()
    if form.validate() and authentication.enter_by_code(pending, form.code.data or ""):
        return redirect(pending.back or url_for("home.dashboard"), 303)
    form.refuse(InvalidInputError(two_step.WRONG, "code"))
    form.code.data = None  # it may be a recovery code with a typo, so the page must not show it
    return render_template("accounts/code.html", form=form), REFUSED


@blueprint.get("/account/two-step")
@allows(Role.VIEWER, before_set_up=True)
def page() -> str:
    """Show the setup of two-step sign-in, or its settings if it is on."""
    return _page()


@blueprint.post("/account/two-step")
@allows(Role.VIEWER, before_set_up=True)
@failures(PACE, lambda: str(g.person.id), "password")
def begin() -> Any:
    """Begin the setup with a new secret. Require the current password.

    Raises ConflictError if two-step sign-in is on already.
    """
    if two_step.is_on(g.person.id):
        raise ConflictError(two_step.ALREADY)
    return _wrong_password() or _set_up(moves=False)


@blueprint.post("/account/two-step/move")
@allows(Role.VIEWER)
@failures(PACE, lambda: str(g.person.id), "password")
@failures(PACE, lambda: str(g.person.id), "code")
def move() -> Any:
    """Begin the move to another phone. Require the current password and a verification or recovery code."""
    form = MoveForm(prefix=MOVING)
    try:
        user_management.confirm(g.person.id, form.current.data or "")
        two_step.confirm(g.person.id, form.code.data or "")
    except InvalidInputError as error:
        form.refuse(error)
        form.code.data = None
        return _page(moving=form), REFUSED
    return _set_up(moves=True)


@blueprint.post("/account/two-step/on")
@allows(Role.VIEWER, before_set_up=True)
@failures(PACE, lambda: str(g.person.id), "code")
def turn_on() -> Any:
    """Turn two-step sign-in on with the first code. Show the recovery codes once."""
    form, pending = CodeForm(), _pending()
    if pending is None:
        flash(SLOW)
        return redirect(url_for(".page"), 303)
    try:
        typed = form.code.data or ""
        codes = two_step.turn_on(g.person.id, pending.sealed, typed, g.person.token, pending.moves)
    except InvalidInputError as error:
        form.refuse(error)
        return _page(code_form=form), REFUSED
    session.pop(PENDING)
    return render_template("accounts/recovery_codes.html", codes=codes)


@blueprint.post("/account/two-step/off")
@allows(Role.VIEWER)
@failures(PACE, lambda: str(g.person.id), "password")
def turn_off() -> Any:
    """Turn two-step sign-in off. Require the current password."""
    refusal = _wrong_password()
    if refusal:
        return refusal
    two_step.turn_off(g.person.id)
    flash(_("Two-step sign-in is off. You sign in with your password only."))
    return redirect(url_for("accounts.account"), 303)


@blueprint.post("/account/two-step/recovery-codes")
@allows(Role.VIEWER)
@failures(PACE, lambda: str(g.person.id), "password")
def renew() -> Any:
    """Replace the recovery codes and show them once. Require the current password."""
    refusal = _wrong_password()
    if refusal:
        return refusal
    return render_template("accounts/recovery_codes.html", codes=two_step.renew_recovery_codes(g.person.id))


def _wrong_password() -> Any:
    """Return the page with the error if the current password is wrong, else None."""
    form = PasswordAgainForm()
    try:
        user_management.confirm(g.person.id, form.current.data or "")
    except InvalidInputError as error:
        form.refuse(error)
        return _page(form), REFUSED
    return None


def _set_up(moves: bool) -> Any:
    """Make a new secret and redirect to its page. The session cookie holds the secret until the first code."""
    session[PENDING] = astuple(Pending(two_step.new_secret(), authentication.now(), moves))
    return redirect(url_for(".page"), 303)


def _pending() -> Pending | None:
    """Return the setup in this browser, or None if there is none or it is outdated."""
    if PENDING not in session:
        return None
    pending = Pending(*session[PENDING])
    if authentication.now() - pending.since > MAX_SETUP_SECONDS or pending.moves != two_step.is_on(g.person.id):
        return None
    return pending


def _page(
    form: PasswordAgainForm | None = None, code_form: CodeForm | None = None, moving: MoveForm | None = None
) -> str:
    is_refused, pending = form is not None or moving is not None, _pending()
    shown = {
        "form": form or PasswordAgainForm(formdata=None),
        "code_form": code_form or CodeForm(formdata=None),
        "moving": moving or MoveForm(formdata=None, prefix=MOVING),
        "is_on": two_step.is_on(g.person.id),
        "is_demanded": two_step.is_demanded(g.person.id),
    }
    if pending and not is_refused:
        shown |= _drawn(pending)
    return render_template("accounts/two_step.html", **shown)


def _drawn(pending: Pending) -> dict[str, str]:
    """Return the secret as text in groups of four and as a QR code (SVG)."""
    secret = two_step.unseal_secret(pending.sealed, g.person.name)
    made = segno.make(two_step.address(secret, g.person.name), micro=False)
    picture = Markup(made.svg_inline(scale=5, dark="#000", light="#fff"))  # safe: the SVG consists of paths only
    return {"picture": picture, "secret": " ".join(two_step.in_groups_of_four(secret))}


def _expired_page() -> Any:
    return render_template("accounts/sign_in_expired.html", sentence=EXPIRED), TOO_LATE
