"""The files that each job could not download, so that its page still lists them after a later job"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.create_table(
        "file_problem",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("job_id", sa.Integer, sa.ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
        sa.Column("item_id", sa.Integer, sa.ForeignKey("item.id", ondelete="CASCADE"), nullable=False),
        sa.Column("bitstream_id", sa.String, nullable=False),
    )
    op.create_index("ix_file_problem_job", "file_problem", ["job_id", "id"])
    op.create_index("ix_file_problem_item", "file_problem", ["item_id"])
