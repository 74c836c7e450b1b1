"""The kind of jobs that show sample items"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

JOB = sa.table("job", sa.column("kind", sa.String))


def upgrade() -> None:
    op.execute(sa.update(JOB).where(JOB.c.kind == "rehearsal").values(kind="sample"))
