"""Jobs: plain names of the table and its columns, and a column for the last try to send a notice"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

NAMES = {
    "doing": "status_text",
    "created": "created_at",
    "started": "started_at",
    "claimed": "claimed_at",
    "ended": "ended_at",
    "heartbeat": "heartbeat_at",
    "worked": "worked_seconds",
    "died_at": "crash_fingerprint",
    "deaths": "crash_count",
    "noticed": "notified_at",
    "pruned": "pruned_at",
}
INDEXED = ("repository_id", "source_id", "undoes_id", "state", "created", "resume_at")
AT_WORK = "state IN ('running', 'stopping')"
JOB = sa.table(
    "job",
    sa.column("state", sa.String),
    sa.column("heartbeat_at", sa.DateTime),
    sa.column("notification_attempted_at", sa.DateTime),
)
IS_AT_WORK = JOB.c.state.in_(("running", "stopping"))


def upgrade() -> None:
    _drop_indexes("import_job", INDEXED)
    op.rename_table("import_job", "job")
    with op.batch_alter_table("job", schema=None) as batch_op:
        for old, new in NAMES.items():
            batch_op.alter_column(old, new_column_name=new)
        batch_op.add_column(sa.Column("notification_attempted_at", sa.DateTime(), nullable=True))
    values = {"notification_attempted_at": JOB.c.heartbeat_at, "heartbeat_at": None}
    op.execute(sa.update(JOB).where(~IS_AT_WORK).values(values))
    _create_indexes("job", [NAMES.get(column, column) for column in INDEXED])


def _drop_indexes(table: str, columns: list[str] | tuple[str, ...]) -> None:
    op.drop_index(f"uq_{table}_at_work", table)
    for column in columns:
        op.drop_index(f"ix_{table}_{column}", table)


def _create_indexes(table: str, columns: list[str] | tuple[str, ...]) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])
    where = {"sqlite_where": sa.text(AT_WORK), "postgresql_where": sa.text(AT_WORK)}
    op.create_index(f"uq_{table}_at_work", table, ["repository_id"], unique=True, **where)
