"""Repositories and sources: where we import from."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import JSON, ForeignKey, UniqueConstraint, column, select, table
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from ..dspace.records import Scope, ScopeKind, Server
from ..extensions import db, utcnow

JSONValue = JSON(none_as_null=True)
ASKED_AGAIN_AFTER = timedelta(days=30)


class Repository(db.Model):
    """A DSpace site we know. `address_key`: the address of its API, in one form (see `dspace.base_key`).

    `unanswered`: the optional questions that it does not answer, each with the day on which it was asked last.
    """

    __tablename__ = "repository"

    id: Mapped[int] = mapped_column(primary_key=True)
    address_key: Mapped[str] = mapped_column(unique=True)
    site_url: Mapped[str]
    api_url: Mapped[str]
    endpoint: Mapped[str]
    ui_url: Mapped[str | None]
    generation: Mapped[int]
    version: Mapped[str]
    name: Mapped[str | None]
    limit: Mapped[int | None]
    ignored_fields: Mapped[list] = mapped_column(JSONValue, default=list)
    communities: Mapped[list] = mapped_column(JSONValue, default=list)
    login_name: Mapped[str | None]
    login_secret: Mapped[str | None]
    delay: Mapped[float | None]
    unanswered: Mapped[dict] = mapped_column(JSONValue, default=dict, server_default="{}")
    created: Mapped[datetime] = mapped_column(default=utcnow)
    sources: Mapped[list[Source]] = relationship(back_populates="repository", cascade="all, delete-orphan")

    @property
    def server(self) -> Server:
        """What the clients need to know of it."""
        return Server(self.site_url, self.api_url, self.generation, self.version, self.name, self.ui_url)

    def unanswered_on(self, today: date) -> list[str]:
        """Return the optional questions that need not be asked: those that it refused in the last 30 days."""
        return [name for name, day in self.unanswered.items() if today - date.fromisoformat(day) < ASKED_AGAIN_AFTER]

    @property
    def label(self) -> str:
        """A name for the screen: its own, or else its host."""
        return self.name or self.site_url.split("://", 1)[-1]

    @property
    def label_and_host(self) -> str:
        """The same where several stand in a list: two sites may have one name."""
        host = self.site_url.split("://", 1)[-1]
        return f"{self.name} ({host})" if self.name else host

    @property
    def found(self) -> str:
        """What was found there, e.g. "DSpace 9.3 at server/api"."""
        return f"DSpace {self.version} at {self.endpoint}"


_OTHERS = table("source", column("id"), column("repository_id"), column("name")).alias("others")


class Source(db.Model):
    """A scope of a repository: one row, many jobs. `scope_key` is its handle where it has one, else its id.

    `schedule`: when it is imported by itself, and who said so; `due`: when next (UTC), None: never
    (see `imports.schedules`).
    `turn`: which slice of its items has its files read again next (see `imports.slices`). `shares_name`: whether
    another source of the repository has the same name.
    """

    __tablename__ = "source"
    __table_args__ = (UniqueConstraint("repository_id", "kind", "scope_key", name="uq_source_scope"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id", ondelete="CASCADE"))
    kind: Mapped[str]
    scope_key: Mapped[str]
    scope_id: Mapped[str]
    handle: Mapped[str | None]
    name: Mapped[str] = mapped_column()
    link: Mapped[str | None]
    options: Mapped[dict] = mapped_column(JSONValue, default=dict)
    hidden: Mapped[dict] = mapped_column(JSONValue, default=dict)
    proof: Mapped[dict | None] = mapped_column(JSONValue)
    schedule: Mapped[dict | None] = mapped_column(JSONValue)
    due: Mapped[datetime | None] = mapped_column(index=True)
    turn: Mapped[int] = mapped_column(default=0, server_default="0")
    shares_name: Mapped[bool] = column_property(
        select(_OTHERS.c.id)
        .where(_OTHERS.c.repository_id == repository_id, _OTHERS.c.name == name, _OTHERS.c.id != id)
        .correlate_except(_OTHERS)
        .exists()
    )
    repository: Mapped[Repository] = relationship(back_populates="sources")

    @property
    def label(self) -> str:
        """Return the name, with the handle (or id) beside it where another source has the same name."""
        return f"{self.name} ({self.handle or self.scope_id})" if self.shares_name else self.name

    @property
    def scope(self) -> Scope:
        """What the clients need to know of it."""
        return Scope(ScopeKind(self.kind), self.scope_id, self.handle, self.name)
