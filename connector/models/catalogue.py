"""Tables of the catalogue: items, files and item sets, and the sources that hold items."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..dspace.records import SourceState
from ..extensions import JSON_VALUE, LARGE_INTEGER, Base, utcnow
from ..i18n import gettext as _
from .repositories import Repository


class FileStatus(StrEnum):
    """The status of a file at its source.

    NOT_DOWNLOADED: not yet, or not wanted. UNVERIFIED: stored, but the source gives no checksum to compare. DIFFERS:
    stored with another checksum than the source gives, after two equal downloads of the expected size. INFECTED:
    according to the virus scanner, and not stored. The values stay as they are, because databases and exports contain
    them.
    """

    NOT_DOWNLOADED = "linked"
    STORED = "stored"
    UNVERIFIED = "unverified"
    DIFFERS = "differs"
    RESTRICTED = "restricted"
    MISSING = "missing"
    TOO_LARGE = "too_large"
    DAMAGED = "damaged"
    FAILED = "failed"
    INFECTED = "refused"

    @property
    def is_problem(self) -> bool:
        """Return whether a file with this status always makes an import end with problems (design rule 11)."""
        return self in (FileStatus.DAMAGED, FileStatus.FAILED)

    @property
    def is_problem_once(self) -> bool:
        """Return whether only the first import that finds such a file ends with problems (design rule 11)."""
        return self in (FileStatus.DIFFERS, FileStatus.MISSING)

    @property
    def is_stored(self) -> bool:
        """Return whether the current version of the file is stored."""
        return self in (FileStatus.STORED, FileStatus.UNVERIFIED, FileStatus.DIFFERS)

    @property
    def is_listed(self) -> bool:
        """Return whether job pages list a file with this status as a problem (see `jobs.report.problems`)."""
        return self not in (FileStatus.NOT_DOWNLOADED, FileStatus.STORED, FileStatus.UNVERIFIED)

    @property
    def can_be_retried(self) -> bool:
        """Return whether a retry may download the file. Files that are too large need a higher limit instead."""
        return not self.is_stored and self not in (FileStatus.NOT_DOWNLOADED, FileStatus.TOO_LARGE)


class CatalogueItem(Base):
    """An item of the catalogue.

    `source_key`: unique within the repository. It is the handle if no other item has it, else the source id (design
    rule 4, see `identity`).

    `source_metadata`: a list of {field, value, language, authority, confidence} in source order. Restricted values also
    have `restricted: true`, like the mapped values made from them. `mapped_values`: the result of the crosswalk.
    `crosswalk_id`: the rules with which it was made, 0 for the default ones (see `CrosswalkRow`).

    `search_text`: the text in which every reader's search looks. `restricted_search_text`: additional text for readers
    who may see restricted values and file names, None if nothing is restricted.

    `property_codes`: the properties with values, and whether there are files (see `catalogue.property_codes`).

    `title_sort`, `date_sort`: by which lists are sorted, without restricted values (see `item_rows.derived_columns`).

    `content_hash`: SHA-256 of the source's data alone. `is_restored`: the next import reads the item in full, because
    of an undo, an upgrade that marked its files, or files that could not be listed. `is_restricted`: only a login shows
    the item at its source.
    """

    __tablename__ = "item"
    __table_args__ = (
        UniqueConstraint("repository_id", "source_key", name="uq_item_source_key"),
        Index("ix_item_source_id", "repository_id", "source_id"),
        Index(
            "ix_item_listed",
            *("is_hidden", "id", "is_restricted", "repository_id", "source_state", "date_sort", "property_codes"),
        ),
        Index("ix_item_title_sort", "is_hidden", "title_sort", "id", "is_restricted", "repository_id"),
        Index("ix_item_date_sort", "is_hidden", "date_sort", "id", "is_restricted", "repository_id"),
        Index(
            "ix_item_last_modified",
            "is_hidden",
            text("coalesce(last_modified, '')"),
            *("id", "is_restricted", "repository_id"),
        ),
        Index("ix_item_source_state", "is_hidden", "source_state", "id", "is_restricted", "repository_id", "date_sort"),
        Index("ix_item_repository", "repository_id", "is_hidden", "id", "is_restricted"),
        Index("ix_item_crosswalk_id", "repository_id", "crosswalk_id"),
        Index(
            "ix_item_gone",
            text("coalesce(state_since, '0001-01-01 00:00:00.000000')"),
            *("id", "repository_id", "is_restricted"),
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
    source_metadata: Mapped[list[dict[str, Any]]] = mapped_column(JSON_VALUE)
    mapped_values: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE)
    crosswalk_id: Mapped[int] = mapped_column(default=0, server_default="0")
    property_codes: Mapped[str] = mapped_column(default="", server_default="")
    search_text: Mapped[str] = mapped_column(Text)
    restricted_search_text: Mapped[str | None] = mapped_column(Text)
    title_sort: Mapped[str] = mapped_column(default="", server_default="")
    date_sort: Mapped[str] = mapped_column(default="", server_default="")
    title_is_restricted: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_restored: Mapped[bool] = mapped_column(default=False, server_default=false())
    last_modified: Mapped[str | None]
    content_hash: Mapped[str] = mapped_column(String(64))
    source_state: Mapped[str] = mapped_column(default=SourceState.PRESENT.value)
    state_since: Mapped[datetime | None]
    is_restricted: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_hidden: Mapped[bool] = mapped_column(default=False, server_default=false())
    repository: Mapped[Repository] = relationship()
    files: Mapped[list[CatalogueFile]] = relationship(
        back_populates="item", order_by="CatalogueFile.position", passive_deletes=True
    )

    @property
    def link(self) -> str:
        """Return the URL of the item at its source: its handle URL if the metadata has it, else its page."""
        return self.handle_link or self.page_link

    @property
    def is_present(self) -> bool:
        """Return whether the source still shows the item."""
        return self.source_state == SourceState.PRESENT


class ThumbnailState(StrEnum):
    """Whether stored content has a thumbnail (see `catalogue.thumbnails`)."""

    DUE = "due"
    MADE = "made"
    NONE = "none"  # the content is neither a picture nor a PDF
    FAILED = "failed"


class StoredFile(Base):
    """The content of files, stored once per SHA-256. `md5`: for comparison with sources. `size`: in bytes.

    `width`, `height`: of a picture, in pixels, None before its thumbnail was made.
    """

    __tablename__ = "stored_file"
    __table_args__ = (
        Index("ix_stored_file_md5", "md5", "size"),
        Index(
            "ix_stored_file_thumbnail_due",
            "sha256",
            sqlite_where=text("thumbnail = 'due'"),
            postgresql_where=text("thumbnail = 'due'"),
        ),
    )

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    md5: Mapped[str] = mapped_column(String(32))
    size: Mapped[int] = mapped_column(BigInteger)
    thumbnail: Mapped[str] = mapped_column(default=ThumbnailState.DUE.value, server_default=ThumbnailState.DUE.value)
    width: Mapped[int | None]
    height: Mapped[int | None]


class CatalogueFile(Base):
    """A file of an item. `position`: its place in the list of the source.

    `last_tried_job_id`: the last job that tried or checked the file, None if no job has since it was listed or restored
    by an undo. `status_since_job_id`: the job that first found the file with its current status. `sha256`: of the
    stored content, None without any. `is_outdated`: the stored content is an earlier version. `embargo_ends_on`: the
    day on which the embargo ends (YYYY-MM-DD), if the source gives it. `content_is_restricted`: the file was downloaded
    with a login, or became restricted afterwards. `name_is_restricted`: the source does not list the file without
    login, so viewers do not see that it exists. `is_unstable`: two downloads in one run were different.
    """

    __tablename__ = "file"
    __table_args__ = (
        Index(
            "ix_file_stored",
            "item_id",
            sqlite_where=text("sha256 IS NOT NULL"),
            postgresql_where=text("sha256 IS NOT NULL"),
        ),
    )

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
    status: Mapped[str] = mapped_column(default=FileStatus.NOT_DOWNLOADED.value)
    reason: Mapped[str | None]
    technical_details: Mapped[list[str] | None] = mapped_column(JSON_VALUE)
    last_tried_job_id: Mapped[int | None]
    status_since_job_id: Mapped[int | None]
    is_outdated: Mapped[bool] = mapped_column(default=False, server_default=false())
    content_is_restricted: Mapped[bool] = mapped_column(default=False, server_default=false())
    name_is_restricted: Mapped[bool] = mapped_column(default=False, server_default=false())
    embargo_ends_on: Mapped[str | None]
    is_unstable: Mapped[bool] = mapped_column(default=False, server_default=false())
    item: Mapped[CatalogueItem] = relationship(back_populates="files")

    @hybrid_property
    def is_stored(self) -> bool:
        """Return whether content of the file is stored, possibly an earlier version."""
        return self.sha256 is not None

    @is_stored.inplace.expression
    @classmethod
    def _is_stored(cls) -> ColumnElement[bool]:
        return cls.sha256.is_not(None)

    @hybrid_property
    def is_restricted(self) -> bool:
        """Return whether the content or the name of the file is restricted."""
        return bool(self.content_is_restricted or self.name_is_restricted)

    @is_restricted.inplace.expression
    @classmethod
    def _is_restricted(cls) -> ColumnElement[bool]:
        return cls.content_is_restricted | cls.name_is_restricted

    @property
    def label(self) -> str:
        """Return the name of the file, or its number if the source gives no name."""
        return self.name or _("file %(sequence)s", sequence=self.sequence or self.position + 1)


class ItemSet(Base):
    """A set of items. `origin`: the DSpace collection that it mirrors ("repository id:handle or id"), if any.

    `source_name`: the last known name of that collection.
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
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    created: Mapped[datetime] = mapped_column(default=utcnow)


class Membership(Base):
    """An item in a set, added by a source or by a user (no source). Pages show an item only once per set.

    `last_seen_job_id`: the last job that found the item in the collection of the set.
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
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    last_seen_job_id: Mapped[int | None]


class RemovedMember(Base):
    """An item that a person took out of an item set. Imports do not put it there again."""

    __tablename__ = "removed_member"
    __table_args__ = (Index("ix_removed_member_item_id", "item_id"),)

    item_set_id: Mapped[int] = mapped_column(ForeignKey("item_set.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), primary_key=True)


class Holding(Base):
    """A source that holds an item. `left_at`: time in UTC since which the item is elsewhere in the repository.

    `is_named`: the item is not in the scope of the source, and is held because items of the scope name it (design rule
    22).

    `created_by_job_id`, `last_seen_job_id`: the first and the last job that found the item in the source.
    `has_problem_files`: whether the item has files that job pages list. `retry_limit_bytes`: the lowest file limit with
    which a retry can download one of them, 0 if any limit is enough, None if no retry helps. `problem_files.mark`
    updates both.
    """

    __tablename__ = "holding"
    __table_args__ = (
        UniqueConstraint("source_id", "item_id", name="uq_holding"),
        Index("ix_holding_item", "item_id"),
        Index("ix_holding_created_by_job_id", "created_by_job_id", "item_id"),
        Index("ix_holding_last_seen_job_id", "source_id", "last_seen_job_id", "created_by_job_id"),
        Index("ix_holding_left_at", "source_id", "left_at", "item_id"),
        Index(
            "ix_holding_problem_files",
            *("source_id", "last_seen_job_id", "item_id"),
            sqlite_where=text("has_problem_files = 1"),
            postgresql_where=text("has_problem_files"),
        ),
        Index(
            "ix_holding_problems_created_by_job_id",
            *("source_id", "last_seen_job_id", "created_by_job_id"),
            sqlite_where=text("has_problem_files = 1"),
            postgresql_where=text("has_problem_files"),
        ),
        Index(
            "ix_holding_retry_limit",
            *("source_id", "last_seen_job_id", "retry_limit_bytes"),
            sqlite_where=text("retry_limit_bytes IS NOT NULL"),
            postgresql_where=text("retry_limit_bytes IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"))
    created_by_job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    last_seen_job_id: Mapped[int]
    left_at: Mapped[datetime | None]
    is_named: Mapped[bool] = mapped_column(default=False, server_default=false())
    has_problem_files: Mapped[bool] = mapped_column(default=False, server_default=false())
    retry_limit_bytes: Mapped[int | None] = mapped_column(BigInteger)


class Exclusion(Base):
    """An item that was taken down. Imports skip it, by its key within the repository."""

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
    repository: Mapped[Repository] = relationship()


class CatalogueCount(Base):
    """The counts of the catalogue that the overview shows, in one row (see `catalogue.counts`).

    `seconds`: how long the counting took. `basis`: the last change, the last audit entry and the running jobs then.
    `counts`: a list with an object for each repository, once for open and once for restricted items. `facets`: the
    facet counts of all items, without and with restricted values. `fields`: the counts of fields by repository, as
    `field_counts` made them.
    """

    __tablename__ = "catalogue_count"

    id: Mapped[int] = mapped_column(primary_key=True)
    counted_at: Mapped[datetime]
    seconds: Mapped[float]
    basis: Mapped[list[Any]] = mapped_column(JSON_VALUE)
    counts: Mapped[list[dict[str, Any]]] = mapped_column(JSON_VALUE)
    facets: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON_VALUE)
    fields: Mapped[dict[str, list[list[Any]]] | None] = mapped_column(JSON_VALUE)


ITEM = CatalogueItem.__table__
STORED_FILE = StoredFile.__table__
FILE = CatalogueFile.__table__
ITEM_SET = ItemSet.__table__
MEMBERSHIP = Membership.__table__
MEMBER = RemovedMember.__table__
HOLDING = Holding.__table__
EXCLUSION = Exclusion.__table__
