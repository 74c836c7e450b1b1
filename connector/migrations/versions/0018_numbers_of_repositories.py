"""Numbers that repositories send, in 64 bits

SQLite keeps them in 64 bits already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

COLUMNS = (("file", "sequence"), ("import_job", "expected"), ("import_job", "hidden"))


def upgrade() -> None:
    _alter(sa.Integer(), sa.BigInteger())


def _alter(old: sa.Integer, new: sa.Integer) -> None:
    if op.get_context().dialect.name == "postgresql":
        for table, column in COLUMNS:
            op.alter_column(table, column, existing_type=old, type_=new)
