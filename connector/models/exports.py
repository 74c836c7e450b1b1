"""The items of exports."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base


class ExportItem(Base):
    """An item that an export contains. The rows are kept as long as its file."""

    __tablename__ = "export_item"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, index=True)


EXPORT_ITEM = ExportItem.__table__
