"""Item sets that follow their collections: the name a collection had last, and the job that met an item in it"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    with op.batch_alter_table("item_set", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source_name", sa.String(), nullable=True))
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seen_by", sa.Integer(), nullable=True))
