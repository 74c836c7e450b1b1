"""Questions that a repository does not answer"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    with op.batch_alter_table("repository", schema=None) as batch_op:
        batch_op.add_column(sa.Column("unanswered", sa.JSON(), server_default="{}", nullable=False))
