"""Management of accounts: invite, send links, change roles and passwords, disable."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app
from sqlalchemy import Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from ..errors import ConflictError, InvalidInputError, InvalidLinkError
from ..extensions import db, execute_counted, transaction, utcnow
from ..i18n import gettext as _, lazy_gettext as _l
from ..models.accounts import ACCOUNT, Account, Purpose, Role
from . import access_tokens, audit, names, one_time_links, passwords, sessions

NOT_THE_PASSWORD = _l("Wrong current password.")


def check_name(text: str) -> str:
    """Return the normalized name. Raise InvalidInputError if it is invalid. A proxy's spelling is changed less."""
    return names.normalize_name(text, "NFC" if is_by_proxy() else "NFKC")


def get(account_id: int) -> Account:
    """Return the account. Raise InvalidInputError if there is none."""
    account = db.session.get(Account, account_id)
    if account is None:
        raise InvalidInputError(_("There is no account %(account_id)s.", account_id=account_id))
    return account


def find_account(name: str) -> Account:
    """Return the account of this name. Raise InvalidInputError if there is none."""
    account = find(name)
    if account is None:
        raise InvalidInputError(_("There is no account “%(name)s”. See flask user list.", name=name), "name")
    return account


def find(name: str) -> Account | None:
    """Return the account of this name, or None."""
    return db.session.scalar(select(Account).where(Account.name_key == names.key_of(name)))


def is_by_proxy() -> bool:
    """Return whether a proxy identifies the users. Accounts then have no password."""
    return bool(current_app.config["AUTH"] == "proxy")


def add(name: str, role: Role, days: int = one_time_links.INVITATION_DAYS) -> str:
    """Create an account. Return the token of the link with which its owner chooses a password within some days.

    Raise ConflictError if the account exists.
    """
    name = check_name(name)
    with transaction():
        account_id = _insert(name, role)
        audit.note("invite", name, role=role.value)
        return one_time_links.issue(Purpose.INVITE, account_id, timedelta(days=days))


def needs_first_admin() -> bool:
    """Return whether there is no active admin account with a password. Always false behind a proxy."""
    return not is_by_proxy() and not db.session.scalar(select(_admins().exists()))


def first_link() -> str:
    """Return the token of a new link that creates the first admin. Earlier such links become invalid."""
    with transaction():
        return one_time_links.issue(Purpose.FIRST)


def new_link(account_id: int) -> str:
    """Return the token of a new link to choose a password. The old password stays valid until then.

    Raise ConflictError if the account is disabled.
    """
    with transaction():
        account = get(account_id)
        if account.disabled:
            raise ConflictError(_("%(name)s is disabled: enable the account first.", name=account.name))
        purpose = Purpose.RESET if account.password else Purpose.INVITE
        audit.note("new link", account.name, purpose=purpose.value)
        days = timedelta(days=one_time_links.INVITATION_DAYS)
        lifetime = days if purpose is Purpose.INVITE else one_time_links.LIFETIME
        return one_time_links.issue(purpose, account_id, lifetime)


def redeem_link(token: str, password: str, name: str = "") -> int:
    """Use a link to set the password of its account, or to create the first admin. Return the account id.

    End all sessions of the account. Raise InvalidLinkError or InvalidInputError. `name`: the name of the first admin.
    """
    invitation = one_time_links.look_up(token)
    account_id = invitation.account_id
    name = check_name(name) if account_id is None else get(account_id).name
    stored = passwords.hash_password(passwords.check(password, name))
    with transaction():
        one_time_links.use(token)
        if account_id is None:
            if not needs_first_admin():
                raise InvalidLinkError(one_time_links.LINK_INVALID)
            account_id = _insert(name, Role.ADMIN)
        _set(account_id, password=stored)
        sessions.end_all(account_id)  # after `_set`: its row lock makes a parallel sign-in finish first or fail
        audit.note("password set", name, by=invitation.purpose)
    return account_id


def change_password(account_id: int, current: str, new: str) -> str:
    """Replace the password, end all sessions and return the new hash. Raise InvalidInputError if `current` is wrong."""
    name, stored = confirm(account_id, current)
    made = passwords.hash_password(passwords.check(new, name, "new"))
    same = (ACCOUNT.c.id == account_id, ACCOUNT.c.password == stored, ACCOUNT.c.disabled.is_(None))
    with transaction():
        if not execute_counted(update(ACCOUNT).where(*same).values(password=made)):
            raise InvalidInputError(NOT_THE_PASSWORD, "current")
        one_time_links.void(account_id)
        sessions.end_all(account_id)
        audit.note("password changed", name)
    return made


def confirm(account_id: int, current: str) -> tuple[str, str]:
    """Check the current password. Return the account's name and the hash of its password.

    Raise InvalidInputError if `current` is wrong.
    """
    account = get(account_id)
    name, stored = account.name, account.password
    db.session.rollback()
    if stored is None or not passwords.matches(stored, current):
        audit.record("password refused", name)
        raise InvalidInputError(NOT_THE_PASSWORD, "current")
    return name, stored


def set_role(account_id: int, role: Role) -> None:
    """Change the role. Raise ConflictError if the account is the last admin."""
    with transaction():
        account = get(account_id)
        if role is not Role.ADMIN:
            _refuse_last_admin(account_id)
        audit.note("role", account.name, before=account.role, after=role.value)
        _set(account_id, role=role.value)


def respell(name: str) -> None:
    """Change the spelling of an account's name. Raise InvalidInputError if there is no such account."""
    name = check_name(name)
    with transaction():
        account = find_account(name)
        audit.note("spelling", account.name, after=name)
        _set(account.id, name=name)


def disable(account_id: int) -> None:
    """Disable an account, end its sessions and links, and revoke its access tokens.

    Raise ConflictError if it is the last admin.
    """
    with transaction():
        _refuse_last_admin(account_id)
        _set(account_id, disabled=utcnow())
        sessions.end_all(account_id)  # after `_set`: its row lock makes a parallel sign-in finish first or fail
        one_time_links.void(account_id)
        revoked = access_tokens.revoke_all(account_id)
        audit.note("disable", get(account_id).name, **({"access_tokens": revoked} if revoked else {}))


def enable(account_id: int) -> None:
    """Enable a disabled account again, with its old password."""
    with transaction():
        _set(account_id, disabled=None)
        audit.note("enable", get(account_id).name)


def end_session(account_id: int, token_hash: str) -> bool:
    """End one session of an account. Return False if it has already ended."""
    with transaction():
        ended = sessions.end_one(account_id, token_hash)
        if ended:
            audit.note("session ended", get(account_id).name)
        return ended


def end_sessions(account_id: int, but: str | None = None) -> None:
    """End all sessions of an account except the one with the token `but`."""
    with transaction():
        sessions.end_all(account_id, but)
        audit.note("sessions ended", get(account_id).name)


def create_from_proxy(name: str, role: Role) -> None:
    """Create the account of a user whom the proxy names for the first time."""
    name = check_name(name)
    with transaction():
        _insert(name, role)
        audit.note("account made", name, role=role.value, by="proxy")


def _insert(name: str, role: Role) -> int:
    values = {"name": name, "name_key": names.key_of(name), "role": role.value, "created": utcnow()}
    try:
        return int(db.session.execute(insert(ACCOUNT).values(values).returning(ACCOUNT.c.id)).scalar_one())
    except IntegrityError as error:  # the unique index also decides between parallel requests
        raise ConflictError(_("There is an account “%(name)s” already.", name=name)) from error


def _set(account_id: int, **values: object) -> None:
    db.session.execute(update(ACCOUNT).where(ACCOUNT.c.id == account_id).values(values))


def _admins() -> Select[int]:
    able = (ACCOUNT.c.role == Role.ADMIN.value, ACCOUNT.c.disabled.is_(None))
    return select(ACCOUNT.c.id).where(*able, *(() if is_by_proxy() else (ACCOUNT.c.password.is_not(None),)))


def _refuse_last_admin(account_id: int) -> None:
    """Raise ConflictError if this is the only admin. Lock the rows, so that two admins cannot demote each other."""
    if list(db.session.scalars(_admins().with_for_update())) == [account_id]:
        raise ConflictError(_("This is the last active admin. Make another account an admin first."))
