"""The pages of the second factor: its code at the sign-in, and on one's own account to set it up or turn it off."""

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
from ...models.accounts import Role
from ..flash_messages import flash
from .account_forms import CodeForm, MoveForm, PasswordAgainForm

LATE = "That took longer than five minutes, or something changed meanwhile: sign in again."
TOO_LATE = 409  # not counted as a failure
PENDING = "setting_up"  # in the cookie: a Pending
MOVING = "moving"  # before the names of the fields by which it is moved to another phone
LONGEST = 900  # seconds to set it up in; perhaps the app is to be installed first
SLOW = "That took longer than 15 minutes, or something changed meanwhile: begin again."

blueprint = Blueprint("second_factor", __name__)


@dataclass(frozen=True)
class Pending:
    """A secret that is being set up by whoever gave the password.

    `since`: in seconds of Unix time. `moves`: whether it is to take the place of another, a code of which was given.
    """

    sealed: str
    since: int
    moves: bool


@blueprint.before_request
def _only_with_passwords() -> None:
    if user_management.is_by_proxy():
        abort(404)


def _half_way() -> str:
    """Whose code is asked for, as the limit knows it: who stole a password locks nobody out where they are known."""
    half = authentication.half_way()
    return f"{int(device_cookies.is_known_to(half.account_id))}:{half.account_id}" if half else "nobody"


def _origin() -> str:
    half = authentication.half_way()
    return device_cookies.origin(half.account_id if half else None)


def _is_no_guess() -> bool:
    return not two_step.is_short(request.form.get("code", ""))


@blueprint.get("/sign-in/code")
@allows(None)
def code() -> Any:
    """Ask who gave the right password for a code."""
    if authentication.half_way() is None:
        return _late_page()
    return render_template("accounts/code.html", form=CodeForm(formdata=None))


@blueprint.post("/sign-in/code")
@allows(None)
@failures(PACE, _origin, "address")
@failures(PACE, _half_way, "code", spares=_is_no_guess)
def code_now() -> Any:
    """Begin the session, and go where one wanted to."""
    form, half = CodeForm(), authentication.half_way()
    if half is None:
        return _late_page()
    if form.validate() and authentication.enter_by_code(half, form.code.data or ""):
        return redirect(half.back or url_for("repositories.connect"), 303)
    form.refuse(InvalidInputError(two_step.WRONG, "code"))
    form.code.data = None  # it may be a recovery code with one letter wrong
    return render_template("accounts/code.html", form=form), REFUSED


@blueprint.get("/account/second-factor")
@allows(Role.VIEWER, before_set_up=True)
def page() -> str:
    """Set it up, or what can be done where it is on."""
    return _page()


@blueprint.post("/account/second-factor")
@allows(Role.VIEWER, before_set_up=True)
@failures(PACE, lambda: str(g.person.id), "password")
def begin() -> Any:
    """Make a secret for whoever gives the password."""
    if two_step.is_on(g.person.id):
        raise ConflictError(two_step.ALREADY)
    return _wrong_password() or _set_up(moves=False)


@blueprint.post("/account/second-factor/move")
@allows(Role.VIEWER)
@failures(PACE, lambda: str(g.person.id), "password")
@failures(PACE, lambda: str(g.person.id), "code")
def move() -> Any:
    """Make a secret for another phone, for whoever gives the password and a code, or a recovery code."""
    form = MoveForm(prefix=MOVING)
    try:
        user_management.confirm(g.person.id, form.current.data or "")
        two_step.confirm(g.person.id, form.code.data or "")
    except InvalidInputError as error:
        form.refuse(error)
        form.code.data = None
        return _page(moving=form), REFUSED
    return _set_up(moves=True)


@blueprint.post("/account/second-factor/on")
@allows(Role.VIEWER, before_set_up=True)
@failures(PACE, lambda: str(g.person.id), "code")
def turn_on() -> Any:
    """Turn it on with the first code, and show the recovery codes, once."""
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


@blueprint.post("/account/second-factor/off")
@allows(Role.VIEWER)
@failures(PACE, lambda: str(g.person.id), "password")
def turn_off() -> Any:
    """Turn it off."""
    refusal = _wrong_password()
    if refusal:
        return refusal
    two_step.turn_off(g.person.id)
    flash("The second factor is off: the password alone signs you in.")
    return redirect(url_for("accounts.account"), 303)


@blueprint.post("/account/second-factor/recovery-codes")
@allows(Role.VIEWER)
@failures(PACE, lambda: str(g.person.id), "password")
def renew() -> Any:
    """Show new recovery codes, once."""
    refusal = _wrong_password()
    if refusal:
        return refusal
    return render_template("accounts/recovery_codes.html", codes=two_step.renew_recovery_codes(g.person.id))


def _wrong_password() -> Any:
    """The page with the reason where the present password was not given; else None."""
    form = PasswordAgainForm()
    try:
        user_management.confirm(g.person.id, form.current.data or "")
    except InvalidInputError as error:
        form.refuse(error)
        return _page(form), REFUSED
    return None


def _set_up(moves: bool) -> Any:
    """Show a new secret, which is kept in the cookie until its first code is typed."""
    session[PENDING] = astuple(Pending(two_step.new_secret(), authentication.now(), moves))
    return redirect(url_for(".page"), 303)


def _pending() -> Pending | None:
    """What is being set up in this browser; None where nothing is, or not any more."""
    if PENDING not in session:
        return None
    pending = Pending(*session[PENDING])
    if authentication.now() - pending.since > LONGEST or pending.moves != two_step.is_on(g.person.id):
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
    return render_template("accounts/second_factor.html", **shown)


def _drawn(pending: Pending) -> dict[str, str]:
    """The secret, as one types it, and its QR code."""
    secret = two_step.opened(pending.sealed, g.person.name)
    made = segno.make(two_step.address(secret, g.person.name), micro=False)
    picture = Markup(made.svg_inline(scale=5, dark="#000", light="#fff"))  # made of numbers
    return {"picture": picture, "secret": " ".join(two_step.in_fours(secret))}


def _late_page() -> Any:
    return render_template("accounts/late.html", sentence=LATE), TOO_LATE
