"""Items that jobs make private or delete at a destination, and when an item was deleted there"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    op.add_column("published_item", sa.Column("withdrawn_at", sa.DateTime()))
    op.create_table(
        "withdrawal_selection",
        *(_reference(name) for name in ("job", "published_item")),
    )
    op.create_index("ix_withdrawal_selection_published_item_id", "withdrawal_selection", ["published_item_id"])


def _reference(table: str) -> sa.Column:
    return sa.Column(f"{table}_id", sa.Integer, sa.ForeignKey(f"{table}.id", ondelete="CASCADE"), primary_key=True)
