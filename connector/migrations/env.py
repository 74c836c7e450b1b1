"""Alembic's environment: migrates the database of the app in whose context it runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from sqlalchemy import Connection

from connector.extensions import db


@contextmanager
def without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Let SQLite enforce no foreign keys: to drop a table that is made again would delete what refers to its rows."""
    if connection.dialect.name != "sqlite":
        yield
        return
    cursor = connection.connection.cursor()  # within a transaction, as SQLAlchemy begins it, it has no effect
    cursor.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        cursor.execute("PRAGMA foreign_keys = ON")


with db.engine.connect() as connection, without_foreign_keys(connection):
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
