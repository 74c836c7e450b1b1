"""Owner and sites of published items, and how their files are published"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"

DESTINATION = sa.table("destination", sa.column("files"), sa.column("has_files", sa.Boolean))


def upgrade() -> None:
    with op.batch_alter_table("destination") as table:
        table.add_column(sa.Column("files", sa.String(), nullable=False, server_default="none"))
        table.add_column(sa.Column("owner_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("site_ids", sa.JSON(), nullable=False, server_default="[]"))
    op.execute(sa.update(DESTINATION).where(DESTINATION.c.has_files).values(files="upload"))
    with op.batch_alter_table("destination") as table:
        table.drop_column("has_files")
