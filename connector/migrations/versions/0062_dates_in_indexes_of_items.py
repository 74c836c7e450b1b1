"""The date of issue in the indexes of lists and of states, so that filters by both do not read whole items"""

from alembic import op

revision = "0062"
down_revision = "0061"

INDEXES = {
    "ix_item_listed": ("id", "is_restricted", "repository_id", "source_state", "date_sort", "property_codes"),
    "ix_item_source_state": ("source_state", "id", "is_restricted", "repository_id", "date_sort"),
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.drop_index(name, "item")
        op.create_index(name, "item", ["is_hidden", *columns])
