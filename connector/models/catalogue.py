"""What we hold: items, files, item sets; holdings tie items to sources, changes tell what each job did to an item."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import JSON, BigInteger, ColumnElement, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..dspace.records import SourceState
from ..extensions import LARGE_INTEGER, db, utcnow

if TYPE_CHECKING:
    from .repositories import Repository

JSONValue = JSON(none_as_null=True)


class FileStatus(StrEnum):
    """The status of a file at its source. LINKED: not downloaded (yet). REFUSED: by the virus scanner, and not kept.

    UNVERIFIED: stored, but the source gives no checksum to compare. DIFFERS: stored, but the source gives another
    checksum, although two downloads were alike and have the size that it gives.
    """

    LINKED = "linked"
    STORED = "stored"
    UNVERIFIED = "unverified"
    DIFFERS = "differs"
    RESTRICTED = "restricted"
    MISSING = "missing"
    TOO_LARGE = "too_large"
    DAMAGED = "damaged"
    FAILED = "failed"
    REFUSED = "refused"

    @property
    def is_problem(self) -> bool:
        """Whether an import with such a file is not clean (design rule 11)."""
        return self in (FileStatus.DAMAGED, FileStatus.FAILED)

    @property
    def is_problem_once(self) -> bool:
        """Whether only the first import that meets such a file is not clean (design rule 11)."""
        return self in (FileStatus.DIFFERS, FileStatus.MISSING)

    @property
    def is_stored(self) -> bool:
        """Whether the file is stored as it is at the source now."""
        return self in (FileStatus.STORED, FileStatus.UNVERIFIED, FileStatus.DIFFERS)

    @property
    def is_listed(self) -> bool:
        """Whether job pages list such a file among the problems (see `catalogue.problems`)."""
        return self not in (FileStatus.LINKED, FileStatus.STORED, FileStatus.UNVERIFIED)

    @property
    def can_be_retried(self) -> bool:
        """Whether a file that did not come may come at another time; too large a one only when the limit has grown."""
        return not self.is_stored and self not in (FileStatus.LINKED, FileStatus.TOO_LARGE)


class Action(StrEnum):
    """What a job did to an item.

    TOUCHED: only its time stamp moved, which is no update. SHARES_HANDLE: another item has its handle, a problem.
    FILES_UNLISTED: only its files could not be listed, a problem.
    """

    ADDED = "added"
    UPDATED = "updated"
    MARKED = "marked"
    FAILED = "failed"
    TOUCHED = "touched"
    SHARES_HANDLE = "shares_handle"
    FILES_UNLISTED = "files_unlisted"
    TAKEN_DOWN = "taken_down"


class CatalogueItem(db.Model):
    """An item of the catalogue.

    `source_key` identifies it within its repository: the handle where it has one that is its own, else the source id
    (design rule 4, see `identity`).
    `source_metadata`: list of {field, value, language, authority, confidence} as they came, in order; those that only
    a login at the source shows have `restricted: true` besides, as have the mapped values that come of them.
    `search_text`: what everybody finds the item by. `restricted_search_text`: what those find it by besides who may see
    restricted values and names of files; None where none is restricted. `is_restored`: the next import reads it in
    full, as an undo put it back, an upgrade marked its files, or its files could not be listed.
    `mapped_values`: what the crosswalk makes of them. `content_hash`: SHA-256 of the source's data alone.
    """

    __tablename__ = "item"
    __table_args__ = (
        UniqueConstraint("repository_id", "source_key", name="uq_item_source_key"),
        Index("ix_item_source_id", "repository_id", "source_id"),
        Index("ix_item_listed", "is_hidden", "id", "by_login"),
        Index("ix_item_repository", "repository_id", "is_hidden", "id", "by_login"),
        Index(
            "ix_item_gone",
            text("coalesce(state_since, '0001-01-01 00:00:00.000000')"),
            *("id", "repository_id", "by_login"),
            sqlite_where=text("source_state != 'present' OR is_hidden = 1"),
            postgresql_where=text("source_state != 'present' OR is_hidden"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"))
    source_key: Mapped[str]
    source_id: Mapped[str]
    handle: Mapped[str | None]
    handle_link: Mapped[str | None]
    page_link: Mapped[str]
    title: Mapped[str | None]
    source_metadata: Mapped[list] = mapped_column(JSONValue)
    mapped_values: Mapped[dict] = mapped_column(JSONValue)
    search_text: Mapped[str] = mapped_column(Text)
    restricted_search_text: Mapped[str | None] = mapped_column(Text)
    title_is_restricted: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_restored: Mapped[bool] = mapped_column(default=False, server_default=false())
    last_modified: Mapped[str | None]
    content_hash: Mapped[str] = mapped_column(String(64))
    source_state: Mapped[str] = mapped_column(default=SourceState.PRESENT.value)
    state_since: Mapped[datetime | None]
    by_login: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_hidden: Mapped[bool] = mapped_column(default=False, server_default=false())
    repository: Mapped[Repository] = relationship("Repository")
    files: Mapped[list[CatalogueFile]] = relationship(
        back_populates="item", order_by="CatalogueFile.position", passive_deletes=True
    )

    @property
    def link(self) -> str:
        """The link back: the handle's URL where the item gives one, else its page at the repository."""
        return self.handle_link or self.page_link

    @property
    def is_present(self) -> bool:
        return self.source_state == SourceState.PRESENT


class StoredFile(db.Model):
    """Bytes in the files folder, once for each SHA-256, with the MD5 by which a source names them. `size` in bytes."""

    __tablename__ = "stored_file"
    __table_args__ = (Index("ix_stored_file_md5", "md5", "size"),)

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    md5: Mapped[str] = mapped_column(String(32))
    size: Mapped[int] = mapped_column(BigInteger)


class CatalogueFile(db.Model):
    """A file of an item. `position`: its place as the source lists them.

    `tried_by`: the last job to try or check it; None where none has since it was listed, or since an undo restored it.
    `first_met_by`: the job that first found it with its present status. `sha256`: of the bytes that are stored, None
    where there are none. `is_outdated`: those bytes are of an earlier version, as the present one has not come (yet).
    `until`: the day on which its embargo ends (YYYY-MM-DD), where the source gives it. `by_login`: came only by login,
    or was closed at the source since it came. `name_is_restricted`: a signed-out reader is not shown this file, so
    viewers are shown neither its name nor that it is there. `is_unstable`: two downloads in one run were not alike.
    """

    __tablename__ = "file"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    bitstream_id: Mapped[str]
    bundle: Mapped[str]
    sequence: Mapped[int | None] = mapped_column(LARGE_INTEGER)
    name: Mapped[str | None]
    description: Mapped[str | None]
    media_type: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    checksum: Mapped[str | None]
    checksum_algorithm: Mapped[str | None]
    sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    fate: Mapped[str] = mapped_column(default=FileStatus.LINKED.value)
    reason: Mapped[str | None]
    tried_by: Mapped[int | None]
    first_met_by: Mapped[int | None]
    is_outdated: Mapped[bool] = mapped_column(default=False, server_default=false())
    by_login: Mapped[bool] = mapped_column(default=False, server_default=false())
    name_is_restricted: Mapped[bool] = mapped_column(default=False, server_default=false())
    until: Mapped[str | None]
    is_unstable: Mapped[bool] = mapped_column(default=False, server_default=false())
    item: Mapped[CatalogueItem] = relationship(back_populates="files")

    @hybrid_property
    def is_stored(self) -> bool:
        """Whether bytes of it are stored, be they of an earlier version."""
        return self.sha256 is not None

    @is_stored.inplace.expression
    @classmethod
    def _is_stored(cls) -> ColumnElement[bool]:
        return cls.sha256.is_not(None)

    @hybrid_property
    def is_restricted(self) -> bool:
        """Whether its bytes, or even its name, come only by a login at the source."""
        return bool(self.by_login or self.name_is_restricted)

    @is_restricted.inplace.expression
    @classmethod
    def _is_restricted(cls) -> ColumnElement[bool]:
        return cls.by_login | cls.name_is_restricted

    @property
    def label(self) -> str:
        """Its name, or what can be said where the source gives none."""
        return self.name or f"file {self.sequence or self.position + 1}"


class ItemSet(db.Model):
    """A set of items. `origin` names the DSpace collection it mirrors ("repository id:handle or id"), if any.

    `source_name`: the name that this collection had last.
    """

    __tablename__ = "item_set"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    description: Mapped[str] = mapped_column(Text, default="")
    rights: Mapped[str] = mapped_column(Text, default="")
    license: Mapped[str] = mapped_column(Text, default="")
    link: Mapped[str | None]
    origin: Mapped[str | None] = mapped_column(unique=True)
    source_name: Mapped[str | None]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("import_job.id", ondelete="SET NULL"))
    created: Mapped[datetime] = mapped_column(default=utcnow)


class Membership(db.Model):
    """An item is in a set because a source put it there (or a hand: no source). A set holds an item once on pages.

    `seen_by`: the last job that met the item in the collection that the set mirrors.
    """

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("item_set_id", "item_id", "source_id", name="uq_membership"),
        Index("ix_membership_item", "item_id"),
        Index("ix_membership_job", "job_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    item_set_id: Mapped[int] = mapped_column(ForeignKey("item_set.id", ondelete="CASCADE"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"))
    source_id: Mapped[int | None] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("import_job.id", ondelete="SET NULL"))
    seen_by: Mapped[int | None]


class Holding(db.Model):
    """A source holds an item: made by one job, last seen by one; `left`: since when it is elsewhere at the source.

    `has_problem_files`: whether the item has files that job pages list. `retry_limit_bytes`: the lowest file limit
    with which a retry can bring one of them; 0 where any limit does, None where no retry helps. `problem_files.mark`
    keeps both up to date.
    """

    __tablename__ = "holding"
    __table_args__ = (
        UniqueConstraint("source_id", "item_id", name="uq_holding"),
        Index("ix_holding_item", "item_id"),
        Index("ix_holding_made_by", "made_by"),
        Index("ix_holding_seen_by", "source_id", "seen_by", "made_by"),
        Index("ix_holding_left", "source_id", "left", "item_id"),
        Index(
            "ix_holding_problem_files",
            *("source_id", "seen_by", "item_id"),
            sqlite_where=text("has_problem_files = 1"),
            postgresql_where=text("has_problem_files"),
        ),
        Index(
            "ix_holding_problems_made_by",
            *("source_id", "seen_by", "made_by"),
            sqlite_where=text("has_problem_files = 1"),
            postgresql_where=text("has_problem_files"),
        ),
        Index(
            "ix_holding_retry_limit",
            *("source_id", "seen_by", "retry_limit_bytes"),
            sqlite_where=text("retry_limit_bytes IS NOT NULL"),
            postgresql_where=text("retry_limit_bytes IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"))
    made_by: Mapped[int] = mapped_column(ForeignKey("import_job.id", ondelete="CASCADE"))
    seen_by: Mapped[int]
    left: Mapped[datetime | None]
    has_problem_files: Mapped[bool] = mapped_column(default=False, server_default=false())
    retry_limit_bytes: Mapped[int | None] = mapped_column(BigInteger)


class Change(db.Model):
    """What one job did to one item.

    `before`: what to restore on undo, by group: "data" (the source's data, files included), "last_modified", "state"
    (where it stood at the source), "left:SOURCE" (the holding's date), "set:SET:SOURCE" (the membership's job). Each
    group is undone for itself (design rules 1 and 2).
    """

    __tablename__ = "change"
    __table_args__ = (
        Index("ix_change_job", "job_id", "action", "id"),
        Index("ix_change_job_item", "job_id", "item_id", "action"),
        Index("ix_change_item", "item_id"),
        UniqueConstraint("job_id", "action", "source_key", name="uq_change"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("import_job.id", ondelete="CASCADE"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id", ondelete="SET NULL"))
    action: Mapped[str]
    source_key: Mapped[str]
    source_id: Mapped[str | None]
    handle: Mapped[str | None]
    title: Mapped[str | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    before: Mapped[dict | None] = mapped_column(JSONValue)
    item: Mapped[CatalogueItem | None] = relationship()


class Exclusion(db.Model):
    """An item taken down for good: no run brings it back. Known as items are, by its key within its repository."""

    __tablename__ = "exclusion"
    __table_args__ = (UniqueConstraint("repository_id", "source_key", name="uq_exclusion_source_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id", ondelete="CASCADE"))
    source_key: Mapped[str]
    source_id: Mapped[str]
    handle: Mapped[str | None]
    reason: Mapped[str] = mapped_column(Text)
    owner: Mapped[str]
    created: Mapped[datetime] = mapped_column(default=utcnow)
    repository: Mapped[Repository] = relationship("Repository")
