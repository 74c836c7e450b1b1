"""Items that an undo restored, and time stamps in states for an undo

The state before an update had the time stamp of the item in its data. Now the time stamp is stored beside the data,
because it may change alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BATCH = 500
JSON = sa.JSON(none_as_null=True)
CHANGE = sa.table("change", sa.column("id"), sa.column("before", JSON))


def upgrade() -> None:
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_restored", sa.Boolean(), server_default=sa.false(), nullable=False))
    for row in _changes():
        if "last_modified" in row.before.get("data", {}):
            data = {name: value for name, value in row.before["data"].items() if name != "last_modified"}
            _set(row, {**row.before, "data": data, "last_modified": row.before["data"]["last_modified"]})


def _changes():
    """The changes that hold what to restore, a few at a time, so that each may be changed."""
    after = 0
    query = sa.select(CHANGE.c.id, CHANGE.c.before).where(CHANGE.c.before.is_not(None)).order_by(CHANGE.c.id)
    while rows := op.get_bind().execute(query.where(CHANGE.c.id > after).limit(BATCH)).all():
        yield from rows
        after = rows[-1].id


def _set(row, before: dict) -> None:
    op.get_bind().execute(sa.update(CHANGE).where(CHANGE.c.id == row.id).values(before=before))
