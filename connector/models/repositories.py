"""Tables of repositories and of the sources in them that are imported."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, column, false, select, table, true
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from ..dspace.records import Scope, ScopeKind, Server
from ..extensions import JSON_VALUE, Base, utcnow
from ..i18n import gettext as _

ASKED_AGAIN_AFTER = timedelta(days=30)


class Repository(Base):
    """A DSpace site. `address_key`: the normalized URL of its API (see `endpoint_candidates.base_key`).

    `name`: what the repository calls itself. `given_name`: what a person calls it here. `unanswered`: the optional
    requests that it refused, each with the day of the last attempt. `oai_url`: the base URL of OAI-PMH beside its REST
    API, if one was found. `oai_newest`: when its newest record changed, as the last import saw. `uses_oai`: False if a
    person, or a comparison of both, switched it off (design rule 21).
    `crosswalk_id`: the rules of its crosswalk that imports use, 0 for the default ones (see `CrosswalkRow`).
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
    speaks_oai: Mapped[bool] = mapped_column(default=False, server_default=false())
    oai_url: Mapped[str | None]
    oai_newest: Mapped[datetime | None]
    uses_oai: Mapped[bool] = mapped_column(default=True, server_default=true())
    name: Mapped[str | None]
    given_name: Mapped[str | None]
    limit: Mapped[int | None]
    crosswalk_id: Mapped[int] = mapped_column(default=0, server_default="0")
    communities: Mapped[list[list[str]]] = mapped_column(JSON_VALUE, default=list)
    login_name: Mapped[str | None]
    login_secret: Mapped[str | None]
    delay: Mapped[float | None]
    unanswered: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE, default=dict, server_default="{}")
    created: Mapped[datetime] = mapped_column(default=utcnow)
    sources: Mapped[list[Source]] = relationship(back_populates="repository", cascade="all, delete-orphan")

    @property
    def server(self) -> Server:
        """Return the description of the repository that the DSpace clients need."""
        return Server(
            *(self.site_url, self.api_url, self.generation, self.version, self.name, self.ui_url),
            *(self.speaks_oai, self.oai_url, self.uses_oai),
        )

    def unanswered_on(self, today: date) -> list[str]:
        """Return the optional requests to skip today: those that the repository refused in the last 30 days."""
        return [name for name, day in self.unanswered.items() if today - date.fromisoformat(day) < ASKED_AGAIN_AFTER]

    @property
    def can_use_oai(self) -> bool:
        """Return whether imports can use OAI-PMH beside the REST API."""
        return self.generation >= 7 and not self.speaks_oai

    @property
    def label(self) -> str:
        """Return the name of the repository, or its host if it has no name."""
        return self.given_name or self.name or self.site_url.split("://", 1)[-1]

    @property
    def label_and_host(self) -> str:
        """Return the name with the host, for lists in which two sites may have the same name."""
        host = self.site_url.split("://", 1)[-1]
        name = self.given_name or self.name
        return f"{name} ({host})" if name else host

    @property
    def found(self) -> str:
        """Return the detected version and endpoints, for example "DSpace 9.3 at server/api"."""
        if self.speaks_oai:
            return _("DSpace at %(endpoint)s, over OAI-PMH", endpoint=self.endpoint)
        names = {"version": self.version, "endpoint": self.endpoint}
        if not (self.oai_url and self.uses_oai):
            return _("DSpace %(version)s at %(endpoint)s", **names)
        names["oai_endpoint"] = self.oai_url.removeprefix(self.site_url).strip("/")
        if self.oai_newest is None:
            return _("DSpace %(version)s at %(endpoint)s; OAI-PMH at %(oai_endpoint)s", **names)
        return _(
            "DSpace %(version)s at %(endpoint)s; OAI-PMH at %(oai_endpoint)s, newest record of %(day)s",
            **names,
            day=f"{self.oai_newest:%Y-%m-%d}",
        )


class CrosswalkRow(Base):
    """Rules of the crosswalk of a repository. A row is never changed, because items refer to it.

    `terms`: the term of each field that does not go to its default terms. `ignored`: patterns of the ignored fields.
    """

    __tablename__ = "crosswalk"

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id", ondelete="CASCADE"), index=True)
    terms: Mapped[dict[str, str]] = mapped_column(JSON_VALUE)
    ignored: Mapped[list[str]] = mapped_column(JSON_VALUE)


_OTHERS = table("source", column("id"), column("repository_id"), column("name")).alias("others")


class Source(Base):
    """A scope of a repository that one or more jobs import. `scope_key`: its handle if it has one, else its id.

    `schedule`: when to import it automatically, and who set this. `due_at`: time of the next scheduled import in UTC,
    None without any (see `jobs.scheduling`). `not_visible`: the number of items that the source counts and does not
    list, by collection (design rule 13). `completeness_proof`: what proves that the last complete run saw everything.
    `recheck_slice`: the part of its items whose files the next recheck reads (see `imports.reading.rolling_recheck`).
    `shares_name`: whether another source of the repository has the same name.
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
    options: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE, default=dict)
    not_visible: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE, default=dict)
    completeness_proof: Mapped[dict[str, Any] | None] = mapped_column(JSON_VALUE)
    schedule: Mapped[dict[str, Any] | None] = mapped_column(JSON_VALUE)
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    recheck_slice: Mapped[int] = mapped_column(default=0, server_default="0")
    shares_name: Mapped[bool] = column_property(
        select(_OTHERS.c.id)
        .where(_OTHERS.c.repository_id == repository_id, _OTHERS.c.name == name, _OTHERS.c.id != id)
        .correlate_except(_OTHERS)
        .exists()
    )
    repository: Mapped[Repository] = relationship(back_populates="sources")

    @property
    def label(self) -> str:
        """Return the name, followed by the handle or id if another source has the same name."""
        return f"{self.name} ({self.handle or self.scope_id})" if self.shares_name else self.name

    @property
    def resource(self) -> str:
        """Return the resource of which only one job at a time may read: the repository."""
        return resource_of(self.repository_id)

    @property
    def scope(self) -> Scope:
        """Return the description of the scope that the DSpace clients need."""
        return Scope(ScopeKind(self.kind), self.scope_id, self.handle, self.name)


def resource_of(repository_id: int) -> str:
    """Return the resource of jobs that need a repository alone."""
    return f"repository:{repository_id}"


SOURCE = Source.__table__
