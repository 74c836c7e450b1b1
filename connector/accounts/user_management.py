"""What can be done with accounts: invite, let in by a link, change role and password, disable."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from ..errors import ConflictError, InvalidInputError, InvalidLinkError
from ..extensions import db, transaction, utcnow
from ..models.accounts import Account, Purpose, Role
from . import audit, names, one_time_links, passwords, sessions

ACCOUNT = Account.__table__
NOT_THE_PASSWORD = "That is not your present password."


def check_name(text: str) -> str:
    """The name as it is kept: as the proxy writes it where that says who is there. Raises InvalidInputError."""
    return names.checked(text, "NFC" if is_by_proxy() else "NFKC")


def get(account_id: int) -> Account:
    """The account, or InvalidInputError."""
    account = db.session.get(Account, account_id)
    if account is None:
        raise InvalidInputError(f"There is no account {account_id}.")
    return account


def named(name: str) -> Account:
    """The account of this name, or InvalidInputError."""
    account = find(name)
    if account is None:
        raise InvalidInputError(f"There is no account “{name}”. See flask user list.", "name")
    return account


def find(name: str) -> Account | None:
    """The account of this name, if there is one."""
    return db.session.scalar(select(Account).where(Account.name_key == names.key_of(name)))


def is_by_proxy() -> bool:
    """Whether the proxy in front says who is there, so that nobody has a password here."""
    return current_app.config["AUTH"] == "proxy"


def add(name: str, role: Role) -> str:
    """Make an account; gives the token of the link by which its owner chooses a password. ConflictError where it
    exists."""
    name = check_name(name)
    with transaction():
        account_id = _insert(name, role)
        audit.note("invite", name, role=role.value)
        return one_time_links.issue(Purpose.INVITE, account_id)


def needs_first_admin() -> bool:
    """Whether nobody can sign in who may manage accounts."""
    return not is_by_proxy() and not db.session.scalar(select(_admins().exists()))


def first_link() -> str:
    """The token of the link that makes the first admin; earlier ones end."""
    with transaction():
        return one_time_links.issue(Purpose.FIRST)


def new_link(account_id: int) -> str:
    """The token of a new link to choose a password; the old password holds until then. ConflictError where disabled."""
    with transaction():
        account = get(account_id)
        if account.disabled:
            raise ConflictError(f"{account.name} is disabled: enable the account first.")
        purpose = Purpose.RESET if account.password else Purpose.INVITE
        audit.note("new link", account.name, purpose=purpose.value)
        return one_time_links.issue(purpose, account_id)


def redeem_link(token: str, password: str, name: str = "") -> int:
    """Spend a link: set the password of its account, or make the first admin of this name. Gives the account's id.

    All its sessions end. Raises InvalidLinkError, InvalidInputError.
    """
    invitation = one_time_links.look_up(token)
    first = invitation.account_id is None
    name = check_name(name) if first else get(invitation.account_id).name
    stored = passwords.hashed(passwords.check(password, name))
    with transaction():
        one_time_links.use(token)
        if first:
            if not needs_first_admin():
                raise InvalidLinkError(one_time_links.SPENT)
            account_id = _insert(name, Role.ADMIN)
        else:
            account_id = invitation.account_id
        _set(account_id, password=stored)
        sessions.end_all(account_id)  # after it: a sign-in with the old password is over, or waits
        audit.note("password set", name, by=invitation.purpose)
    return account_id


def change_password(account_id: int, current: str, new: str) -> str:
    """Replace the password; all sessions end. Gives the hash of the new one. InvalidInputError where `current` is
    wrong."""
    name, stored = confirm(account_id, current)
    made = passwords.hashed(passwords.check(new, name, "new"))
    same = (ACCOUNT.c.id == account_id, ACCOUNT.c.password == stored, ACCOUNT.c.disabled.is_(None))
    with transaction():
        if not db.session.execute(update(ACCOUNT).where(*same).values(password=made)).rowcount:
            raise InvalidInputError(NOT_THE_PASSWORD, "current")
        one_time_links.void(account_id)
        sessions.end_all(account_id)
        audit.note("password changed", name)
    return made


def confirm(account_id: int, current: str) -> tuple[str, str]:
    """Gives the account's name and the hash of its password. InvalidInputError where `current` is not its password."""
    account = get(account_id)
    name, stored = account.name, account.password
    db.session.rollback()
    if not passwords.matches(stored, current):
        audit.record("password refused", name)
        raise InvalidInputError(NOT_THE_PASSWORD, "current")
    return name, stored


def set_role(account_id: int, role: Role) -> None:
    """Give another role. ConflictError where nobody would be left to manage accounts."""
    with transaction():
        account = get(account_id)
        if role is not Role.ADMIN:
            _spare_the_last_admin(account_id)
        audit.note("role", account.name, before=account.role, after=role.value)
        _set(account_id, role=role.value)


def respell(name: str) -> None:
    """Keep the account of this name in this very spelling from now on. InvalidInputError where there is none.

    ConflictError where a second factor is sealed with the spelling of before.
    """
    name = check_name(name)
    with transaction():
        account = named(name)
        if account.second_factor:
            raise ConflictError(
                f"{account.name} has a second factor, which holds for that spelling only: remove it first."
            )
        audit.note("spelling", account.name, after=name)
        _set(account.id, name=name)


def disable(account_id: int) -> None:
    """Let them in no more; sessions and links end at once. ConflictError where nobody would be left to manage
    accounts."""
    with transaction():
        _spare_the_last_admin(account_id)
        _set(account_id, disabled=utcnow())
        sessions.end_all(account_id)  # after it: a sign-in is over, or waits
        one_time_links.void(account_id)
        audit.note("disable", get(account_id).name)


def enable(account_id: int) -> None:
    """Let them in again, with the password they had."""
    with transaction():
        _set(account_id, disabled=None)
        audit.note("enable", get(account_id).name)


def end_session(account_id: int, token_hash: str) -> bool:
    """Sign one browser of an account out. False where it is signed in no more."""
    with transaction():
        ended = sessions.end_one(account_id, token_hash)
        if ended:
            audit.note("session ended", get(account_id).name)
        return ended


def end_sessions(account_id: int, but: str | None = None) -> None:
    """Sign an account out everywhere, but for the session with this token."""
    with transaction():
        sessions.end_all(account_id, but)
        audit.note("sessions ended", get(account_id).name)


def create_from_proxy(name: str, role: Role) -> None:
    """Make the account of somebody whom the proxy names for the first time."""
    name = check_name(name)
    with transaction():
        _insert(name, role)
        audit.note("account made", name, role=role.value, by="proxy")


def _insert(name: str, role: Role) -> int:
    values = {"name": name, "name_key": names.key_of(name), "role": role.value, "created": utcnow()}
    try:
        return db.session.execute(insert(ACCOUNT).values(values).returning(ACCOUNT.c.id)).scalar_one()
    except IntegrityError as error:  # the name is unique, also for two who take it at the same time
        raise ConflictError(f"There is an account “{name}” already.") from error


def _set(account_id: int, **values: object) -> None:
    db.session.execute(update(ACCOUNT).where(ACCOUNT.c.id == account_id).values(values))


def _admins() -> Select[tuple[int]]:
    able = (ACCOUNT.c.role == Role.ADMIN.value, ACCOUNT.c.disabled.is_(None))
    return select(ACCOUNT.c.id).where(*able, *(() if is_by_proxy() else (ACCOUNT.c.password.is_not(None),)))


def _spare_the_last_admin(account_id: int) -> None:
    """The rows are locked, so that two admins cannot take the right from each other at the same time."""
    if list(db.session.scalars(_admins().with_for_update())) == [account_id]:
        raise ConflictError("This is the last account that may manage accounts: make another one an admin first.")
