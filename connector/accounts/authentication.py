"""Signing in and out. A user is identified by the session cookie or by the header of a trusted proxy."""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import UTC
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_login import current_user, login_user, logout_user
from sqlalchemy import select, update

from ..errors import ConflictError, ConnectorError, PermissionDeniedError
from ..extensions import db, transaction, utcnow
from ..i18n import gettext as _
from ..logs import log_throttled
from ..models.accounts import ACCOUNT, Role
from ..proxy_headers import parse_address, peer
from . import access_tokens, audit, device_cookies, names, passwords, sessions, throttling, two_step, user_management
from .one_time_links import fingerprint
from .sessions import Person
from .sign_in_extensions import limiter, login

log = logging.getLogger(__name__)
PENDING = "half_way"  # key in the cookie; the value is a PendingSignIn
MAX_PENDING_SECONDS = 300
UNSET = "(null)"  # Apache sends this in a header for a variable that is not set


@dataclass(frozen=True)
class PendingSignIn:
    """A user who has entered the password in this browser, but no verification code yet.

    `since`: Unix time in seconds. `mark`: fingerprint of the hash of the password. `back`: the path to go to after
    sign-in.
    """

    account_id: int
    since: int
    mark: str
    back: str | None


class Cookies(SecureCookieSessionInterface):
    """Flask's signed cookie. Over https it is Secure and its name binds it to this host (ASVS 5.0, 3.3.1)."""

    digest_method = staticmethod(hashlib.sha256)  # Flask's default is SHA-1 (ASVS 5.0, 11.4.1)

    def get_cookie_name(self, app: Flask) -> str:
        """Return the name of the cookie. It is never Flask's default, because other apps may use the same host."""
        return "__Host-dspace-connector" if request.is_secure else "dspace-connector"

    def get_cookie_secure(self, app: Flask) -> bool:
        """Return whether the browser may send the cookie over https only."""
        return request.is_secure

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Send the cookie, except with responses that are equal for all users, because caches may share these."""
        if not g.get("nameless"):
            super().save_session(app, session, response)


def init_app(app: Flask) -> None:
    """Configure the session cookie, Flask-Login and the rate limiter."""
    app.session_interface = Cookies()
    app.config["PERMANENT_SESSION_LIFETIME"] = sessions.IDLE
    login.session_protection = None  # type: ignore[assignment]  # the row of the session decides; a user's address may change during a session
    login.init_app(app, add_context_processor=False)
    login.user_loader(lambda token: None if user_management.is_by_proxy() else _person(token))
    login.request_loader(lambda _: _named_by_proxy() if user_management.is_by_proxy() else None)
    queue = app.config["QUEUE_URL"]  # with a queue server, all processes share the failure counts
    app.config["RATELIMIT_STORAGE_URI"] = "memory://" if queue.startswith("sqlite") else queue
    app.config["RATELIMIT_IN_MEMORY_FALLBACK_ENABLED"] = True  # while that server is down, each process counts alone
    app.config["RATELIMIT_HEADERS_ENABLED"] = True
    limiter.init_app(app)
    throttling.init_app(app)


def signed_in() -> Person | None:
    """Return the user of the session of this browser, or the user whom a proxy names, or None."""
    user = current_user._get_current_object()
    return user if user.is_authenticated else None


def owner_of_token() -> Person | None:
    """Return the owner of the access token of the request, or None if there is no valid one."""
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        return None
    return access_tokens.load(given.token, two_step.missing())


def sign_in(name: str, password: str, back: str | None = None) -> bool:
    """Check the password, then begin a session or ask for a verification code. Return whether it succeeded.

    After the code, the user goes to `back`. Unknown names take the same time as known ones.
    """
    account = user_management.find(name)
    found = None if account is None else (account.id, account.name, account.password, account.disabled)
    db.session.rollback()
    account_id, called, stored, disabled = found or (0, audit.UNKNOWN, None, None)
    is_right = passwords.matches(None if disabled else stored, password)
    if stored and is_right and _proceed(account_id, fingerprint(_renewed(account_id, stored, password)), back):
        return True
    audit.record("sign-in refused", called)
    return False


def pending_sign_in() -> PendingSignIn | None:
    """Return the unfinished sign-in of this browser, or None if there is none or it has expired."""
    if PENDING not in session:
        return None
    pending = PendingSignIn(*session[PENDING])
    if now() - pending.since > MAX_PENDING_SECONDS or not two_step.is_on(pending.account_id):
        return None
    mark = device_cookies.password_mark(pending.account_id)
    return pending if mark and mark == pending.mark else None


def enter_by_code(pending: PendingSignIn, code: str) -> bool:
    """Begin the session if the verification code is right. Return whether it began."""
    if two_step.accepts(pending.account_id, code) and enter(pending.account_id, pending.mark):
        return True
    name = user_management.get(pending.account_id).name
    db.session.rollback()
    audit.record("code refused", name)
    return False


def enter(account_id: int, mark: str, by_password_alone: bool = False) -> bool:
    """Begin a new session of this account in this browser and end the previous one (ASVS 5.0, 7.2.4).

    `mark`: fingerprint of the hash of the password that was checked. Return False if the password has changed since
    then, or if the account was disabled. Also return False if only the password was checked (`by_password_alone`) and
    two-step sign-in has been turned on.
    """
    with transaction():
        if not _may_enter(account_id, mark, by_password_alone):
            return False
        _end_the_one_before()
        token = sessions.begin(account_id, request.remote_addr or "")
    session.clear()
    session.permanent = True
    g.person = _person(token)
    if g.person is None:  # another request ended the session at once
        return False
    login_user(g.person)
    audit.record("sign-in", g.person.name)
    device_cookies.remember(account_id, mark)
    return True


def sign_out(person: Person) -> None:
    """End this session, so that no copy of its cookie is valid any more."""
    with transaction():
        if person.token:
            sessions.end(person.token)
        audit.note("sign-out", person.name)
    logout_user()
    session.clear()


def safe_path(text: str) -> str | None:
    """Return a path and query that stay on this site, or None if the text might lead a browser to another site.

    Browsers read a backslash as a slash and ignore tabs and line ends, so that //host has many spellings.
    """
    if not text.startswith("/") or text.startswith("//") or "\\" in text or not text.isprintable() or " " in text:
        return None
    parts = urlsplit(text)
    return None if parts.scheme or parts.netloc else text


def now() -> int:
    """Return the current Unix time in seconds."""
    return int(utcnow().replace(tzinfo=UTC).timestamp())


def _renewed(account_id: int, stored: str, password: str) -> str:
    """Return the hash of a password that was checked. Replace a stored hash that is outdated."""
    if not passwords.is_outdated(stored):
        return stored
    made = passwords.hash_password(password)
    with transaction():
        same = (ACCOUNT.c.id == account_id, ACCOUNT.c.password == stored)
        db.session.execute(update(ACCOUNT).where(*same).values(password=made))
    return made


def _proceed(account_id: int, mark: str, back: str | None) -> bool:
    """Begin a session, or remember for five minutes that a code is missing. Return whether it succeeded."""
    if not two_step.is_on(account_id):
        return enter(account_id, mark, by_password_alone=True)
    with transaction():
        _end_the_one_before()
    session.clear()
    g.person = None
    session[PENDING] = astuple(PendingSignIn(account_id, now(), mark, back))
    return True


def _end_the_one_before() -> None:
    """End the session of this browser, so that no copy of its cookie is valid. Needs a transaction."""
    if g.person and g.person.token:
        sessions.end(g.person.token)


def _may_enter(account_id: int, mark: str, by_password_alone: bool) -> bool:
    """Return whether the account may still sign in. Needs a transaction.

    The row is locked: a request that changes the password or disables the account waits, then ends the new session.
    """
    able = (ACCOUNT.c.id == account_id, ACCOUNT.c.disabled.is_(None), ACCOUNT.c.password.is_not(None))
    row = db.session.execute(
        select(ACCOUNT.c.password, ACCOUNT.c.two_step_secret).where(*able).with_for_update()
    ).first()
    if row is None or (by_password_alone and row.two_step_secret is not None):
        return False
    return fingerprint(row.password) == mark


def _person(token: str) -> Person | None:
    return sessions.load(token, two_step.missing())


def _named_by_proxy() -> Person | None:
    """Return the user whom a trusted proxy names, or None. `_guard` shows a refusal from `g.refusal`."""
    name = request.headers.get(current_app.config["AUTH_HEADER"], "").strip(" \t")
    if name in ("", UNSET):
        return None
    if not _is_trusted(peer()):
        log.warning("A header that names who is there came from %s, which is no trusted proxy: ignored.", peer())
        return None
    try:
        name = name.encode("latin-1").decode()  # WSGI decodes headers as Latin-1 (PEP 3333)
    except UnicodeDecodeError:
        log.warning("The proxy %s names somebody in another encoding than UTF-8: refused.", peer())
        g.refusal = _("The server in front of this app sends your name in another encoding than UTF-8.")
        return None
    try:
        return _account_of(name)
    except ConnectorError as error:
        db.session.rollback()
        g.refusal = str(error)
        return None


def _account_of(name: str) -> Person | None:
    if name != name.strip():
        raise PermissionDeniedError(
            _("The server in front of this app sends your name with a space around it that nobody sees.")
        )
    account = user_management.find(name)
    default = current_app.config["AUTH_DEFAULT_ROLE"]
    if account is None and default:
        with suppress(ConflictError):  # a parallel request of the same user created the account
            user_management.create_from_proxy(name, Role(default))
        account = user_management.find(name)
    if account is not None:
        _refuse_likeness(name, account.name)
    found, last = None, None
    if account is not None and not account.disabled:
        found, last = Person(account.id, account.name, Role(account.role)), account.signed_in
    db.session.rollback()
    if found is None:
        g.refusal = _(
            "You are signed in as %(name)s, but have no account here. Ask an administrator of this app for one.",
            name=name,
        )
        return None
    sessions.note_visit(found.id, last)
    return found


def _refuse_likeness(name: str, kept: str) -> None:
    """Raise PermissionDeniedError if the proxy treats the stored name of the account as another user's name."""
    if names.is_one(name, kept):
        return
    sentence = f"The proxy {peer()} names {name!r}, which is too like the name {kept!r} here: refused."
    log_throttled(log, f"{sentence} If both are one person: flask user respell.", level=logging.WARNING)
    raise PermissionDeniedError(
        _(
            "You are known as %(name)s, which is too like the name of an account here and not the same. Ask an "
            "administrator of this app: if it is yours, it can be given your spelling.",
            name=name,
        )
    )


def _is_trusted(address: str) -> bool:
    found = parse_address(address)
    return found is not None and any(found in network for network in current_app.config["TRUSTED_PROXIES"])
