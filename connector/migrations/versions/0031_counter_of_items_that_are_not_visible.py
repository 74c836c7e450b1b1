"""A plain name of the counter of items that the source counts and does not show"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

COUNTER = sa.table("job_counter", sa.column("name"))


def upgrade() -> None:
    _rename("hidden", "not_visible")


def _rename(old: str, new: str) -> None:
    op.execute(sa.update(COUNTER).where(COUNTER.c.name == old).values(name=new))
