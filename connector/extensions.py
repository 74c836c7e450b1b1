"""The Flask extensions, which the factory binds to the app. `transaction` is the only way to write to the database."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, cast

from flask import Flask, current_app
from flask_babel import Babel
from flask_sqlalchemy import SQLAlchemy
from huey.api import Huey
from huey.storage import RedisStorage, SqliteStorage
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    CursorResult,
    Engine,
    FromClause,
    Integer,
    MetaData,
    Table,
    UpdateBase,
    event,
    func,
    select,
)
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.orm import DeclarativeBase

from . import json_text
from .durations import utcnow as utcnow  # for the modules that store times
from .word_search import fold

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
# For numbers from other systems. An INTEGER of SQLite has 64 bits anyway.
LARGE_INTEGER = BigInteger().with_variant(Integer(), "sqlite")
LARGEST_INTEGER = 2**63 - 1
JSON_VALUE = JSON(none_as_null=True)
# Insert many rows with one statement. With a statement for each row, the trigram index would write its pages each time,
# and threads that read would wait for the interpreter between the rows.
SQLiteDialect.use_insertmanyvalues_wo_returning = True


class Base(DeclarativeBase):
    """Base of all models, with a naming convention, so that migrations can name every constraint."""

    metadata = MetaData(naming_convention=NAMING)
    __table__: ClassVar[Table]


db = SQLAlchemy(
    model_class=Base,
    engine_options={"json_serializer": json_text.encode, "json_deserializer": json_text.decode},
)
babel = Babel(configure_jinja=False)  # templates translate with `i18n`, like all code
_writing: ContextVar[bool] = ContextVar("writing", default=False)


def current_app_itself() -> Flask:
    """Return the current app instead of a proxy to it, for other threads."""
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]  # a LocalProxy has it


@contextmanager
def transaction() -> Iterator[None]:
    """Run the block in a short write transaction. Commit it at the end, and roll it back after any error.

    On SQLite it begins with BEGIN IMMEDIATE, because a read transaction that becomes a write transaction can fail at
    once.
    """
    db.session.rollback()
    token = _writing.set(True)
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        _writing.reset(token)


def execute_counted(statement: UpdateBase) -> int:
    """Execute an INSERT, UPDATE or DELETE in the current transaction and return its number of rows."""
    # Without the option, PostgreSQL gives -1 for an INSERT.
    options = {"preserve_rowcount": True}
    return cast(CursorResult[Any], db.session.execute(statement, execution_options=options)).rowcount


def count_rows(table: FromClause, *conditions: ColumnElement[bool]) -> int:
    """Return how many rows of a table or subquery meet these conditions."""
    return db.session.scalars(select(func.count()).select_from(table).where(*conditions)).one()


@event.listens_for(Engine, "connect")
def _prepare_connection(connection: Any, record: Any) -> None:
    if type(connection).__module__.startswith("sqlite3"):
        connection.isolation_level = None  # the driver must not begin transactions
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "busy_timeout = 15000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("fold", 1, lambda text: text and fold(text), deterministic=True)
    else:  # PostgreSQL would compile long queries, which takes longer than ours take to run
        connection.autocommit = True
        connection.execute("SET jit = off")
        connection.autocommit = False


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Any) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")


class Queue(Huey):
    """A huey queue that is bound to an app later. It only wakes workers: `jobs.lifecycle.recover` finds lost jobs."""

    app: Flask

    def __init__(self) -> None:
        super().__init__(  # type: ignore[no-untyped-call]  # huey has no types
            "connector", results=False, storage_class=SqliteStorage, create_tables=False
        )

    def init_app(self, app: Flask) -> None:
        """Bind the queue to the app's SQLite file or Redis server, without connecting to it."""
        self.app = app
        url = app.config["QUEUE_URL"]
        if url.startswith("sqlite:///"):
            self.storage_kwargs = {"filename": url.removeprefix("sqlite:///"), "create_tables": False}
            self.storage = SqliteStorage(self.name, **self.storage_kwargs)
        else:
            self.storage = RedisStorage(self.name, url=url)

    def named_task(self, name: str) -> Callable[[Callable[..., None]], Callable[..., Any]]:
        """Return a decorator that registers a task under a fixed name. Calling the result enqueues the task.

        Its arguments must be plain values.
        """
        return lambda function: self.task(name=name)(self._inside_app(function))

    def _inside_app(self, function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(*args: Any) -> None:
            with self.app.app_context():
                function(*args)

        return run


huey = Queue()
