"""An app without accounts, and the steps of its users in their browsers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from connector.accounts import audit, passwords, two_step, user_management
from connector.extensions import db, transaction, utcnow
from connector.models.accounts import Account, Role, Session

PASSWORD = "gentle otters fold paper maps"
OTHER = "seven violet kites over harbours"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Office:
    """An app, and its accounts in short words. Each browser is one that has not signed in yet."""

    def __init__(self, app: Flask):
        self.app = app
        app.config["WTF_CSRF_ENABLED"] = False
        app.test_client_class = FlaskClient

    def browser(self, **environ: str) -> FlaskClient:
        """A browser that is signed in nowhere; `environ`: its WSGI environment, such as REMOTE_ADDR."""
        client = self.app.test_client()
        client.environ_base.update(environ)
        return client

    def add(self, name: str, role: Role = Role.VIEWER, password: str = PASSWORD) -> int:
        """An account whose owner has chosen a password; gives its id."""
        with self.app.app_context():
            return user_management.redeem_link(user_management.add(name, role), password)

    def enter(self, name: str, password: str = PASSWORD, **environ: str) -> FlaskClient:
        """A browser in which this account has signed in."""
        browser = self.browser(**environ)
        assert sign_in(browser, name, password).status_code == 303
        return browser

    def account(self, name: str) -> Account:
        """The account as it stands."""
        with self.app.app_context():
            found = user_management.find_account(name)
            db.session.expunge(found)
            return found

    def has_two_step(self, account_id: int) -> None:
        """This account has set one up."""
        with self.app.app_context():
            sealed = two_step.new_secret()
            with transaction():
                db.session.execute(update(Account).where(Account.id == account_id).values(two_step_secret=sealed))

    def later(self, hours: float) -> None:
        """This many hours pass without a request."""
        with self.app.app_context(), transaction():
            for row in db.session.scalars(db.select(Session)):
                row.seen -= timedelta(hours=hours)

    def began(self, **ago: float) -> None:
        """All sessions began so long ago, and are in use."""
        with self.app.app_context(), transaction():
            db.session.execute(update(Session).values(created=utcnow() - timedelta(**ago)))

    def trail(self) -> list[tuple[str, str, str]]:
        """The audit trail as (who, what, about), oldest first."""
        with self.app.app_context():
            entries = db.session.scalars(audit.entries()).all()
            return [(entry.who, entry.what, entry.about) for entry in reversed(entries)]


@pytest.fixture
def office(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An app without accounts, which hashes passwords with little work, so that its tests take little time."""
    monkeypatch.setattr(passwords, "_hasher", QUICK)
    with app.app_context(), transaction():
        db.session.execute(delete(Session))
        db.session.execute(delete(Account))
    yield Office(app)


def sign_in(browser: FlaskClient, name: str, password: str = PASSWORD, back: str = ""):
    """Fill in the form and send it."""
    return browser.post("/sign-in", data={"name": name, "password": password, "next": back})


def is_signed_in(browser: FlaskClient) -> bool:
    """Whether a page that every account may see is shown."""
    return browser.get("/account/").status_code == 200


def link_in(page: str) -> str:
    """The path of the one-time link on a page or in a terminal."""
    return re.search(r"/welcome/[A-Za-z0-9_-]{43}", page)[0]
