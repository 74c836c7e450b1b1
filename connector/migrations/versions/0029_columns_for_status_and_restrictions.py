"""Plain names of the columns of files, items and accounts"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

COLUMNS = (
    ("file", "fate", "status"),
    ("file", "until", "embargo_ends_on"),
    ("file", "by_login", "content_is_restricted"),
    ("file", "tried_by", "last_tried_job_id"),
    ("file", "first_met_by", "status_since_job_id"),
    ("item", "by_login", "is_restricted"),
    ("account", "second_factor", "two_step_secret"),
)


def upgrade() -> None:
    for table, old, new in COLUMNS:
        _rename(table, old, new)


def _rename(table: str, old: str, new: str) -> None:
    """Rename a column in place. Both databases then rename it in indexes, constraints and triggers, too."""
    quote = op.get_bind().dialect.identifier_preparer.quote
    op.execute(f"ALTER TABLE {quote(table)} RENAME COLUMN {quote(old)} TO {quote(new)}")
