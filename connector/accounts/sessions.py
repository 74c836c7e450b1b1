"""Sessions: one row for each signed-in browser. Deleting the row ends the session, even for copied cookies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_login import UserMixin
from sqlalchemy import ColumnElement, delete, insert, select, update

from ..extensions import db, execute_counted, transaction, utcnow
from ..models.accounts import ACCOUNT, SESSION, Role, Session
from . import names
from .one_time_links import fingerprint, new_token

IDLE = timedelta(hours=12)  # longest time without a request
MAX_AGE = timedelta(days=7)  # of a session, even in constant use (ASVS 5.0, 7.3.2)
COARSE = timedelta(minutes=5)  # precision of the time of last use, so that not every request writes
HOURLY = timedelta(hours=1)


@dataclass(frozen=True, eq=False)
class Person(UserMixin):
    """The user of a request. It holds plain values, so that a page can show the name without a query.

    `token`: the token of the session, None if a proxy names the user. `must_set_up`: whether the user must turn on
    two-step sign-in first.
    """

    id: int
    name: str
    role: Role
    token: str | None = None
    must_set_up: bool = False

    def get_id(self) -> str | None:
        """Return the session token, which Flask-Login keeps in the cookie."""
        return self.token

    def may(self, role: Role) -> bool:
        """Return whether the user has this role or a higher one."""
        return self.role.includes(role)

    def owns(self, owner: str, role: Role = Role.EDITOR) -> bool:
        """Return whether the user may stop, resume or undo jobs of this owner: admins all jobs, others their own.

        `role`: the role that starts such jobs.
        """
        return self.may(Role.ADMIN) or (self.may(role) and names.key_of(owner) == names.key_of(self.name))


def begin(account_id: int, address: str) -> str:
    """Begin a session and return its token. Delete all expired sessions. Needs a transaction."""
    now, token = utcnow(), new_token()
    over = (SESSION.c.seen < now - IDLE) | (SESSION.c.created < now - MAX_AGE)
    db.session.execute(delete(SESSION).where(over))
    values = {"account_id": account_id, "created": now, "seen": now, "address": address}
    db.session.execute(insert(SESSION).values(token_hash=fingerprint(token), **values))
    db.session.execute(update(ACCOUNT).where(ACCOUNT.c.id == account_id).values(signed_in=now))
    return token


def load(token: str, must_set_up: ColumnElement[bool]) -> Person | None:
    """Return the user of a session, or None if it has expired or the account is disabled. Close the transaction.

    `must_set_up`: an SQL condition for accounts that must turn on two-step sign-in first.
    """
    now, mine = utcnow(), SESSION.c.token_hash == fingerprint(token)
    query = (
        select(ACCOUNT.c.id, ACCOUNT.c.name, ACCOUNT.c.role, SESSION.c.seen, must_set_up.label("must_set_up"))
        .join(SESSION, SESSION.c.account_id == ACCOUNT.c.id)
        .where(mine, SESSION.c.seen >= now - IDLE, SESSION.c.created >= now - MAX_AGE, ACCOUNT.c.disabled.is_(None))
    )
    row = db.session.execute(query).first()
    db.session.rollback()
    if row is None:
        return None
    if row.seen < now - COARSE:
        with transaction():
            db.session.execute(update(SESSION).where(mine).values(seen=now))
    return Person(row.id, row.name, Role(row.role), token, bool(row.must_set_up))


def note_visit(account_id: int, last: datetime | None) -> None:
    """Record the visit of a user whom a proxy names, at most once an hour. `last`: the last recorded visit."""
    now = utcnow()
    if last is None or last < now - HOURLY:
        with transaction():
            db.session.execute(update(ACCOUNT).where(ACCOUNT.c.id == account_id).values(signed_in=now))


def end(token: str) -> None:
    """End this session. Needs a transaction."""
    db.session.execute(delete(SESSION).where(SESSION.c.token_hash == fingerprint(token)))


def end_one(account_id: int, token_hash: str) -> bool:
    """End the session of this account with this token hash. Return whether it existed. Needs a transaction."""
    mine = (SESSION.c.account_id == account_id, SESSION.c.token_hash == token_hash)
    return bool(execute_counted(delete(SESSION).where(*mine)))


def end_all(account_id: int, but: str | None = None) -> None:
    """End all sessions of an account except the one with the token `but`. Needs a transaction."""
    kept = () if but is None else (SESSION.c.token_hash != fingerprint(but),)
    db.session.execute(delete(SESSION).where(SESSION.c.account_id == account_id, *kept))


def of_account(account_id: int) -> Sequence[Session]:
    """Return the sessions of an account that have not expired, newest first."""
    now = utcnow()
    alive = (SESSION.c.seen >= now - IDLE, SESSION.c.created >= now - MAX_AGE)
    query = select(Session).where(Session.account_id == account_id, *alive)
    return db.session.scalars(query.order_by(Session.created.desc())).all()
