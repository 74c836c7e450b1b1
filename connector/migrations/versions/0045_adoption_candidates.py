"""Items at destinations that look like items of the catalogue, and whether jobs adopted them"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.create_table(
        "adoption_candidate",
        sa.Column("id", sa.Integer, primary_key=True),
        *(_reference(name) for name in ("job", "destination", "item")),
        sa.Column("omeka_id", sa.Integer, nullable=False),
        sa.Column("title", sa.String),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("is_ticked", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("is_decided", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("is_adopted", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.UniqueConstraint("job_id", "item_id", name="uq_adoption_candidate"),
    )
    op.create_index("ix_adoption_candidate_item_id", "adoption_candidate", ["item_id"])


def _reference(table: str) -> sa.Column:
    target = sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
    return sa.Column(f"{table}_id", sa.Integer, target, nullable=False)
