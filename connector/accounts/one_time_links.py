"""One-time links with 256 random bits, valid for a limited time and one use. The database holds only their hashes."""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
from datetime import datetime, timedelta

from flask import current_app, has_request_context, request
from sqlalchemy import ColumnElement, delete, insert, select, update

from ..errors import InvalidInputError, InvalidLinkError
from ..extensions import db, execute_counted, utcnow
from ..i18n import gettext as _, lazy_gettext as _l
from ..models.accounts import INVITATION, Invitation, Purpose

LIFETIME = timedelta(hours=1)  # of links for a new password and for the first admin
INVITATION_DAYS, MOST_DAYS = 7, 90
EVERYWHERE = ("0.0.0.0", "::")
WELCOME = "/welcome/"  # the path of the page of a link, before its token
LINK_INVALID = _l("This link was used already, was replaced by a newer one, or has expired. Ask for a new one.")
_WHOLE = re.compile(r"[0-9]{1,3}")


def fingerprint(token: str) -> str:
    """Return the SHA-256 of a token, for storage. Tokens are random, so that a slow hash is not needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """Return 256 random bits as text for a URL or cookie."""
    return secrets.token_urlsafe(32)


def days_of(text: str) -> int:
    """Return the number of days for which an invitation is valid. Raise InvalidInputError for other texts."""
    text = text.strip()
    if not (_WHOLE.fullmatch(text) and 1 <= int(text) <= MOST_DAYS):
        raise InvalidInputError(_("Enter a whole number of days from 1 to %(most)s.", most=MOST_DAYS), "days")
    return int(text)


def issue(purpose: Purpose, account_id: int | None = None, lifetime: timedelta = LIFETIME) -> str:
    """Create a link and return its token. Earlier links of the account are deleted. Needs a transaction."""
    void(account_id)
    token = new_token()
    values = {"purpose": purpose.value, "account_id": account_id, "expires": utcnow() + lifetime}
    db.session.execute(insert(INVITATION).values(token_hash=fingerprint(token), **values))
    return token


def void(account_id: int | None) -> None:
    """Delete the links of this account, or those of the first admin if None. Needs a transaction."""
    db.session.execute(delete(INVITATION).where(INVITATION.c.account_id.is_not_distinct_from(account_id)))


def look_up(token: str) -> Invitation:
    """Return the invitation of a link. Raise InvalidLinkError if the link is used, expired or unknown."""
    found = db.session.scalar(select(Invitation).where(*_usable(token)))
    if found is None:
        raise InvalidLinkError(LINK_INVALID)
    return found


def expires_at(token: str) -> datetime:
    """Return when a link expires, in UTC. Raise InvalidLinkError if the link is used, expired or unknown."""
    return look_up(token).expires


def use(token: str) -> None:
    """Mark the link as used. Raise InvalidLinkError if it is used, expired or unknown. Needs a transaction.

    Of parallel requests, one succeeds.
    """
    spent = update(INVITATION).where(*_usable(token)).values(used=utcnow())
    if not execute_counted(spent):
        raise InvalidLinkError(LINK_INVALID)


def link_to(token: str, port: int | None = None) -> str:
    """Return the full URL of the one-time link with this token. `port`: the listening port, None if as configured."""
    config = current_app.config
    path = WELCOME + token
    if config["URL"]:
        return str(config["URL"]).rstrip("/") + path
    if has_request_context():
        return request.url_root.rstrip("/") + path
    host = socket.gethostname() if config["HOST"] in EVERYWHERE else config["HOST"]
    return f"http://{f'[{host}]' if ':' in host else host}:{port or config['PORT']}{path}"


def _usable(token: str) -> tuple[ColumnElement[bool], ...]:
    hashed = INVITATION.c.token_hash == fingerprint(token)
    return (hashed, INVITATION.c.used.is_(None), INVITATION.c.expires > utcnow())
