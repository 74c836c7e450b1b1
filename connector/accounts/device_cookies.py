"""Cookies of browsers in which an account has signed in before. Their failed attempts are counted separately.

So strangers who guess passwords cannot lock out the owner (OWASP device cookies; ASVS 5.0, 6.1.1). The cookie alone
gives no access.
"""

from __future__ import annotations

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select

from ..extensions import db
from ..models.accounts import ACCOUNT
from . import user_management
from .one_time_links import fingerprint
from .throttling import network

MAX_AGE_SECONDS = 365 * 24 * 3600


def password_mark(account_id: int) -> str | None:
    """Return a fingerprint that changes with the password, or None if the account cannot sign in."""
    able = (ACCOUNT.c.id == account_id, ACCOUNT.c.disabled.is_(None))
    stored = db.session.scalar(select(ACCOUNT.c.password).where(*able))
    db.session.rollback()
    return stored and fingerprint(stored)


def remember(account_id: int, mark: str) -> None:
    """Set the cookie of this browser in the response. `mark`: fingerprint from `password_mark`."""
    value = _serializer().dumps([account_id, mark])

    @after_this_request
    def set_cookie(response: Response) -> Response:
        response.set_cookie(
            _cookie(), value, max_age=MAX_AGE_SECONDS, secure=request.is_secure, httponly=True, samesite="Lax"
        )
        return response


def is_known(name: str) -> bool:
    """Return whether the account of this name has signed in with this browser since its last password change."""
    account_id = _account_id(name)
    return account_id is not None and is_known_to(account_id)


def origin_of(name: str) -> str:
    """Return the key that counts failed sign-ins with this name: the browser if the account knows it, else the network.

    So failures of others at the same address do not count for a browser in which the owner signed in before.
    """
    return origin(_account_id(name))


def origin(account_id: int | None) -> str:
    """Return the same key for an account id. None stands for an unknown account."""
    return f"known to {account_id}" if account_id is not None and is_known_to(account_id) else network()


def is_known_to(account_id: int) -> bool:
    """Return whether this account has signed in with this browser since its last password change."""
    try:
        whose, mark = _serializer().loads(request.cookies.get(_cookie(), ""), max_age=MAX_AGE_SECONDS)
    except (BadData, ValueError, TypeError):
        return False
    return bool(whose == account_id and mark == password_mark(account_id))


def _account_id(name: str) -> int | None:
    account = user_management.find(name)
    account_id = account.id if account else None
    db.session.rollback()
    return account_id


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="known browser")


def _cookie() -> str:
    """Return the name of the cookie. Over https, its prefix binds it to this host."""
    return "__Host-dspace-connector-known" if request.is_secure else "dspace-connector-known"
