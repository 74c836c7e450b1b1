"""Accounts, the one-time links that let people in, their sessions, and the audit trail."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import db, utcnow


class Role(StrEnum):
    """What an account may do; each includes those before it."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether who has this role may do what `other` may."""
        return list(Role).index(self) >= list(Role).index(other)


class Purpose(StrEnum):
    """What a one-time link is for: to make the first admin, to choose a first password, or a new one."""

    FIRST = "first"
    INVITE = "invite"
    RESET = "reset"


class Account(db.Model):
    """Somebody who may sign in. Never removed or renamed (but respelt): jobs and the audit trail name them.

    `name_key` makes upper and lower case the same name. `password`: an Argon2 hash; None before the first was chosen,
    and where a proxy says who is there. `disabled`: since when. `second_factor`: the secret of the app that makes its
    codes, sealed; None without one. `code_step`: the half minute (RFC 6238) of the last code that was used.
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
    second_factor: Mapped[str | None]
    code_step: Mapped[int | None]

    @property
    def state(self) -> str:
        """Where it stands, in a word."""
        if self.disabled:
            return "disabled"
        return "active" if self.password or self.signed_in else "invited"


class Invitation(db.Model):
    """A one-time link. Only the SHA-256 of its token is kept. `account_id`: None for the link of the first admin."""

    __tablename__ = "invitation"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    purpose: Mapped[str]
    expires: Mapped[datetime]
    used: Mapped[datetime | None]


class RecoveryCode(db.Model):
    """A code for whoever lost the app of the second factor; its row goes when it is used. Only its SHA-256 is kept."""

    __tablename__ = "recovery_code"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)


class Session(db.Model):
    """One browser that is signed in. The cookie holds the token, this row its SHA-256: no row, no session."""

    __tablename__ = "session"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    created: Mapped[datetime]
    seen: Mapped[datetime]
    address: Mapped[str]


class AuditEntry(db.Model):
    """Who did what, when, from where. Rows are only added: the database refuses to change or remove one.

    `about`: what it was done to, in words. `data`: more of it, by name; never a password, token or address with one.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    who: Mapped[str] = mapped_column(index=True)
    what: Mapped[str] = mapped_column(index=True)
    about: Mapped[str]
    address: Mapped[str]
    data: Mapped[dict] = mapped_column(JSON(none_as_null=True), default=dict)
