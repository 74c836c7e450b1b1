"""An index of the stored files of items, so that the page before an undo counts them without reading all files"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

NAME = "ix_file_stored"
WHERE = sa.text("sha256 IS NOT NULL")


def upgrade() -> None:
    op.create_index(NAME, "file", ["item_id"], sqlite_where=WHERE, postgresql_where=WHERE)


def downgrade() -> None:
    op.drop_index(NAME, table_name="file")
