"""Tables of destinations, the Omeka S sites to which items are published, and of what was published there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..extensions import JSON_VALUE, Base, utcnow
from .catalogue import CatalogueItem


class Choice(StrEnum):
    """Whose values a person has chosen for a conflict: those of the source, or those at the destination."""

    OURS = "ours"
    THEIRS = "theirs"


class FileMode(StrEnum):
    """How the files of items are published: not at all, as uploads of the stored files, or as links to the source."""

    NONE = "none"
    UPLOAD = "upload"
    LINKS = "links"


class Destination(Base):
    """An Omeka S site with an API key. `key_secret`: the credential of the key, encrypted.

    `is_public`: whether new items are public, unless they are restricted or no longer at their source. `files`: a
    `FileMode`. `template_id`: the resource template of new items. `owner_id`: their owner, None for the user of the
    key. `site_ids`: the sites that show the items, empty if Omeka S decides. All ids are those at the site. `classes`:
    the URI of the class of new items, by their type in lower case. `has_all_fields`: whether fields without a term are
    published, in a vocabulary of their own.
    """

    __tablename__ = "destination"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    api_url: Mapped[str] = mapped_column(unique=True)
    version: Mapped[str]
    key_identity: Mapped[str]
    key_secret: Mapped[str]
    is_public: Mapped[bool]
    files: Mapped[str] = mapped_column(default=FileMode.NONE.value, server_default=FileMode.NONE.value)
    template_id: Mapped[int | None]
    owner_id: Mapped[int | None]
    site_ids: Mapped[list[int]] = mapped_column(JSON_VALUE, default=list, server_default="[]")
    has_all_fields: Mapped[bool] = mapped_column(default=False, server_default=false())
    classes: Mapped[dict[str, str]] = mapped_column(JSON_VALUE, default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    @property
    def resource(self) -> str:
        """Return the name of what no two jobs may use at the same time (see `Job.resource`)."""
        return f"destination:{self.id}"

    @property
    def site_url(self) -> str:
        """Return the address of the site for people."""
        return self.api_url.removesuffix("/api")


class PublishedSet(Base):
    """The item set at a destination that has the items of a source.

    `omeka_id`: its id there, None until the request that creates it has been answered; `sending_since` is then the time
    of that request in UTC. `job_id`: the job that created it, None if it was there before.
    """

    __tablename__ = "published_set"
    __table_args__ = (UniqueConstraint("destination_id", "source_id", name="uq_published_set"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    destination_id: Mapped[int] = mapped_column(ForeignKey("destination.id", ondelete="CASCADE"))
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"))
    omeka_id: Mapped[int | None]
    sending_since: Mapped[datetime | None]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))


class ItemSetChoice(Base):
    """The item set that a person chose for the items of a source. Without a row they get one with the source's name.

    `omeka_id`: its id at the destination, None for no item set. `title`: its title when it was chosen.
    """

    __tablename__ = "item_set_choice"

    destination_id: Mapped[int] = mapped_column(ForeignKey("destination.id", ondelete="CASCADE"), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"), primary_key=True, index=True)
    omeka_id: Mapped[int | None]
    title: Mapped[str | None]


class PublishedItem(Base):
    """An item at a destination. The row stays when the item leaves the catalogue.

    `identifier`: our identifier, which is one of its values there. `omeka_id`: its id there. None until the request
    that creates it has been answered; `sending_since` is then the time of that request in UTC. `created_by_job_id`: the
    job that created it there, None if it was there before. `job_id`: the last job that looked at it. `wanted`: the data
    that was last sent, `accepted`: the same without what the site dropped (see `stored_items`). `withdrawn_at`: when a
    withdrawal deleted it there, None if it was published again since.
    """

    __tablename__ = "published_item"
    __table_args__ = (
        UniqueConstraint("destination_id", "identifier", name="uq_published_item_identifier"),
        UniqueConstraint("destination_id", "item_id", name="uq_published_item"),
        # Counts read this index instead of the rows, which are long.
        Index(
            "ix_published_item_there",
            "destination_id",
            sqlite_where=text("omeka_id IS NOT NULL"),
            postgresql_where=text("omeka_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    destination_id: Mapped[int] = mapped_column(ForeignKey("destination.id", ondelete="CASCADE"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id", ondelete="SET NULL"), index=True)
    identifier: Mapped[str]
    omeka_id: Mapped[int | None]
    sending_since: Mapped[datetime | None]
    created_by_job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"), index=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"), index=True)
    wanted: Mapped[dict[str, Any] | None] = mapped_column(JSON_VALUE)
    accepted: Mapped[dict[str, Any] | None] = mapped_column(JSON_VALUE)
    changed_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    destination: Mapped[Destination] = relationship()


class AdoptionCandidate(Base):
    """An item at a destination that looks like one of the catalogue that we have not published there.

    `omeka_id`, `title`: its id and title there. `text`: the value by which it was found. `is_ticked`: whether a person
    wants to adopt it. `is_decided`: whether the job has got its answer; `is_ticked` is then the decision.
    `is_adopted`: whether the job adopted it.
    """

    __tablename__ = "adoption_candidate"
    __table_args__ = (UniqueConstraint("job_id", "item_id", name="uq_adoption_candidate"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    destination_id: Mapped[int] = mapped_column(ForeignKey("destination.id", ondelete="CASCADE"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), index=True)
    omeka_id: Mapped[int]
    title: Mapped[str | None]
    text: Mapped[str]
    is_ticked: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_decided: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_adopted: Mapped[bool] = mapped_column(default=False, server_default=false())
    item: Mapped[CatalogueItem] = relationship()


class PublishedChange(Base):
    """What a job changed in an item that was at the destination before the job, for its undo.

    `groups`: the values of properties, and members such as the class, before and after (see `item_changes`). The row is
    written before the request, so that it is there if the answer is lost.
    """

    __tablename__ = "published_change"
    __table_args__ = (UniqueConstraint("job_id", "published_item_id", name="uq_published_change"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    published_item_id: Mapped[int] = mapped_column(ForeignKey("published_item.id", ondelete="CASCADE"), index=True)
    groups: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE)


class PublishedFile(Base):
    """A file of an item at a destination, found again by its SHA-256. `media_id`: its id there.

    `job_id`: the job that uploaded it, None if it was there before. `position`: the place among the media with which we
    sent it, None if it is not known.
    """

    __tablename__ = "published_file"
    __table_args__ = (UniqueConstraint("published_item_id", "sha256", name="uq_published_file"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    published_item_id: Mapped[int] = mapped_column(ForeignKey("published_item.id", ondelete="CASCADE"))
    sha256: Mapped[str] = mapped_column(String(64))
    media_id: Mapped[int]
    position: Mapped[int | None]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))


class FileUpload(Base):
    """An upload of a file that has begun and has no answer yet (see `file_uploads`). `position`: its place.

    `job_id`: the job that began it, at `began_at` (UTC). `media_before`: ids of the media that the item had before.
    """

    __tablename__ = "file_upload"

    published_item_id: Mapped[int] = mapped_column(
        ForeignKey("published_item.id", ondelete="CASCADE"), primary_key=True
    )
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    position: Mapped[int]
    media_before: Mapped[list[int]] = mapped_column(JSON_VALUE)
    began_at: Mapped[datetime] = mapped_column(default=utcnow)


class RefusedFile(Base):
    """A file that the site refused for an item. It is not sent again (see `failed_items` and `destinations.change`).

    `reason`: why, as a sentence.
    """

    __tablename__ = "refused_file"

    published_item_id: Mapped[int] = mapped_column(
        ForeignKey("published_item.id", ondelete="CASCADE"), primary_key=True
    )
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str]


class PublishingConflict(Base):
    """A part of an item that both sides changed: the values of a property, or a member such as its class.

    `name`: the URI of the property, or the name of the member. `ours`, `theirs`: the values of the source and of the
    destination (see `stored_items`). Other values there make another row. `choice`: a `Choice` that the next job
    carries out, or None.
    """

    __tablename__ = "publishing_conflict"
    __table_args__ = (
        UniqueConstraint("published_item_id", "name", name="uq_publishing_conflict"),
        {"sqlite_autoincrement": True},  # a page that shows older values must not name a later row
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    published_item_id: Mapped[int] = mapped_column(ForeignKey("published_item.id", ondelete="CASCADE"))
    name: Mapped[str]
    ours: Mapped[Any] = mapped_column(JSON_VALUE, nullable=True)
    theirs: Mapped[Any] = mapped_column(JSON_VALUE, nullable=True)
    choice: Mapped[str | None]
    published_item: Mapped[PublishedItem] = relationship()


class PublishingSelection(Base):
    """An item that a publishing job publishes. A job without such rows publishes all items of its source."""

    __tablename__ = "publishing_selection"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, index=True)


class PreviewedItem(Base):
    """An item that a preview of publishing names. `action`: the counter of what publishing would do with it."""

    __tablename__ = "previewed_item"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, index=True)
    action: Mapped[str]


class WithdrawalSelection(Base):
    """A published item that a withdrawal makes private or deletes. It may have left the catalogue."""

    __tablename__ = "withdrawal_selection"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    published_item_id: Mapped[int] = mapped_column(
        ForeignKey("published_item.id", ondelete="CASCADE"), primary_key=True, index=True
    )


PUBLISHED_SET = PublishedSet.__table__
PUBLISHED_ITEM = PublishedItem.__table__
CANDIDATE = AdoptionCandidate.__table__
PUBLISHED_CHANGE = PublishedChange.__table__
PUBLISHED_FILE = PublishedFile.__table__
UPLOAD = FileUpload.__table__
REFUSED_FILE = RefusedFile.__table__
CONFLICT = PublishingConflict.__table__
PUBLISHING_SELECTION = PublishingSelection.__table__
PREVIEWED_ITEM = PreviewedItem.__table__
WITHDRAWAL_SELECTION = WithdrawalSelection.__table__
