"""An index of all sequences of three characters (trigrams) in the search texts, so that a search reads only matches.

SQLite has a full-text table for it, updated by triggers. PostgreSQL has GIN indexes of `pg_trgm`, which it uses for
`LIKE` automatically. The index is built from the items, so it is not part of a migration: each start creates the
missing parts. If a database does not support it, searches read all items.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Connection, Integer, Select, String, and_, column, func, select, table, text
from sqlalchemy.exc import DBAPIError

from ..extensions import db, transaction

log = logging.getLogger(__name__)
LENGTH = 3  # characters
NAME = "item_trigram"
TRIGRAM = table(NAME, column(NAME, String), column("rowid", Integer))
COLUMNS = ("search_text", "restricted_search_text")
TEXT = table("item", column(COLUMNS[0], String))
COMPARISONS = 100_000  # of texts with parts of strings, of a tenth of a second
ENOUGH = 10  # times as many items are read as found
_WORD = re.compile(r"[^\W_]+")
MISSING = "The database has no index for searches: %s. Searches work, but are slow in a large catalogue. %s"
REMEDIES = {
    "sqlite": "Use SQLite 3.34 or later with FTS5.",
    "postgresql": "Let an administrator of the database run CREATE EXTENSION pg_trgm.",
}

_TABLE = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS {NAME} USING fts5({', '.join(COLUMNS)}, content='item', content_rowid='id', "
    "tokenize='trigram case_sensitive 1', detail=none, columnsize=0)"
)
_REBUILD = f"INSERT INTO {NAME} ({NAME}) VALUES ('rebuild')"
_ADD = f"INSERT INTO {NAME} (rowid, {', '.join(COLUMNS)}) VALUES (new.id, {', '.join(f'new.{c}' for c in COLUMNS)});"
_REMOVE = (
    f"INSERT INTO {NAME} ({NAME}, rowid, {', '.join(COLUMNS)}) "
    f"VALUES ('delete', old.id, {', '.join(f'old.{c}' for c in COLUMNS)});"
)
_IS_CHANGED = " OR ".join(f"old.{c} IS NOT new.{c}" for c in COLUMNS)
_TRIGGERS = {
    f"{NAME}_insert": f"AFTER INSERT ON item BEGIN {_ADD} END",
    f"{NAME}_delete": f"AFTER DELETE ON item BEGIN {_REMOVE} END",
    f"{NAME}_update": f"AFTER UPDATE OF {', '.join(COLUMNS)} ON item WHEN {_IS_CHANGED} BEGIN {_REMOVE} {_ADD} END",
}
_INDEXES = {f"ix_item_{name}_trigrams": name for name in COLUMNS}


def prepare() -> None:
    """Create the missing parts of the index. Log a warning if the database does not support it."""
    kind = db.engine.dialect.name
    make = _make_sqlite if kind == "sqlite" else _make_postgresql
    try:
        if not _is_complete():
            with transaction():
                make(db.session.connection())
    except DBAPIError as error:
        log.warning(MISSING, " ".join(str(error.orig).split()), REMEDIES[kind])
    finally:
        db.session.remove()


def candidates(alternatives: Iterable[Iterable[str]]) -> Select[tuple[int]] | None:
    """Return a SELECT of the ids of all items whose search text may contain all strings of one of these alternatives.

    It selects few other items. Return None if the index cannot be queried: an alternative has no string of three
    characters, the index is incomplete, or the database uses its index automatically.
    """
    queries = [_query(strings) for strings in alternatives]
    if not all(queries) or db.engine.dialect.name != "sqlite" or not _is_complete():
        return None
    return select(TRIGRAM.c.rowid).where(TRIGRAM.c[NAME].op("MATCH")(" OR ".join(f"({query})" for query in queries)))


def is_precise(alternatives: Iterable[Iterable[str]], most: int) -> bool:
    """Return whether PostgreSQL finds items with all strings of an alternative without reading many other texts.

    It does if fewer than `most` items have the trigrams of the strings, or if enough of the first `most` of these have
    the strings. Trigrams of frequent words may stand in most items, even if the words do not. Return False for other
    databases, and for an alternative without strings.
    """
    return db.engine.dialect.name == "postgresql" and all(_is_precise(set(strings), most) for strings in alternatives)


def _is_precise(strings: Collection[str], most: int) -> bool:
    if not strings:
        return False
    parts = {part for string in strings for part in _parts(string)}
    limit = min(most, COMPARISONS // len(parts))
    text_column: ColumnElement[str] = TEXT.c[COLUMNS[0]]
    first = select(text_column).where(*(text_column.contains(part, autoescape=True) for part in parts)).limit(limit)
    [text_column] = (sample := first.subquery()).c
    has_strings = and_(*(text_column.contains(string, autoescape=True) for string in strings))
    query = select(func.count(), func.count().filter(has_strings)).select_from(sample)
    candidates, found = db.session.execute(query).one()
    return candidates < limit or found * ENOUGH >= candidates


def _parts(string: str) -> list[str]:
    """Return the trigrams of the words in a string, or the string if it has only short words."""
    words = _WORD.findall(string)
    return [word[at : at + LENGTH] for word in words for at in range(len(word) - LENGTH + 1)] or [string]


def _query(strings: Iterable[str]) -> str:
    """Return a query for the trigrams of these strings."""
    trigrams = dict.fromkeys(string[at : at + LENGTH] for string in strings for at in range(len(string) - LENGTH + 1))
    return " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in trigrams)


def _is_complete() -> bool:
    """Return whether the index exists. Its triggers are missing after a migration that recreated the table of items."""
    if db.engine.dialect.name == "sqlite":
        names, query = _TRIGGERS, "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'item'"
    else:
        names, query = _INDEXES, "SELECT indexname FROM pg_indexes WHERE tablename = 'item'"
    return names.keys() <= set(db.session.scalars(text(query)))


def _make_sqlite(connection: Connection) -> None:
    connection.execute(text(_TABLE))
    connection.execute(text(_REBUILD))
    for name, body in _TRIGGERS.items():
        connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
        connection.execute(text(f"CREATE TRIGGER {name} {body}"))


def _make_postgresql(connection: Connection) -> None:
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    for name, indexed in _INDEXES.items():
        connection.execute(text(f"CREATE INDEX IF NOT EXISTS {name} ON item USING gin ({indexed} gin_trgm_ops)"))
