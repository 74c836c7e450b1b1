"""The rules of crosswalks, which include the ignored fields"""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
REPOSITORY = sa.table("repository", *map(sa.column, ("id", "crosswalk_id")), sa.column("ignored_fields", sa.JSON))
ITEM = sa.table("item", *map(sa.column, ("repository_id", "crosswalk_id")))


def upgrade() -> None:
    crosswalk = op.create_table(
        "crosswalk",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("repository_id", sa.Integer, sa.ForeignKey("repository.id", ondelete="CASCADE"), nullable=False),
        sa.Column("terms", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("ignored", sa.JSON(none_as_null=True), nullable=False),
    )
    op.create_index("ix_crosswalk_repository_id", "crosswalk", ["repository_id"])
    for table in ("repository", "item"):
        op.add_column(table, sa.Column("crosswalk_id", sa.Integer, nullable=False, server_default="0"))
    op.add_column("catalogue_count", sa.Column("fields", sa.JSON(none_as_null=True)))
    _fill(crosswalk)
    op.create_index("ix_item_crosswalk_id", "item", ["repository_id", "crosswalk_id"])
    with op.batch_alter_table("repository") as batch:
        batch.drop_column("ignored_fields")


def _fill(crosswalk: sa.Table) -> None:
    bind = op.get_bind()
    for number, ignored in bind.execute(sa.select(REPOSITORY.c.id, REPOSITORY.c.ignored_fields)).all():
        if ignored:
            row = {"repository_id": number, "terms": {}, "ignored": ignored}
            rules = bind.execute(sa.insert(crosswalk).values(row)).inserted_primary_key[0]
            bind.execute(sa.update(REPOSITORY).where(REPOSITORY.c.id == number).values(crosswalk_id=rules))
            bind.execute(sa.update(ITEM).where(ITEM.c.repository_id == number).values(crosswalk_id=rules))
