"""Plain names of the columns of sources, holdings and memberships"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

COLUMNS = (
    ("source", "hidden", "not_visible"),
    ("source", "proof", "completeness_proof"),
    ("source", "due", "due_at"),
    ("source", "turn", "recheck_slice"),
    ("holding", "made_by", "created_by_job_id"),
    ("holding", "seen_by", "last_seen_job_id"),
    ("holding", "left", "left_at"),
    ("membership", "seen_by", "last_seen_job_id"),
)
# (table, old name, new name, columns, condition on SQLite)
INDEXES = (
    ("source", "ix_source_due", "ix_source_due_at", ["due_at"], None),
    ("holding", "ix_holding_made_by", "ix_holding_created_by_job_id", ["created_by_job_id"], None),
    (
        *("holding", "ix_holding_seen_by", "ix_holding_last_seen_job_id"),
        *(["source_id", "last_seen_job_id", "created_by_job_id"], None),
    ),
    ("holding", "ix_holding_left", "ix_holding_left_at", ["source_id", "left_at", "item_id"], None),
    (
        *("holding", "ix_holding_problems_made_by", "ix_holding_problems_created_by_job_id"),
        *(["source_id", "last_seen_job_id", "created_by_job_id"], "has_problem_files = 1"),
    ),
)


def upgrade() -> None:
    for table, old, new in COLUMNS:
        _rename_column(table, old, new)
    for table, old, new, columns, condition in INDEXES:
        _rename_index(table, old, new, columns, condition)


def _rename_column(table: str, old: str, new: str) -> None:
    """Rename a column in place. Both databases then rename it in indexes, constraints and triggers, too."""
    quote = op.get_bind().dialect.identifier_preparer.quote
    op.execute(f"ALTER TABLE {quote(table)} RENAME COLUMN {quote(old)} TO {quote(new)}")


def _rename_index(table: str, old: str, new: str, columns: list[str], condition: str | None) -> None:
    """Rename an index. SQLite cannot, so it creates the index again."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX {old} RENAME TO {new}")
        return
    op.drop_index(old, table)
    op.create_index(new, table, columns, sqlite_where=condition and sa.text(condition))
