"""An index that finds the last import of each source"""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_job_source_kind", "job", ["source_id", "kind", "id"])


def downgrade() -> None:
    op.drop_index("ix_job_source_kind", table_name="job")
