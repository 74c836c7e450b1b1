"""Whether a repository is read over OAI-PMH"""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"


def upgrade() -> None:
    op.add_column("repository", sa.Column("speaks_oai", sa.Boolean, server_default=sa.false(), nullable=False))
