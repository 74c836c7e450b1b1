"""The relations of items, filled from their metadata"""

import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"

BATCH = 1000  # items
ITEM = sa.table("item", sa.column("id"), sa.column("source_metadata", sa.JSON))
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def upgrade() -> None:
    table = op.create_table(
        "item_relation",
        sa.Column("target_id", sa.String(36), nullable=False),
        sa.Column("item_id", sa.Integer, sa.ForeignKey("item.id", ondelete="CASCADE"), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("is_restricted", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("target_id", "item_id", "field"),
        sqlite_with_rowid=False,
    )
    _fill(table)
    op.create_index("ix_item_relation_item_id", "item_relation", ["item_id"])


def _fill(table: sa.Table) -> None:
    bind, last = op.get_bind(), 0
    query = sa.select(ITEM).order_by(ITEM.c.id).limit(BATCH)
    while items := bind.execute(query.where(ITEM.c.id > last)).all():
        last = items[-1].id
        if rows := [row for item in items for row in _rows(item)]:
            bind.execute(sa.insert(table), rows)


def _rows(item: Any) -> Iterator[dict[str, Any]]:
    found: dict[tuple[str, str], bool] = {}
    for entry in item.source_metadata:
        value = entry["value"] if entry["field"].startswith("relation.") else None
        for target_id in (value, entry.get("authority")):
            if target_id and UUID.fullmatch(target_id):
                field = UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", entry["field"].removesuffix(".latestForDiscovery"))
                key = field, target_id
                found[key] = found.get(key, True) and "restricted" in entry
    for (field, target_id), is_restricted in found.items():
        yield {"item_id": item.id, "field": field, "target_id": target_id, "is_restricted": is_restricted}
