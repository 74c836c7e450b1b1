"""A signed-in admin, for tests of pages that do not concern accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyotp
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from connector.accounts import two_step, user_management
from connector.accounts.one_time_links import fingerprint
from connector.extensions import db, transaction, utcnow
from connector.models.accounts import Account, Role, Session

NAME = "Tess Admin"
PASSWORD = "the password of that admin"
HASH = PasswordHasher(1, 8, 1).hash(PASSWORD)  # as cheap as can be
TOKEN = "the session of that admin"


def admit(app: Flask, name: str = NAME, role: Role = Role.ADMIN, token: str = TOKEN) -> None:
    """Give an app this admin, or another user, and a session; again where they have been taken from it."""
    with app.app_context(), transaction():
        account = db.session.scalar(db.select(Account).where(Account.name == name))
        if account is None:
            account = Account(name=name, name_key=name.casefold(), password=HASH)
            db.session.add(account)
        account.role, account.disabled = role.value, None
        db.session.flush()
        now = utcnow()
        ahead = now + timedelta(days=1)  # so that no request of a test has to write when the session was used
        row = {"account_id": account.id, "created": now, "seen": ahead, "address": "127.0.0.1"}
        db.session.merge(Session(token_hash=fingerprint(token), **row))


def turn_two_step_on(app: Flask, name: str = NAME, token: str = TOKEN) -> None:
    """Turn on two-step sign-in for this user. The session stays."""
    with app.app_context():
        secret = two_step.new_secret()
        code = pyotp.TOTP(two_step.unseal_secret(secret, name)).now()
        two_step.turn_on(user_management.find_account(name).id, secret, code, but=token)


def cookie(app: Flask, token: str = TOKEN) -> dict[str, str]:
    """Its cookie, as a browser keeps it."""
    value = app.session_interface.get_signing_serializer(app).dumps({"_user_id": token, "_permanent": True})
    return {"name": "dspace-connector", "value": value}


def viewer(app: Flask) -> FlaskClient:
    """Return a browser in which a viewer has signed in."""
    admit(app, "Vera", Role.VIEWER, "the session of Vera")
    browser = FlaskClient(app)
    kept = cookie(app, "the session of Vera")
    browser.set_cookie(kept["name"], kept["value"])
    return browser


class SignedIn(FlaskClient):
    """A browser in which that admin has signed in."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        kept = cookie(self.application)
        self.set_cookie(kept["name"], kept["value"])
