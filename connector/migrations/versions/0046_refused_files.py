"""Files that Omeka S sites refused"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    item = sa.ForeignKey("published_item.id", ondelete="CASCADE")
    op.create_table(
        "refused_file",
        sa.Column("published_item_id", sa.Integer, item, primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("reason", sa.String, nullable=False),
    )
