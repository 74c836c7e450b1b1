"""Counters of jobs as rows, and the resource that a job needs alone"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

LARGE_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ITEMS = ("seen", "added", "updated", "unchanged", "failed", "vanished", "hidden", "removed", "restored", "kept")
FILES = ("stored", "unverified", "differs", "linked", "restricted", "missing", "too_large", "damaged", "failed")
NAMES = (*ITEMS, "bytes", "requests", *(f"files_{status}" for status in (*FILES, "refused")))
AT_WORK = sa.text("state IN ('running', 'stopping')")
JOB = sa.table("job", *(sa.column(name) for name in ("id", "repository_id", "resource", *NAMES)))
COUNTER = sa.table("job_counter", *(sa.column(name) for name in ("job_id", "name", "value")))


def upgrade() -> None:
    op.create_table(
        "job_counter",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", LARGE_INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_counter_job_id_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "name", name=op.f("pk_job_counter")),
    )
    for name in NAMES:
        rows = sa.select(JOB.c.id, sa.literal_column(f"'{name}'"), JOB.c[name]).where(JOB.c[name] != 0)
        op.execute(sa.insert(COUNTER).from_select(["job_id", "name", "value"], rows))
    op.drop_index("uq_job_at_work", "job")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.add_column(sa.Column("resource", sa.String(), nullable=True))
        for name in NAMES:
            batch_op.drop_column(name)
    op.execute(sa.update(JOB).values(resource="repository:" + sa.cast(JOB.c.repository_id, sa.String)))
    _create_unique_index("uq_job_resource", "resource")


def _create_unique_index(name: str, column: str) -> None:
    op.create_index(name, "job", [column], unique=True, sqlite_where=AT_WORK, postgresql_where=AT_WORK)
