"""Changes that publishing jobs made at a destination, for their undo"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.create_table(
        "published_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("published_item_id", sa.Integer(), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_published_change_job_id_job"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["published_item_id"],
            ["published_item.id"],
            name=op.f("fk_published_change_published_item_id_published_item"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_published_change")),
        sa.UniqueConstraint("job_id", "published_item_id", name="uq_published_change"),
    )
    op.create_index("ix_published_change_published_item_id", "published_change", ["published_item_id"])
