"""Browsers that are known: in which an account signed in before. Its owner is counted apart there from all strangers.

So nobody can lock an owner out by guessing (OWASP's device cookies; ASVS 5.0, 6.1.1). The cookie opens nothing.
"""

from __future__ import annotations

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select

from ..extensions import db
from ..models.accounts import Account
from . import user_management
from .one_time_links import fingerprint
from .throttling import network

ACCOUNT = Account.__table__
LONGEST = 365 * 24 * 3600  # seconds


def password_mark(account_id: int) -> str | None:
    """What tells the password of an account that may sign in from the next, and nothing else of it."""
    able = (ACCOUNT.c.id == account_id, ACCOUNT.c.disabled.is_(None))
    stored = db.session.scalar(select(ACCOUNT.c.password).where(*able))
    db.session.rollback()
    return stored and fingerprint(stored)


def remember(account_id: int, mark: str) -> None:
    """Give this browser the cookie, with the answer to this request. `mark`: of the password of this account."""
    value = _serializer().dumps([account_id, mark])

    @after_this_request
    def set_cookie(response: Response) -> Response:
        kept = {"max_age": LONGEST, "secure": request.is_secure, "httponly": True, "samesite": "Lax"}
        response.set_cookie(_cookie(), value, **kept)
        return response


def is_known(name: str) -> bool:
    """Whether the account of this name signed in here before, since its password was changed."""
    account_id = _account_id(name)
    return account_id is not None and is_known_to(account_id)


def origin_of(name: str) -> str:
    """Return what stands for the origin of a try to sign in with this name: a known browser, else its network.

    So failures of others at the same address do not count for a browser in which the owner signed in before.
    """
    return origin(_account_id(name))


def origin(account_id: int | None) -> str:
    """Return the same for an account; None for an unknown one."""
    return f"known to {account_id}" if account_id is not None and is_known_to(account_id) else network()


def is_known_to(account_id: int) -> bool:
    """Whether this account signed in here before, since its password was changed."""
    try:
        whose, mark = _serializer().loads(request.cookies.get(_cookie(), ""), max_age=LONGEST)
    except (BadData, ValueError, TypeError):
        return False
    return whose == account_id and mark == password_mark(account_id)


def _account_id(name: str) -> int | None:
    account = user_management.find(name)
    account_id = account.id if account else None
    db.session.rollback()
    return account_id


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="known browser")


def _cookie() -> str:
    """Its name, which over https binds it to this very host."""
    return "__Host-dspace-connector-known" if request.is_secure else "dspace-connector-known"
