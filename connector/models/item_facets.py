"""The table of facet values of items, by which lists of items are narrowed and counted."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base

VALUE_CHARACTERS = 250  # of a value that are kept


class Facet(StrEnum):
    """A property whose values are stored for each item. Addresses contain the names, stored numbers the order."""

    TYPE = "type"
    YEAR = "year"
    LANGUAGE = "language"
    CREATOR = "creator"
    KIND = "kind"


class ItemFacet(Base):
    """A facet value of an item.

    `value_id`: a number for facet and value (see `catalogue.facet_values.value_id`), because grouping by numbers is
    three times as fast as by texts. `is_restricted`: only a login shows the value at the source.
    """

    __tablename__ = "item_facet"
    __table_args__ = (
        Index("ix_item_facet_item_id", "item_id", "value_id", "is_restricted"),
        {"sqlite_with_rowid": False},
    )

    value_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), primary_key=True)
    value: Mapped[str] = mapped_column(String(VALUE_CHARACTERS))
    is_restricted: Mapped[bool] = mapped_column(default=False, server_default=false())


FACET = ItemFacet.__table__
