"""The address of OAI-PMH beside the REST API of a repository, and whether imports use it"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"


def upgrade() -> None:
    op.add_column("repository", sa.Column("oai_url", sa.String))
    op.add_column("repository", sa.Column("uses_oai", sa.Boolean, server_default=sa.true(), nullable=False))
