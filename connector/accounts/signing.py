"""Signing in and out: who sends a request, by cookie or by the header of a trusted proxy, and the cookie itself."""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import login_user, logout_user
from sqlalchemy import update

from ..errors import ConnectorError
from ..extensions import db, limiter, login, transaction, utcnow
from ..proxies import parsed, peer
from . import audit, known, passwords, people, second_factor, sessions
from .models import Account, Role
from .sessions import Person

log = logging.getLogger(__name__)
ACCOUNT = Account.__table__
HALF_WAY = "half_way"  # in the cookie: [account, since, fingerprint of its password, way back]
LONGEST_HALF = 300  # seconds
NOBODY = (None, 0, "", None)


class Cookies(SecureCookieSessionInterface):
    """Flask's signed cookie; over https it is Secure, and bound to this very host by its name (ASVS 5.0, 3.3.1)."""

    digest_method = staticmethod(hashlib.sha256)  # Flask's own is SHA-1 (ASVS 5.0, 11.4.1)

    def get_cookie_name(self, app: Flask) -> str:
        """Its name; that without https is our own too, as other apps may live on the same host."""
        return "__Host-dspace-connector" if request.is_secure else "dspace-connector"

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether the browser may send it over https only."""
        return request.is_secure


def init_app(app: Flask) -> None:
    """Tell Flask-Login how people are known; nothing reads the database before the gate asks."""
    app.session_interface = Cookies()
    app.config["PERMANENT_SESSION_LIFETIME"] = sessions.IDLE
    login.session_protection = None  # the row of the session decides; addresses change on the way home
    login.init_app(app, add_context_processor=False)
    login.user_loader(lambda token: None if people.is_by_proxy() else _person(token))
    login.request_loader(lambda _: _named_by_proxy() if people.is_by_proxy() else None)
    queue = app.config["QUEUE_URL"]  # where it is a server, all processes count together how often one fails
    app.config["RATELIMIT_STORAGE_URI"] = "memory://" if queue.startswith("sqlite") else queue
    app.config["RATELIMIT_IN_MEMORY_FALLBACK_ENABLED"] = True  # while that server is away, each counts for itself
    app.config["RATELIMIT_HEADERS_ENABLED"] = True
    limiter.init_app(app)
    app.cli.commands.pop("limiter", None)  # commands of its own, which are nobody's here


def sign_in(name: str, password: str, back: str | None = None) -> bool:
    """Let in who knows this password, or ask for a code next, and then go `back`.

    The answer takes the same work whether the name is known or not.
    """
    account = people.find(name)
    found = None if account is None else (account.id, account.name, account.password, account.disabled)
    db.session.rollback()
    account_id, called, stored, disabled = found or (0, "an unknown name", None, None)
    if not passwords.matches(None if disabled else stored, password):
        audit.record("sign-in refused", called)
        return False
    if passwords.is_outdated(stored):
        with transaction():
            made = passwords.hashed(password)
            db.session.execute(update(ACCOUNT).where(ACCOUNT.c.id == account_id).values(password=made))
    proceed(account_id, back)
    return True


def proceed(account_id: int, back: str | None = None) -> None:
    """Begin a session for who gave the password, or remember for five minutes that a code is still to come."""
    if not second_factor.is_on(account_id):
        enter(account_id)
        return
    if g.person:
        logout_user()
    session.clear()
    g.person = None
    session[HALF_WAY] = [account_id, _now(), known.password_mark(account_id), back]


def half_way() -> int | None:
    """The account that has given its password in this browser, and no code yet; None where there is none any more."""
    account_id, since, stored, _ = session.get(HALF_WAY) or NOBODY
    if account_id is None or _now() - since > LONGEST_HALF or stored != known.password_mark(account_id):
        return None
    return account_id


def way_back() -> str | None:
    """Where one goes after the code."""
    return (session.get(HALF_WAY) or NOBODY)[3]


def enter_by_code(account_id: int, code: str) -> bool:
    """Begin the session where this code is right."""
    if not second_factor.accepts(account_id, code):
        name = people.get(account_id).name
        db.session.rollback()
        audit.record("code refused", name)
        return False
    enter(account_id)
    return True


def enter(account_id: int) -> None:
    """Begin a new session of this account in this browser, which ends the one before (ASVS 5.0, 7.2.4)."""
    before = g.person and g.person.token
    session.clear()
    session.permanent = True
    with transaction():
        if before:
            sessions.end(before)
        token = sessions.begin(account_id, request.remote_addr or "")
    g.person = _person(token)
    login_user(g.person)
    audit.record("sign-in", g.person.name)
    known.remember(account_id)


def sign_out(person: Person) -> None:
    """End this session, here and in every copy of its cookie."""
    with transaction():
        if person.token is not None:
            sessions.end(person.token)
        audit.note("sign-out", person.name)
    logout_user()
    session.clear()


def safe_path(text: str) -> str | None:
    """The path and query to go back to, or None where it might lead a browser to another site.

    Browsers read a backslash as a slash and leave out tabs and line ends, so that //host has many spellings.
    """
    if not text.startswith("/") or text.startswith("//") or "\\" in text or not text.isprintable() or " " in text:
        return None
    parts = urlsplit(text)
    return None if parts.scheme or parts.netloc else text


def _person(token: str) -> Person | None:
    return sessions.load(token, second_factor.missing())


def _now() -> int:
    return int(utcnow().replace(tzinfo=UTC).timestamp())


def _named_by_proxy() -> Person | None:
    """Whom the proxy names, if it is one that we trust. A refusal is left for the gate to show."""
    name = request.headers.get(current_app.config["AUTH_HEADER"], "").strip(" \t")
    if not name:
        return None
    if not _is_trusted(peer()):
        log.warning("A header that names who is there came from %s, which is no trusted proxy: ignored.", peer())
        return None
    try:
        name = name.encode("latin-1").decode()  # WSGI hands the bytes on as Latin-1 (PEP 3333)
    except UnicodeDecodeError:
        log.warning("The proxy %s names somebody in another encoding than UTF-8: refused.", peer())
        g.refusal = "The server in front of this app sends your name in another encoding than UTF-8."
        return None
    try:
        return _account_of(name)
    except ConnectorError as error:
        g.refusal = str(error)
        return None


def _account_of(name: str) -> Person | None:
    account = people.find(name)
    default = current_app.config["AUTH_DEFAULT_ROLE"]
    if account is None and default:
        people.appeared(name, Role(default))
        account = people.find(name)
    found = None if account is None else Person(account.id, account.name, Role(account.role))
    disabled = account is not None and account.disabled
    db.session.rollback()
    if found is None or disabled:
        g.refusal = f"You are known as {name}, but have no account here. Ask an administrator of this app for one."
        return None
    return found


def _is_trusted(address: str) -> bool:
    found = parsed(address)
    return found is not None and any(found in network for network in current_app.config["TRUSTED_PROXIES"])
