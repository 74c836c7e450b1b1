"""An index of the items that are at a destination, so that counting them reads no whole rows"""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"


def upgrade() -> None:
    is_there = sa.text("omeka_id IS NOT NULL")
    name, columns = "ix_published_item_there", ["destination_id"]
    op.create_index(name, "published_item", columns, sqlite_where=is_there, postgresql_where=is_there)
