"""The table of relations: the items that the metadata of an item names by their ids at the source."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base


class ItemRelation(Base):
    """An id that a field of an item names. An item of the same repository with this source id is the related item.

    No key refers to the related item, so that the relation works as soon as that item is imported. `is_restricted`:
    only a login shows the value at the source.
    """

    __tablename__ = "item_relation"
    __table_args__ = (Index("ix_item_relation_item_id", "item_id"), {"sqlite_with_rowid": False})

    target_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    is_restricted: Mapped[bool] = mapped_column(default=False, server_default=false())


RELATION = ItemRelation.__table__
