"""Item sets that people chose for sources, and the item sets and sites of published items"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"

ROWS = 500
SET = sa.table("published_set", sa.column("destination_id"), sa.column("omeka_id"))
ITEM = sa.table(
    "published_item",
    sa.column("id"),
    sa.column("destination_id"),
    sa.column("wanted", sa.JSON(none_as_null=True)),
    sa.column("accepted", sa.JSON(none_as_null=True)),
)


def upgrade() -> None:
    op.create_table(
        "item_set_choice",
        sa.Column("destination_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("omeka_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destination.id"],
            name=op.f("fk_item_set_choice_destination_id_destination"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_item_set_choice_source_id_source"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("destination_id", "source_id", name=op.f("pk_item_set_choice")),
    )
    op.create_index("ix_item_set_choice_source_id", "item_set_choice", ["source_id"])
    _add_item_sets()


def _add_item_sets() -> None:
    """Store for each published item that we put it into the item sets of ours at its destination."""
    connection = op.get_bind()
    item_sets: dict[int, list[int]] = {}
    for destination_id, omeka_id in connection.execute(sa.select(SET.c.destination_id, SET.c.omeka_id)):
        item_sets.setdefault(destination_id, []).append(omeka_id)
    after = 0
    query = sa.select(ITEM).where(ITEM.c.wanted.is_not(None), ITEM.c.accepted.is_not(None)).order_by(ITEM.c.id)
    while rows := connection.execute(query.where(ITEM.c.id > after).limit(ROWS)).all():
        for row in rows:
            ids = {"item_sets": {"ids": sorted(item_sets.get(row.destination_id, []))}}
            both: dict[str, Any] = {"wanted": row.wanted | ids, "accepted": row.accepted | ids}
            connection.execute(sa.update(ITEM).where(ITEM.c.id == row.id).values(both))
        after = rows[-1].id
