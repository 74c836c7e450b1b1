"""Items that people took out of item sets"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.create_table(
        "removed_member",
        sa.Column("item_set_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_removed_member_item_id_item"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_set_id"], ["item_set.id"], name=op.f("fk_removed_member_item_set_id_item_set"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item_set_id", "item_id", name=op.f("pk_removed_member")),
    )
    op.create_index("ix_removed_member_item_id", "removed_member", ["item_id"])
