"""Thumbnails of stored files"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
INDEX = "ix_stored_file_thumbnail_due"
DUE = sa.text("thumbnail = 'due'")


def upgrade() -> None:
    op.add_column("stored_file", sa.Column("thumbnail", sa.String, nullable=False, server_default="due"))
    for name in ("width", "height"):
        op.add_column("stored_file", sa.Column(name, sa.Integer))
    op.create_index(INDEX, "stored_file", ["sha256"], sqlite_where=DUE, postgresql_where=DUE)
