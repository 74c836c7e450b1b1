"""The file limit with which a retry helps, and indexes for the pages of jobs"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

MARK = (
    "UPDATE holding SET retry_limit_bytes = (SELECT MIN(CASE WHEN file.fate = 'too_large' THEN file.size ELSE 0 END) "
    "FROM file WHERE file.item_id = holding.item_id AND file.fate NOT IN ('linked', 'stored', 'unverified', 'differs')) "
    "WHERE has_problem_files"
)
PROBLEMS = ("has_problem_files = 1", "has_problem_files")
RETRY = ("retry_limit_bytes IS NOT NULL",) * 2


def upgrade() -> None:
    op.drop_index("ix_holding_problem_files", table_name="holding")
    op.add_column("holding", sa.Column("retry_limit_bytes", sa.BigInteger(), nullable=True))
    op.execute(MARK)
    _create("ix_holding_problem_files", ["source_id", "seen_by", "item_id"], *PROBLEMS)
    _create("ix_holding_problems_made_by", ["source_id", "seen_by", "made_by"], *PROBLEMS)
    _create("ix_holding_retry_limit", ["source_id", "seen_by", "retry_limit_bytes"], *RETRY)


def _create(name: str, columns: list[str], on_sqlite: str, on_postgresql: str) -> None:
    where = {"sqlite_where": sa.text(on_sqlite), "postgresql_where": sa.text(on_postgresql)}
    op.create_index(name, "holding", columns, **where)
