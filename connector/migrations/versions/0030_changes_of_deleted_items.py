"""Keep changes of deleted items out of the index of items, so that those of one job are found by the job"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

HAS_ITEM = sa.text("item_id IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_change_item", table_name="change")
    op.create_index("ix_change_item", "change", ["item_id"], sqlite_where=HAS_ITEM, postgresql_where=HAS_ITEM)
