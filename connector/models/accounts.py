"""Tables of accounts, one-time links, recovery codes, sessions, access tokens and the audit trail."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base, utcnow
from ..i18n import lazy_gettext as _l


class Role(StrEnum):
    """The permissions of an account. Each role includes the ones before it."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    @property
    def noun(self) -> str:
        """Return the noun for pages and sentences."""
        return str(_ROLES[self])

    def includes(self, other: Role) -> bool:
        """Return whether this role includes the permissions of `other`."""
        return list(Role).index(self) >= list(Role).index(other)


_ROLES = {Role.VIEWER: _l("viewer"), Role.EDITOR: _l("editor"), Role.ADMIN: _l("admin")}


class Purpose(StrEnum):
    """The purpose of a one-time link: create the first admin, choose a first password, or choose a new one."""

    FIRST = "first"
    INVITE = "invite"
    RESET = "reset"


class Account(Base):
    """A user who may sign in. Accounts are never deleted, because jobs and the audit trail refer to their names.

    Only the spelling of a name can change. `name_key`: the name without differences of case and Unicode form.
    `password`: an Argon2 hash, None if none was chosen yet or if a proxy identifies the users. `disabled`: time of
    disabling, in UTC. `two_step_secret`: the encrypted secret for verification codes, None without two-step sign-in.
    `code_step`: the time step of 30 seconds (RFC 6238) of the last code that was used.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    password: Mapped[str | None]
    disabled: Mapped[datetime | None]
    created: Mapped[datetime] = mapped_column(default=utcnow)
    signed_in: Mapped[datetime | None]
    two_step_secret: Mapped[str | None]
    code_step: Mapped[int | None]

    @property
    def state(self) -> str:
        """Return the state of the account as a word: disabled, active or invited."""
        if self.disabled:
            return "disabled"
        return "active" if self.password or self.signed_in else "invited"


class Invitation(Base):
    """A one-time link. The table holds only the SHA-256 of the token. `account_id`: None for the first admin's link."""

    __tablename__ = "invitation"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    purpose: Mapped[str]
    expires: Mapped[datetime]
    used: Mapped[datetime | None]


class RecoveryCode(Base):
    """A recovery code for two-step sign-in, deleted when it is used. The table holds only its SHA-256."""

    __tablename__ = "recovery_code"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)


class Session(Base):
    """One signed-in browser. The cookie holds the token, this table only its SHA-256."""

    __tablename__ = "session"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    created: Mapped[datetime]
    seen: Mapped[datetime]
    address: Mapped[str]


class AccessToken(Base):
    """A token with which a program reads the catalogue as a viewer. The table holds only the SHA-256 of the token.

    `name`: what its owner calls it. `used`: the time of the last request with it, to a few minutes, in UTC.
    """

    __tablename__ = "access_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created: Mapped[datetime] = mapped_column(default=utcnow)
    used: Mapped[datetime | None]


class AuditEntry(Base):
    """An entry of the audit trail. The database refuses to change or delete a row.

    `about`: the object of the action, as text. `data`: more details by name, never a password, a token or a URL with
    one.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    who: Mapped[str] = mapped_column(index=True)
    what: Mapped[str] = mapped_column(index=True)
    about: Mapped[str]
    address: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSON(none_as_null=True), default=dict)


ACCOUNT = Account.__table__
INVITATION = Invitation.__table__
CODE = RecoveryCode.__table__
SESSION = Session.__table__
TOKEN = AccessToken.__table__
