"""Indexes with which the page before an undo counts items and stored files, without reading all rows"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

STORED = sa.text("sha256 IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_file_stored", "file", ["item_id"], sqlite_where=STORED, postgresql_where=STORED)
    _replace(["created_by_job_id", "item_id"])


def _replace(columns: list[str]) -> None:
    op.drop_index("ix_holding_created_by_job_id", table_name="holding")
    op.create_index("ix_holding_created_by_job_id", "holding", columns)
