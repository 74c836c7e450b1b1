"""Metadata values that only a login at the source shows

Earlier imports with a login did not mark them. So the fields that DSpace hides by default are marked as restricted, also
in the states for an undo. The next import of each source compares the rest.
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

HIDDEN = {"dc.description.provenance": "dcterms:provenance", "person.email": "person.email"}
BATCH = 500
JSON = sa.JSON(none_as_null=True)

ITEM = sa.table(
    "item",
    *(sa.column(name) for name in ("id", "repository_id", "title", "search_text", "restricted_search_text")),
    *(sa.column(name, JSON) for name in ("source_metadata", "mapped_values")),
)
CHANGE = sa.table("change", sa.column("id"), sa.column("job_id"), sa.column("before", JSON))
JOB = sa.table("import_job", sa.column("id"), sa.column("repository_id"), sa.column("cursor", JSON))
REPOSITORY = sa.table("repository", sa.column("id"), sa.column("login_name"))
SOURCE = sa.table("source", sa.column("repository_id"), sa.column("proof", JSON))


def upgrade() -> None:
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.add_column(sa.Column("restricted_search_text", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column("title_is_restricted", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    for repository_id in sorted(_read_with_a_login()):
        _mark_items(repository_id)
        _mark_changes(repository_id)
        sources = SOURCE.c.repository_id == repository_id
        op.get_bind().execute(sa.update(SOURCE).where(sources).values(proof=sa.null()))


def _read_with_a_login() -> set[int]:
    """The repositories for which a login is kept, or that a job has read with one."""
    bind = op.get_bind()
    found = set(bind.scalars(sa.select(REPOSITORY.c.id).where(REPOSITORY.c.login_name.is_not(None))))
    jobs = bind.execute(sa.select(JOB.c.repository_id, JOB.c.cursor).where(JOB.c.cursor.is_not(None))).all()
    return found | {row.repository_id for row in jobs if (row.cursor or {}).get("login") is not None}


def _batches(query, key):
    """The rows of a query in order of a key, a few at a time, so that each may be changed."""
    after = 0
    while rows := op.get_bind().execute(query.where(key > after).order_by(key).limit(BATCH)).all():
        yield from rows
        after = rows[-1].id


def _mark_items(repository_id: int) -> None:
    query = sa.select(ITEM).where(ITEM.c.repository_id == repository_id)
    for row in _batches(query, ITEM.c.id):
        if closed := [entry for entry in row.source_metadata if entry["field"].lower() in HIDDEN]:
            values = {"source_metadata": _marked(row.source_metadata)} | _derived(row, closed)
            op.get_bind().execute(sa.update(ITEM).where(ITEM.c.id == row.id).values(values))


def _mark_changes(repository_id: int) -> None:
    """Mark what an undo would put back."""
    query = sa.select(CHANGE.c.id, CHANGE.c.before).join(JOB, JOB.c.id == CHANGE.c.job_id)
    for row in _batches(query.where(JOB.c.repository_id == repository_id, CHANGE.c.before.is_not(None)), CHANGE.c.id):
        data = (row.before or {}).get("data")
        if data and any(entry["field"].lower() in HIDDEN for entry in data["source_metadata"]):
            before = row.before | {"data": data | {"source_metadata": _marked(data["source_metadata"])}}
            op.get_bind().execute(sa.update(CHANGE).where(CHANGE.c.id == row.id).values(before=before))


def _marked(metadata: list) -> list:
    return [entry | {"restricted": True} if entry["field"].lower() in HIDDEN else entry for entry in metadata]


def _derived(row, closed: list) -> dict:
    """The mapped values with marks, and the search text without the lines of what is restricted alone."""
    texts = {(HIDDEN[entry["field"].lower()], entry["value"]) for entry in closed}
    mapped = {
        term: [value | {"restricted": True} if (term, value.get("value")) in texts else value for value in values]
        for term, values in row.mapped_values.items()
    }
    still_open = {
        _folded(value.get("uri") or value["value"])
        for values in mapped.values()
        for value in values
        if "restricted" not in value
    }
    still_open.add(_folded(row.title or ""))
    lines = row.search_text.split("\n")
    hidden = {_folded(text or "") for _, text in texts} - still_open
    return {
        "mapped_values": mapped,
        "search_text": "\n".join(line for line in lines if line not in hidden),
        "restricted_search_text": "\n".join(line for line in lines if line in hidden),
    }


def _folded(text: str) -> str:
    """The text as lines of the search text have it."""
    one_line = " ".join(re.sub("[\x00\ud800-\udfff]", " ", text).split())
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", one_line).casefold())
