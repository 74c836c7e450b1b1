"""Tables of what jobs did to items and files, with the earlier state that an undo restores."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..extensions import JSON_VALUE, Base
from .catalogue import CatalogueItem


class Action(StrEnum):
    """The effect of a job on an item.

    TOUCHED: only the time stamp or the rules of the crosswalk changed, which is no update. SHARES_HANDLE: another item
    has the same handle, a problem. FILES_UNLISTED: only the list of files could not be read, a problem.
    """

    ADDED = "added"
    UPDATED = "updated"
    MARKED = "marked"
    FAILED = "failed"
    TOUCHED = "touched"
    SHARES_HANDLE = "shares_handle"
    FILES_UNLISTED = "files_unlisted"
    TAKEN_DOWN = "taken_down"


class Change(Base):
    """The effect of one job on one item.

    `before`: the data that an undo restores, by group: "data" (the source's data with files), "crosswalk" (the rules of
    the crosswalk), "last_modified", "state" (the state at the source), "left:SOURCE" (the holding's date),
    "named:SOURCE" (whether the holding was of a named item), "set:SET:SOURCE" (the membership's job). An undo treats
    each group separately (design rules 1 and 2).
    `technical_details`: lines about the error behind the reason, such as the requested address.
    """

    __tablename__ = "change"
    __table_args__ = (
        Index("ix_change_job", "job_id", "action", "id"),
        Index("ix_change_job_item", "job_id", "item_id", "action"),
        # Without the changes of deleted items: PostgreSQL would read all of them to find those of one job.
        Index(
            "ix_change_item",
            "item_id",
            sqlite_where=text("item_id IS NOT NULL"),
            postgresql_where=text("item_id IS NOT NULL"),
        ),
        UniqueConstraint("job_id", "action", "source_key", name="uq_change"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id", ondelete="SET NULL"))
    action: Mapped[str]
    source_key: Mapped[str]
    source_id: Mapped[str | None]
    handle: Mapped[str | None]
    title: Mapped[str | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    technical_details: Mapped[list[str] | None] = mapped_column(JSON_VALUE)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON_VALUE)
    item: Mapped[CatalogueItem | None] = relationship()


class ChangeFile(Base):
    """A stored file that the undo of a change needs: one in the "data" group of `Change.before`."""

    __tablename__ = "change_file"

    change_id: Mapped[int] = mapped_column(ForeignKey("change.id", ondelete="CASCADE"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)


class FileProblem(Base):
    """A file that a job tried and could not download. Its row in `file` has its status since then."""

    __tablename__ = "file_problem"
    __table_args__ = (Index("ix_file_problem_job", "job_id", "id"), Index("ix_file_problem_item", "item_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"))
    bitstream_id: Mapped[str]
    reason: Mapped[str | None] = mapped_column(Text)


CHANGE = Change.__table__
CHANGE_FILE = ChangeFile.__table__
PROBLEM = FileProblem.__table__
