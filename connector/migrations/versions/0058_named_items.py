"""Items that a source holds because others name them"""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"


def upgrade() -> None:
    for table in ("holding", "preview_row"):
        op.add_column(table, sa.Column("is_named", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("preview_row", sa.Column("names", sa.JSON(none_as_null=True), nullable=True))
