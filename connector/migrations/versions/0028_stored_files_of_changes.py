"""The stored files that an undo needs, in a table of their own, filled from the states before all changes"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

BATCH = 500  # changes
CHANGE = sa.table("change", sa.column("id"), sa.column("before", sa.JSON))


def upgrade() -> None:
    table = op.create_table(
        "change_file",
        sa.Column("change_id", sa.Integer, sa.ForeignKey("change.id", ondelete="CASCADE"), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("change_id", "sha256"),
    )
    op.create_index("ix_change_file_sha256", "change_file", ["sha256"])
    _fill(table)


def _fill(table: sa.Table) -> None:
    connection, last = op.get_bind(), 0
    query = sa.select(CHANGE).where(CHANGE.c.before.is_not(None)).order_by(CHANGE.c.id).limit(BATCH)
    while page := connection.execute(query.where(CHANGE.c.id > last)).all():
        last = page[-1].id
        rows = [{"change_id": row.id, "sha256": sha256} for row in page for sha256 in _files(row.before)]
        if rows:
            connection.execute(sa.insert(table), rows)


def _files(before: Any) -> set[str]:
    """Return the SHA-256 of the stored files in a state before a change."""
    files = before.get("data", {}).get("files", ()) if isinstance(before, dict) else ()
    return {file["sha256"] for file in files if file.get("sha256")}
