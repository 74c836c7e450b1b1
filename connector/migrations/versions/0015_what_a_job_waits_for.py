"""The reason and the detail of the wait of a job"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    with op.batch_alter_table("import_job", schema=None) as batch_op:
        batch_op.add_column(sa.Column("wait_reason", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("wait_detail", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("wait_since", sa.DateTime(), nullable=True))
