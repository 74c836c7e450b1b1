"""Indexes for the lists of items, changes and previews, so that a page reads only the rows it shows"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

INDEXES = {
    "ix_item_listed": ("item", ["is_hidden", "id", "by_login"]),
    "ix_item_repository": ("item", ["repository_id", "is_hidden", "id", "by_login"]),
    "ix_change_job_item": ("change", ["job_id", "item_id", "action"]),
    "ix_holding_left": ("holding", ["source_id", "left", "item_id"]),
    "ix_preview_row_action": ("preview_row", ["job_id", "action", "id"]),
    "ix_preview_row_place": ("preview_row", ["job_id", "id", "action"]),
}


def upgrade() -> None:
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)
    op.create_index(
        "ix_item_gone",
        "item",
        ["state_since", "id", "repository_id", "by_login"],
        sqlite_where=sa.text("source_state != 'present' OR is_hidden = 1"),
        postgresql_where=sa.text("source_state != 'present' OR is_hidden"),
    )
