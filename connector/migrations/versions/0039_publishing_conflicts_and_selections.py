"""Conflicts of published items, and the selected items of publishing jobs"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.create_table(
        "publishing_conflict",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("published_item_id", "published_item"),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("ours", sa.JSON),
        sa.Column("theirs", sa.JSON),
        sa.Column("choice", sa.String),
        sa.UniqueConstraint("published_item_id", "name", name="uq_publishing_conflict"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "publishing_selection",
        _reference("job_id", "job", primary_key=True),
        _reference("item_id", "item", primary_key=True),
    )
    op.create_index("ix_publishing_selection_item_id", "publishing_selection", ["item_id"])


def _reference(column: str, table: str, *, primary_key: bool = False) -> sa.Column:
    target = sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
    return sa.Column(column, sa.Integer, target, nullable=False, primary_key=primary_key)
