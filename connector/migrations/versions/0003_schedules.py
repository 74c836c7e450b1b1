"""Schedules of sources, notifications of jobs, and rows of previews"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "preview_row",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("source_key", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=True),
        sa.Column("handle", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["import_job.id"], name=op.f("fk_preview_row_job_id_import_job"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preview_row")),
        sa.UniqueConstraint("job_id", "source_key", name="uq_preview_row"),
    )
    with op.batch_alter_table("import_job", schema=None) as batch_op:
        batch_op.add_column(sa.Column("scheduled", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("resume_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("noticed", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("pruned", sa.DateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_import_job_resume_at"), ["resume_at"], unique=False)

    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.add_column(sa.Column("schedule", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("due", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("turn", sa.Integer(), server_default="0", nullable=False))
        batch_op.create_index(batch_op.f("ix_source_due"), ["due"], unique=False)
