"""Whether a repository is read over OAI-PMH"""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"


def upgrade() -> None:
    op.add_column("repository", sa.Column("speaks_oai", sa.Boolean, server_default=sa.false(), nullable=False))
