"""Tables of the items that a preview shows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import JSON_VALUE, Base


class PreviewRow(Base):
    """One item that an import would add, change or mark. `data`: what a preview shows of it (see `preview_recorder`).

    `ticked`: selected for import, in a preview. An import of selected items has rows of its own (see
    `preview_selection`). `has_problem`: the item could not be read, or its files could not be listed. `is_named`: the
    item is read because others name it (design rule 22). `names`: the ids that the item names, None if its relations in
    the catalogue say it.
    """

    __tablename__ = "preview_row"
    __table_args__ = (
        UniqueConstraint("job_id", "source_key", name="uq_preview_row"),
        Index("ix_preview_row_action", "job_id", "action", "id"),
        Index("ix_preview_row_place", "job_id", "id", "action"),
        Index("ix_preview_row_problem", "job_id", "has_problem", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    action: Mapped[str]
    source_key: Mapped[str]
    source_id: Mapped[str | None]
    handle: Mapped[str | None]
    title: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE, default=dict)
    ticked: Mapped[bool] = mapped_column(default=False, server_default=false())
    has_problem: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_named: Mapped[bool] = mapped_column(default=False, server_default=false())
    names: Mapped[list[str] | None] = mapped_column(JSON_VALUE)


class SampleItem(Base):
    """One sample item of a preview. `data`: the content of its page (see `sample_items`).

    `reason`: why the item could not be read, or None.
    """

    __tablename__ = "sample_item"
    __table_args__ = (UniqueConstraint("job_id", "source_key", name="uq_sample_item"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    source_key: Mapped[str]
    source_id: Mapped[str | None]
    handle: Mapped[str | None]
    title: Mapped[str | None]
    reason: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE, default=dict)


ROW = PreviewRow.__table__
SAMPLE_ITEM = SampleItem.__table__
