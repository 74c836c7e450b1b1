"""The two kinds of database in a crash: a file in the instance folder, and a server."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Protocol

import psycopg


class MissingTableError(Exception):
    """The process was killed before there was a table."""


class Database(Protocol):
    """Databases that belong to instance folders, one each."""

    def environment(self, instance: Path) -> Mapping[str, str]:
        """What the app must be told to use the database of this instance; it is made where it is missing."""

    def rows(self, instance: Path, query: str) -> list[tuple]:
        """What a query finds. Raises MissingTableError."""

    def copy(self, instance: Path, copied: Path) -> None:
        """Give an instance whose folder was copied its own copy of the database."""

    def forget(self, instance: Path) -> None:
        """Remove the database of an instance that is not needed any more."""


class InTheFolder:
    """SQLite: copied and removed with the instance folder."""

    def environment(self, instance: Path) -> Mapping[str, str]:
        return {}

    def rows(self, instance: Path, query: str) -> list[tuple]:
        instance.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(instance / "connector.db")) as connection:
                return connection.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            raise MissingTableError from error

    def copy(self, instance: Path, copied: Path) -> None:
        pass

    def forget(self, instance: Path) -> None:
        pass


class OnAServer:
    """PostgreSQL at `url`, which names a database to connect to while others are made and dropped."""

    def __init__(self, url: str):
        self._url = url

    def environment(self, instance: Path) -> Mapping[str, str]:
        name = _name(instance)
        with self._connected() as server:
            if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                server.execute(f"CREATE DATABASE {name}")
        return {"CONNECTOR_DATABASE_URL": self._of(name)}

    def rows(self, instance: Path, query: str) -> list[tuple]:
        try:
            with closing(psycopg.connect(self._of(_name(instance)))) as connection:
                return connection.execute(query).fetchall()
        except psycopg.errors.UndefinedTable as error:
            raise MissingTableError from error

    def copy(self, instance: Path, copied: Path) -> None:
        with self._connected() as server:
            server.execute(f"CREATE DATABASE {_name(copied)} TEMPLATE {_name(instance)}")

    def forget(self, instance: Path) -> None:
        with self._connected() as server:
            server.execute(f"DROP DATABASE {_name(instance)} WITH (FORCE)")

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(self._url, autocommit=True)

    def _of(self, name: str) -> str:
        return self._url.rpartition("/")[0] + f"/{name}"


def _name(instance: Path) -> str:
    return "crash_" + hashlib.sha256(str(instance).encode()).hexdigest()[:16]
