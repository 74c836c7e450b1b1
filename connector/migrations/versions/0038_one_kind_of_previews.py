"""One kind of job for previews: sample items in a table of their own"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

JOB = sa.table("job", sa.column("id", sa.Integer), sa.column("kind", sa.String), sa.column("options", sa.JSON))
COUNTER = sa.table("job_counter", sa.column("job_id", sa.Integer), sa.column("name", sa.String))
NAMES = ("id", "job_id", "source_key", "source_id", "handle", "title")
ROW = sa.table(
    "preview_row",
    *map(sa.column, (*NAMES, "action")),
    sa.column("data", sa.JSON),
    sa.column("has_problem", sa.Boolean),
)
SAMPLE = sa.table("sample_item", *map(sa.column, (*NAMES, "reason")), sa.column("data", sa.JSON))
MOVED = NAMES[1:]


def upgrade() -> None:
    op.create_table(
        "sample_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("source_key", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=True),
        sa.Column("handle", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_sample_item_job_id_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_item")),
        sa.UniqueConstraint("job_id", "source_key", name="uq_sample_item"),
    )
    samples = sa.select(JOB.c.id).where(JOB.c.kind == "sample")
    reason = ROW.c.data["reason"].as_string()  # only items that could not be read have one
    rows = sa.select(*(ROW.c[name] for name in MOVED), reason, ROW.c.data).where(ROW.c.job_id.in_(samples))
    op.execute(sa.insert(SAMPLE).from_select([*MOVED, "reason", "data"], rows.order_by(ROW.c.id)))
    op.execute(sa.delete(ROW).where(ROW.c.job_id.in_(samples)))
    op.execute(
        sa.update(COUNTER).where(COUNTER.c.job_id.in_(samples), COUNTER.c.name == "added").values(name="samples")
    )
    _change_jobs("sample", "preview", lambda options: options | {"samples_only": True})


def _change_jobs(old: str, new: str, change, ids=None) -> None:
    database = op.get_bind()
    query = sa.select(JOB.c.id, JOB.c.options).where(JOB.c.kind == old)
    for row in database.execute(query if ids is None else query.where(JOB.c.id.in_(ids))).all():
        values = {"kind": new, "options": change(row.options or {})}
        database.execute(sa.update(JOB).where(JOB.c.id == row.id).values(values))
