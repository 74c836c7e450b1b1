"""Facet values of items, and the columns and indexes by which lists are sorted, filled from all items"""

import re
import unicodedata
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"

BATCH = 500  # items
CHARACTERS = 250  # of a value or title
ITEM = sa.table(
    "item",
    *map(sa.column, ("id", "title", "title_is_restricted", "title_sort", "date_sort")),
    sa.column("mapped_values", sa.JSON),
)
FILE = sa.table("file", *map(sa.column, ("item_id", "bundle", "media_type", "name_is_restricted")))
FACETS = ("type", "year", "language", "creator", "kind")
TERMS = {"dcterms:type": "type", "dcterms:issued": "year", "dcterms:language": "language", "dcterms:creator": "creator"}
KINDS = ("image", "audio", "video", "text")
DATE = re.compile(r"([0-9]{4})(?:-[0-9]{2}){0,2}(?![0-9])")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
LISTED = ["is_hidden", "id", "is_restricted"]
SORTED = {
    "ix_item_title_sort": sa.text("title_sort"),
    "ix_item_date_sort": sa.text("date_sort"),
    "ix_item_last_modified": sa.text("coalesce(last_modified, '')"),
    "ix_item_source_state": sa.text("source_state"),
}


def upgrade() -> None:
    for name in ("title_sort", "date_sort"):
        op.add_column("item", sa.Column(name, sa.String(), server_default="", nullable=False))
    op.add_column("catalogue_count", sa.Column("facets", sa.JSON(none_as_null=True)))
    table = op.create_table(
        "item_facet",
        sa.Column("value_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("item_id", sa.Integer, sa.ForeignKey("item.id", ondelete="CASCADE"), nullable=False),
        sa.Column("value", sa.String(CHARACTERS), nullable=False),
        sa.Column("is_restricted", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("value_id", "item_id"),
        sqlite_with_rowid=False,
    )
    _fill(table)
    op.create_index("ix_item_facet_item_id", "item_facet", ["item_id", "value_id", "is_restricted"])
    for name, column in SORTED.items():
        op.create_index(name, "item", ["is_hidden", column, "id", "is_restricted", "repository_id"])
    op.drop_index("ix_item_listed", "item")
    op.create_index("ix_item_listed", "item", [*LISTED, "repository_id", "source_state"])


def _fill(table: sa.Table) -> None:
    bind, last = op.get_bind(), 0
    columns = (ITEM.c.id, ITEM.c.title, ITEM.c.title_is_restricted, ITEM.c.mapped_values)
    query = sa.select(*columns).order_by(ITEM.c.id).limit(BATCH)
    update = sa.update(ITEM).where(ITEM.c.id == sa.bindparam("item_id"))
    update = update.values(title_sort=sa.bindparam("sorted_title"), date_sort=sa.bindparam("sorted_date"))
    while items := bind.execute(query.where(ITEM.c.id > last)).all():
        files = bind.execute(sa.select(FILE).where(FILE.c.item_id.between(items[0].id, items[-1].id))).all()
        last = items[-1].id
        bind.execute(update, [_sort_keys(item) for item in items])
        by_item: dict[int, list[Any]] = {}
        for file in files:
            by_item.setdefault(file.item_id, []).append(file)
        if rows := [row for item in items for row in _rows(item, by_item.get(item.id, []))]:
            bind.execute(sa.insert(table), rows)


def _sort_keys(item: Any) -> dict[str, Any]:
    title = "" if item.title_is_restricted else " ".join((item.title or "").split())
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", title).casefold())
    issued = [v["value"] for v in item.mapped_values.get("dcterms:issued", ()) if "restricted" not in v]
    dates = [found[0] for found in map(DATE.match, issued) if found]
    return {"item_id": item.id, "sorted_title": folded[:CHARACTERS], "sorted_date": dates[0] if dates else ""}


def _rows(item: Any, files: list[Any]) -> Iterator[dict[str, Any]]:
    found: dict[tuple[str, str], bool] = {}
    for facet, value, is_restricted in (*_values(item.mapped_values), *_kinds(files)):
        if value:
            key = facet, value[:CHARACTERS]
            found[key] = found.get(key, True) and is_restricted
    for (facet, value), is_restricted in found.items():
        digest = blake2b(value.encode(), digest_size=7).digest()
        number = int.from_bytes(digest, "big") * 16 + FACETS.index(facet)
        yield {"value_id": number, "item_id": item.id, "value": value, "is_restricted": is_restricted}


def _values(mapped: Any) -> Iterator[tuple[str, str, bool]]:
    for term, facet in TERMS.items():
        for entry in mapped.get(term, ()):
            text = " ".join(UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", entry["value"]).split())
            if facet == "year":
                found = DATE.match(text)
                text = found[1] if found else ""
            yield facet, text, "restricted" in entry


def _kinds(files: list[Any]) -> Iterator[tuple[str, str, bool]]:
    for file in files:
        if file.bundle == "ORIGINAL":
            name = (file.media_type or "").partition(";")[0].strip().lower()
            kind = name.partition("/")[0]
            kind = "pdf" if name == "application/pdf" else kind if kind in KINDS else "other"
            yield "kind", kind, bool(file.name_is_restricted)
