"""An index that finds the last import of each source"""

from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.create_index("ix_job_source_kind", "job", ["source_id", "kind", "id"])
