"""Two-step sign-in with verification codes of an app (TOTP, RFC 6238), and recovery codes for users who lost the app.

Each code works once. The previous and the next code are accepted too, because clocks differ (ASVS 5.0, 6.5.1, 6.5.5).
"""

from __future__ import annotations

import hmac
import logging
import secrets
from base64 import b32encode
from datetime import UTC

import pyotp
from flask import current_app
from sqlalchemy import ColumnElement, and_, delete, false, insert, or_, select, true, update

from ..encryption import KeyPurpose, seal, unseal
from ..errors import ConflictError, InvalidInputError
from ..extensions import db, execute_counted, transaction, utcnow
from ..i18n import gettext as _, lazy_gettext as _l
from ..models.accounts import ACCOUNT, CODE, Role
from . import audit, one_time_links, sessions, user_management
from .one_time_links import fingerprint

log = logging.getLogger(__name__)
STEP = 30  # seconds
RECOVERY_CODES = 10
RECOVERY_BYTES = 15  # 120 random bits are enough for a fast hash (ASVS 5.0, 6.5.2)
NONE = _l("Two-step sign-in is off for this account.")
ALREADY = _l("Two-step sign-in is already on for this account.")
WRONG = _l(
    "This code is wrong, or was used already. Wait for the next one, and see that the clock of the phone is right."
)


def must_use_two_step() -> ColumnElement[bool]:
    """Return the SQL condition for accounts that must use two-step sign-in, according to the setting."""
    everyone, admins = true(), ACCOUNT.c.role == Role.ADMIN.value
    return {"offered": false(), "admins": admins, "everyone": everyone}[current_app.config["TWO_STEP_SIGN_IN"]]


def missing() -> ColumnElement[bool]:
    """Return the SQL condition for accounts that must use two-step sign-in, but have not turned it on."""
    return and_(ACCOUNT.c.two_step_secret.is_(None), must_use_two_step())


def is_demanded(account_id: int) -> bool:
    """Return whether this account must use two-step sign-in. Close the transaction."""
    found = db.session.scalar(select(ACCOUNT.c.id).where(ACCOUNT.c.id == account_id, must_use_two_step()))
    db.session.rollback()
    return found is not None


def is_on(account_id: int) -> bool:
    """Return whether this account uses two-step sign-in. Close the transaction."""
    sealed = db.session.scalar(select(ACCOUNT.c.two_step_secret).where(ACCOUNT.c.id == account_id))
    db.session.rollback()
    return sealed is not None


def new_secret() -> str:
    """Return a new encrypted secret for the app. The secret is base32."""
    return seal(pyotp.random_base32(), current_app.config["SECRET_KEY"], KeyPurpose.TWO_STEP)


def unseal_secret(sealed: str, name: str) -> str:
    """Return the decrypted secret of this account name. Raise InvalidInputError if the secret key has changed."""
    return unseal(sealed, current_app.config["SECRET_KEY"], name, KeyPurpose.TWO_STEP)


def address(secret: str, name: str) -> str:
    """Return the otpauth URI for the QR code that authenticator apps read."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="DSpace Connector")


def turn_on(account_id: int, sealed: str, typed: str, but: str | None, moves: bool = False) -> list[str]:
    """Turn on two-step sign-in if the typed code matches the secret. Return the new recovery codes.

    The codes cannot be read again. `moves`: replace the secret of an account that has one. All sessions end except the
    one with the token `but`. Raise InvalidInputError if the code is wrong. Raise ConflictError if the account has a
    secret and `moves` is false, or has none and `moves` is true.
    """
    name = _name(account_id)
    step = _step_of(unseal_secret(sealed, name), _plain(typed))
    if step is None:
        audit.record("code refused", name)
        raise InvalidInputError(WRONG, "code")
    there = ACCOUNT.c.two_step_secret.is_not(None) if moves else ACCOUNT.c.two_step_secret.is_(None)
    with transaction():
        made = update(ACCOUNT).where(ACCOUNT.c.id == account_id, there).values(two_step_secret=sealed, code_step=step)
        if not execute_counted(made):
            raise ConflictError(NONE if moves else ALREADY)
        sessions.end_all(account_id, but)
        audit.note("two-step sign-in moved" if moves else "two-step sign-in on", name)
        return _new_recovery_codes(account_id)


def turn_off(account_id: int) -> None:
    """Turn off two-step sign-in. Raise ConflictError if it is required or already off."""
    if is_demanded(account_id):
        raise ConflictError(_("Your account requires two-step sign-in."))
    with transaction():
        _clear(account_id)


def remove(account_id: int) -> None:
    """Turn off two-step sign-in for a user who lost the app. End all sessions and one-time links of the account.

    Raise ConflictError if it is already off.
    """
    with transaction():
        _clear(account_id)
        one_time_links.void(account_id)
        sessions.end_all(account_id)


def renew_recovery_codes(account_id: int) -> list[str]:
    """Replace the recovery codes and return ten new ones. Raise ConflictError without two-step sign-in."""
    with transaction():
        if user_management.get(account_id).two_step_secret is None:
            raise ConflictError(NONE)
        audit.note("recovery codes made", user_management.get(account_id).name)
        return _new_recovery_codes(account_id)


def confirm(account_id: int, typed: str) -> None:
    """Use up a verification or recovery code. Raise InvalidInputError if it is wrong."""
    if not accepts(account_id, typed):
        audit.record("code refused", _name(account_id))
        raise InvalidInputError(WRONG, "code")


def accepts(account_id: int, typed: str) -> bool:
    """Use up a verification or recovery code. Return whether it was valid and unused."""
    code = _plain(typed)
    return _use_code(account_id, code) if is_short(code) else _use_recovery_code(account_id, code)


def is_short(typed: str) -> bool:
    """Return whether the text has the length of a verification code. Recovery codes are too long to be guessed."""
    return len(_plain(typed)) == 6


def _use_code(account_id: int, code: str) -> bool:
    account = user_management.get(account_id)
    name, sealed = account.name, account.two_step_secret
    db.session.rollback()
    if sealed is None:
        return False
    try:
        step = _step_of(unseal_secret(sealed, name), code)
    except InvalidInputError as error:
        log.error("%s", error)
        return False
    if step is None:
        return False
    # A single statement, so that only one of two requests with the same code succeeds.
    unused = or_(ACCOUNT.c.code_step.is_(None), ACCOUNT.c.code_step < step)
    same = (ACCOUNT.c.id == account_id, ACCOUNT.c.two_step_secret == sealed)
    with transaction():
        used = update(ACCOUNT).where(*same, unused).values(code_step=step)
        return bool(execute_counted(used))


def _use_recovery_code(account_id: int, code: str) -> bool:
    mine = (CODE.c.account_id == account_id, CODE.c.code_hash == fingerprint(code))
    with transaction():
        used = bool(execute_counted(delete(CODE).where(*mine)))
        if used:
            audit.note("recovery code used", user_management.get(account_id).name)
        return used


def _step_of(secret: str, code: str) -> int | None:
    """Return the time step of the code if it is the previous, current or next one, else None."""
    now = int(utcnow().replace(tzinfo=UTC).timestamp()) // STEP
    maker = pyotp.TOTP(secret)
    steps = (now - 1, now, now + 1)
    found = [step for step in steps if hmac.compare_digest(maker.generate_otp(step).encode(), code.encode())]
    return found[-1] if found else None


def _new_recovery_codes(account_id: int) -> list[str]:
    codes = [b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode() for _ in range(RECOVERY_CODES)]
    db.session.execute(delete(CODE).where(CODE.c.account_id == account_id))
    rows = [{"account_id": account_id, "code_hash": fingerprint(code)} for code in codes]
    db.session.execute(insert(CODE), rows)
    return ["-".join(in_groups_of_four(code)) for code in codes]


def _clear(account_id: int) -> None:
    name = user_management.get(account_id).name
    there = (ACCOUNT.c.id == account_id, ACCOUNT.c.two_step_secret.is_not(None))
    if not execute_counted(update(ACCOUNT).where(*there).values(two_step_secret=None, code_step=None)):
        raise ConflictError(NONE)
    db.session.execute(delete(CODE).where(CODE.c.account_id == account_id))
    audit.note("two-step sign-in off", name)


def in_groups_of_four(text: str) -> list[str]:
    """Return the text in groups of four characters, for reading and typing."""
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def _plain(typed: str) -> str:
    return typed.replace(" ", "").replace("-", "").upper()


def _name(account_id: int) -> str:
    name = user_management.get(account_id).name
    db.session.rollback()
    return name
