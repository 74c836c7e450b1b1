"""Instances as older versions of the app left them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from connector.storage.schema_upgrade import upgrade
from tests.conftest import app_at, let_go

NOW = "2026-01-02 03:04:05"
REPOSITORY = {
    "address_key": "example.org",
    "site_url": "https://example.org",
    "api_url": "https://example.org/server/api",
    "endpoint": "server/api",
    "generation": 9,
    "version": "9.3",
}


def at(instance: Path, number: str) -> None:
    """Make an instance as a version at this migration left it, with a repository in it."""
    instance.mkdir()
    app = app_at(instance)
    with app.app_context():
        upgrade(revision=number)
    let_go(app)
    with closing(sqlite3.connect(instance / "connector.db")) as connection, connection:
        insert(connection, "repository", REPOSITORY)


def insert(connection: sqlite3.Connection, table: str, values: dict) -> None:
    """A row with these values; what else must have one and has no default gets an empty one."""
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    empty = {"INTEGER": 0, "DATETIME": NOW, "JSON": "[]", "BOOLEAN": 0}
    row = {
        name: values.get(name, empty.get(kind, ""))
        for _, name, kind, not_null, default, is_key in columns
        if name in values or (not_null and default is None and not is_key)
    }
    marks = ", ".join("?" for _ in row)
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
