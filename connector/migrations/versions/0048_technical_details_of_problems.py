"""Technical details of the problems of items and files, and the reasons of files that a job could not download"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    for table in ("change", "file"):
        op.add_column(table, sa.Column("technical_details", sa.JSON(), nullable=True))
    op.add_column("file_problem", sa.Column("reason", sa.Text(), nullable=True))
