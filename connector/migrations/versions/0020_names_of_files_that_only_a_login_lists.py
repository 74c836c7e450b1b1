"""Names of files that only a login at the source lists

Earlier imports with a login did not mark them. Files whose bytes only the login could read, and files outside of
ORIGINAL, may be in no list that a signed-out reader gets. So their names are restricted, also in the states for an
undo. The next import reads their items in full and compares.
"""

import unicodedata
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

BATCH = 500
JSON = sa.JSON(none_as_null=True)
FILE = sa.table("file", *map(sa.column, ("id", "item_id", "bundle", "name", "by_login", "name_is_restricted")))
ITEM = sa.table(
    "item",
    *map(sa.column, ("id", "repository_id", "title", "title_is_restricted")),
    *map(sa.column, ("search_text", "restricted_search_text", "is_restored")),
    sa.column("mapped_values", JSON),
)
CHANGE = sa.table("change", sa.column("id"), sa.column("job_id"), sa.column("before", JSON))
JOB = sa.table("import_job", sa.column("id"), sa.column("repository_id"), sa.column("cursor", JSON))
REPOSITORY = sa.table("repository", sa.column("id"), sa.column("login_name"))
SOURCE = sa.table("source", sa.column("repository_id"), sa.column("proof", JSON))


def upgrade() -> None:
    op.add_column("file", sa.Column("name_is_restricted", sa.Boolean(), server_default=sa.false(), nullable=False))
    for repository_id in sorted(_read_with_a_login()):
        _mark_items(repository_id)
        _mark_changes(repository_id)
        sources = SOURCE.c.repository_id == repository_id
        op.get_bind().execute(sa.update(SOURCE).where(sources).values(proof=sa.null()))


def _read_with_a_login() -> set[int]:
    """Return the repositories for which a login is kept, or that a job has read with one."""
    bind = op.get_bind()
    found = set(bind.scalars(sa.select(REPOSITORY.c.id).where(REPOSITORY.c.login_name.is_not(None))))
    jobs = bind.execute(sa.select(JOB.c.repository_id, JOB.c.cursor).where(JOB.c.cursor.is_not(None))).all()
    return found | {row.repository_id for row in jobs if (row.cursor or {}).get("login") is not None}


def _batches(query: Any, key: Any) -> Iterator[Any]:
    """Yield the rows of a query in order of a key, a few at a time, so that each may be changed."""
    after = 0
    while rows := op.get_bind().execute(query.where(key > after).order_by(key).limit(BATCH)).all():
        yield from rows
        after = rows[-1].id


def _mark_items(repository_id: int) -> None:
    bind = op.get_bind()
    for row in _batches(sa.select(ITEM).where(ITEM.c.repository_id == repository_id), ITEM.c.id):
        files = bind.execute(sa.select(FILE).where(FILE.c.item_id == row.id)).mappings().all()
        closed = [file for file in files if _may_be_restricted(file)]
        if closed:
            names = [file["name"] for file in files if file not in closed]
            ids = [file["id"] for file in closed]
            bind.execute(sa.update(FILE).where(FILE.c.id.in_(ids)).values(name_is_restricted=True))
            texts = _texts(row, names, [file["name"] for file in closed])
            bind.execute(sa.update(ITEM).where(ITEM.c.id == row.id).values(is_restored=True, **texts))


def _mark_changes(repository_id: int) -> None:
    """Mark what an undo would put back."""
    query = sa.select(CHANGE.c.id, CHANGE.c.before).join(JOB, JOB.c.id == CHANGE.c.job_id)
    for row in _batches(query.where(JOB.c.repository_id == repository_id, CHANGE.c.before.is_not(None)), CHANGE.c.id):
        if data := (row.before or {}).get("data"):
            files = [{**file, "name_is_restricted": _may_be_restricted(file)} for file in data["files"]]
            before = {**row.before, "data": {**data, "files": files}}
            op.get_bind().execute(sa.update(CHANGE).where(CHANGE.c.id == row.id).values(before=before))


def _may_be_restricted(file: Any) -> bool:
    return bool(file.get("by_login")) or file["bundle"] != "ORIGINAL"


def _texts(row: Any, names: list[str | None], closed: list[str | None]) -> dict[str, str]:
    """Return the search texts of an item, with the lines of restricted names in the restricted one alone."""
    values = [value for entries in row.mapped_values.values() for value in entries if "restricted" not in value]
    texts = [text for value in values for text in (value.get("uri"), value.get("label"), value.get("value"))]
    still_open = {_folded(text) for text in (*texts, *names, None if row.title_is_restricted else row.title) if text}
    hidden = {_folded(name) for name in closed if name} - still_open
    lines = row.search_text.split("\n")
    both = [*(row.restricted_search_text or "").split("\n"), *(line for line in lines if line in hidden)]
    return {
        "search_text": "\n".join(line for line in lines if line not in hidden),
        "restricted_search_text": "\n".join(filter(None, both)),
    }


def _folded(text: str) -> str:
    """Return the text as lines of the search text have it."""
    one_line = " ".join(text.replace("\0", " ").split())
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", one_line).casefold())
