"""Jobs without a source, and the items of exports"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    _require_source(False)
    op.create_table(
        "export_item",
        *(
            sa.Column(f"{table}_id", sa.Integer, sa.ForeignKey(f"{table}.id", ondelete="CASCADE"), primary_key=True)
            for table in ("job", "item")
        ),
    )
    op.create_index("ix_export_item_item_id", "export_item", ["item_id"])


def _require_source(is_required: bool) -> None:
    with op.batch_alter_table("job") as batch_op:
        for name in ("repository_id", "source_id"):
            batch_op.alter_column(name, existing_type=sa.Integer(), nullable=not is_required)
