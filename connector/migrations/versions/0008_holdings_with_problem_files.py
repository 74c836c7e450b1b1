"""Holdings whose item has problem files, and indexes for the pages of jobs"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

MARK = (
    "UPDATE holding SET has_problem_files = EXISTS (SELECT 1 FROM file "
    "WHERE file.item_id = holding.item_id AND file.fate NOT IN ('linked', 'stored'))"
)


def upgrade() -> None:
    with op.batch_alter_table("holding", schema=None) as batch_op:
        batch_op.add_column(sa.Column("has_problem_files", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(MARK)
    op.create_index(
        "ix_holding_problem_files",
        "holding",
        ["source_id", "seen_by", "item_id", "made_by"],
        sqlite_where=sa.text("has_problem_files = 1"),
        postgresql_where=sa.text("has_problem_files"),
    )
    _replace("ix_holding_seen_by", "holding", ["source_id", "seen_by", "made_by"])
    _replace("ix_change_job", "change", ["job_id", "action", "id"])


def _replace(name: str, table: str, columns: list[str]) -> None:
    op.drop_index(name, table_name=table)
    op.create_index(name, table, columns)
