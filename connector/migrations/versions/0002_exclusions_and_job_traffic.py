"""Exclusions by takedowns, logins of repositories, and questions, crashes and traffic of jobs"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "exclusion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("source_key", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name=op.f("fk_exclusion_repository_id_repository"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusion")),
        sa.UniqueConstraint("repository_id", "source_key", name="uq_exclusion_source_key"),
    )
    with op.batch_alter_table("file", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by_login", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("until", sa.String(), nullable=True))

    with op.batch_alter_table("import_job", schema=None) as batch_op:
        batch_op.add_column(sa.Column("died_at", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("deaths", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("question", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("traffic", sa.JSON(none_as_null=True), nullable=True))

    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by_login", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("is_hidden", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("repository", schema=None) as batch_op:
        batch_op.add_column(sa.Column("login_name", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("login_secret", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("delay", sa.Double(), nullable=True))

    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proof", sa.JSON(none_as_null=True), nullable=True))
