"""Destinations, and the item sets, items and files that were published there"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_table(
        "destination",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("api_url", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("key_identity", sa.String, nullable=False),
        sa.Column("key_secret", sa.String, nullable=False),
        sa.Column("is_public", sa.Boolean, nullable=False),
        sa.Column("has_files", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("template_id", sa.Integer),
        sa.Column("classes", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.UniqueConstraint("name", name="uq_destination_name"),
        sa.UniqueConstraint("api_url", name="uq_destination_api_url"),
    )
    op.create_table(
        "published_set",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("destination_id", "destination", "CASCADE", nullable=False),
        _reference("source_id", "source", "CASCADE", nullable=False),
        sa.Column("omeka_id", sa.Integer, nullable=False),
        _reference("job_id", "job", "SET NULL"),
        sa.UniqueConstraint("destination_id", "source_id", name="uq_published_set"),
    )
    op.create_table(
        "published_item",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("destination_id", "destination", "CASCADE", nullable=False),
        _reference("item_id", "item", "SET NULL"),
        sa.Column("identifier", sa.String, nullable=False),
        sa.Column("omeka_id", sa.Integer),
        sa.Column("sending_since", sa.DateTime),
        _reference("created_by_job_id", "job", "SET NULL"),
        _reference("job_id", "job", "SET NULL"),
        sa.Column("wanted", sa.JSON),
        sa.Column("accepted", sa.JSON),
        sa.Column("changed_at", sa.DateTime),
        sa.UniqueConstraint("destination_id", "identifier", name="uq_published_item_identifier"),
        sa.UniqueConstraint("destination_id", "item_id", name="uq_published_item"),
    )
    for column in ("item_id", "created_by_job_id", "job_id"):
        op.create_index(f"ix_published_item_{column}", "published_item", [column])
    op.create_table(
        "published_file",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("published_item_id", "published_item", "CASCADE", nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("media_id", sa.Integer, nullable=False),
        _reference("job_id", "job", "SET NULL"),
        sa.UniqueConstraint("published_item_id", "sha256", name="uq_published_file"),
    )


def _reference(column: str, table: str, ondelete: str, nullable: bool = True) -> sa.Column:
    return sa.Column(column, sa.Integer, sa.ForeignKey(f"{table}.id", ondelete=ondelete), nullable=nullable)
