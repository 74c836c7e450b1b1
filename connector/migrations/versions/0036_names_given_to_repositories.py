"""The name that a person gives to a repository"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.add_column("repository", sa.Column("given_name", sa.String))
