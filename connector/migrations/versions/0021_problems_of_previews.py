"""Problems of previews"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

ROW = sa.table("preview_row", sa.column("action", sa.String), sa.column("has_problem", sa.Boolean))


def upgrade() -> None:
    with op.batch_alter_table("preview_row", schema=None) as batch_op:
        batch_op.add_column(sa.Column("has_problem", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.create_index("ix_preview_row_problem", ["job_id", "has_problem", "id"])
    op.execute(sa.update(ROW).where(ROW.c.action == "failed").values(has_problem=True))
