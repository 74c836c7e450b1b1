"""Destinations that also publish fields without a term"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    with op.batch_alter_table("destination") as table:
        table.add_column(sa.Column("has_all_fields", sa.Boolean(), nullable=False, server_default=sa.false()))
