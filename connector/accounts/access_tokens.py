"""Access tokens, with which programs read the catalogue as viewers. The database holds only their hashes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, or_, select, update

from ..errors import InvalidInputError, NotFoundError
from ..extensions import db, transaction, utcnow
from ..i18n import gettext as _
from ..models.accounts import ACCOUNT, TOKEN, AccessToken, Role
from . import audit
from .one_time_links import fingerprint, new_token
from .sessions import Person

PREFIX = "dsc_"  # by which scanners for published secrets recognize a token
MAX_NAME_CHARACTERS = 100
MOST = 50  # tokens of an account
COARSE = timedelta(minutes=5)  # precision of the time of last use, so that not every request writes


def create(account_id: int, name: str) -> str:
    """Make an access token of this account and return it. Raise InvalidInputError if the name cannot be used."""
    name = _checked(name)
    token = PREFIX + new_token()
    with transaction():
        owner = db.session.scalars(select(ACCOUNT.c.name).where(ACCOUNT.c.id == account_id).with_for_update()).one()
        names = [made.name for made in of_account(account_id)]
        if name in names:
            raise InvalidInputError(_("There is an access token “%(name)s” already.", name=name), "name")
        if len(names) >= MOST:
            raise InvalidInputError(_("There are %(most)s access tokens. Revoke one first.", most=MOST), "name")
        db.session.add(AccessToken(account_id=account_id, name=name, token_hash=fingerprint(token)))
        audit.note("access token made", owner, name=name)
    return token


def get(account_id: int, token_id: int) -> AccessToken:
    """Return an access token of this account. Raise NotFoundError if there is none with this id."""
    found = db.session.scalar(select(AccessToken).where(TOKEN.c.id == token_id, TOKEN.c.account_id == account_id))
    if found is None:
        raise NotFoundError(_("This access token does not exist. It may have been revoked."))
    return found


def revoke(account_id: int, token_id: int) -> str:
    """Delete an access token of this account and return its name. Raise NotFoundError if there is none with this id."""
    with transaction():
        name = get(account_id, token_id).name
        owner = db.session.scalars(select(ACCOUNT.c.name).where(ACCOUNT.c.id == account_id)).one()
        db.session.execute(delete(TOKEN).where(TOKEN.c.id == token_id))
        audit.note("access token revoked", owner, name=name)
    return name


def revoke_all(account_id: int) -> list[str]:
    """Delete the access tokens of an account and return their names. Needs a transaction."""
    deleted = delete(TOKEN).where(TOKEN.c.account_id == account_id).returning(TOKEN.c.name)
    return sorted(db.session.scalars(deleted))


def of_account(account_id: int) -> Sequence[AccessToken]:
    """Return the access tokens of an account, oldest first."""
    return of_accounts([account_id]).get(account_id, [])


def of_accounts(account_ids: Collection[int]) -> dict[int, list[AccessToken]]:
    """Return the access tokens of these accounts by account id, oldest first. Accounts without any are left out."""
    found: dict[int, list[AccessToken]] = {}
    query = select(AccessToken).where(TOKEN.c.account_id.in_(account_ids)).order_by(TOKEN.c.id)
    for token in db.session.scalars(query):
        found.setdefault(token.account_id, []).append(token)
    return found


def load(token: str, must_set_up: ColumnElement[bool]) -> Person | None:
    """Return the owner of a token with the role of a viewer, or None if it is unknown. Close the transaction.

    The token of a disabled account is unknown, too. `must_set_up`: an SQL condition for accounts that must turn on
    two-step sign-in first.
    """
    mine = TOKEN.c.token_hash == fingerprint(token)
    columns = (ACCOUNT.c.id, ACCOUNT.c.name, must_set_up.label("must_set_up"))
    query = select(*columns).join(TOKEN, TOKEN.c.account_id == ACCOUNT.c.id).where(mine, ACCOUNT.c.disabled.is_(None))
    row = db.session.execute(query).first()
    db.session.rollback()
    if row is None:
        return None
    _note_use(mine)
    return Person(row.id, row.name, Role.VIEWER, must_set_up=bool(row.must_set_up))


def _note_use(mine: ColumnElement[bool]) -> None:
    """Store the time of use, unless the stored one is recent."""
    now = utcnow()
    is_due = or_(TOKEN.c.used.is_(None), TOKEN.c.used < now - COARSE)
    due = db.session.scalar(select(TOKEN.c.id).where(mine, is_due))
    db.session.rollback()
    if due is not None:
        with transaction():
            db.session.execute(update(TOKEN).where(TOKEN.c.id == due).values(used=now))


def _checked(name: str) -> str:
    """Return the name without surrounding spaces. Raise InvalidInputError if it is empty, too long or unprintable."""
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        most = MAX_NAME_CHARACTERS
        raise InvalidInputError(_("A name has 1 to %(most)s visible letters, digits or signs.", most=most), "name")
    return name
