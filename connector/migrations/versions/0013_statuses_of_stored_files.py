"""Files that are stored unverified or with another checksum, and earlier copies"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    with op.batch_alter_table("import_job", schema=None) as batch_op:
        batch_op.add_column(sa.Column("files_unverified", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("files_differs", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("other_bundles", sa.JSON(none_as_null=True), nullable=True))
    with op.batch_alter_table("file", schema=None) as batch_op:
        batch_op.add_column(sa.Column("first_met_by", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("is_outdated", sa.Boolean(), server_default=sa.false(), nullable=False))
