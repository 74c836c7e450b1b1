"""Files that differ at every download"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    with op.batch_alter_table("file", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_unstable", sa.Boolean(), server_default=sa.false(), nullable=False))
