"""The index of items missing at their source gives each a time, so that pages can begin at any of them"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

NAME = "ix_item_gone"
OTHERS = ["id", "repository_id", "by_login"]
WHERE = {
    "sqlite_where": sa.text("source_state != 'present' OR is_hidden = 1"),
    "postgresql_where": sa.text("source_state != 'present' OR is_hidden"),
}


def upgrade() -> None:
    _replace(sa.text("coalesce(state_since, '0001-01-01 00:00:00.000000')"))


def _replace(first: object) -> None:
    op.drop_index(NAME, table_name="item")
    op.create_index(NAME, "item", [first, *OTHERS], **WHERE)
