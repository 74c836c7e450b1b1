"""Items that previews of publishing name"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    job, item = (sa.ForeignKey(f"{table}.id", ondelete="CASCADE") for table in ("job", "item"))
    op.create_table(
        "previewed_item",
        sa.Column("job_id", sa.Integer, job, primary_key=True),
        sa.Column("item_id", sa.Integer, item, primary_key=True),
        sa.Column("action", sa.String, nullable=False),
    )
    op.create_index("ix_previewed_item_item_id", "previewed_item", ["item_id"])
