"""Uploads of files and item sets without an answer yet, and the places of files among the media of their items"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    with op.batch_alter_table("published_set") as batch:
        batch.alter_column("omeka_id", existing_type=sa.Integer(), nullable=True)
        batch.add_column(sa.Column("sending_since", sa.DateTime))
    op.add_column("published_file", sa.Column("position", sa.Integer))
    op.create_table(
        "file_upload",
        sa.Column(
            "published_item_id", sa.Integer, sa.ForeignKey("published_item.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("job_id", sa.Integer, sa.ForeignKey("job.id", ondelete="SET NULL")),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("media_before", sa.JSON, nullable=False),
        sa.Column("began_at", sa.DateTime, nullable=False),
    )
