"""When the newest record of OAI-PMH beside the REST API of a repository changed"""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"


def upgrade() -> None:
    op.add_column("repository", sa.Column("oai_newest", sa.DateTime))
