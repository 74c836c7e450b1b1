"""Makes the instance folder and brings the database up to date before all else, also when two begin at once."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import upgrade

from config import secret_key

from .extensions import db, huey, migrate


def prepare(app: Flask) -> None:
    """Make what is missing: folder, secret key, tables of the database and the queue. Cheap when all is there."""
    instance: Path = app.config["INSTANCE"]
    for folder in (instance, instance / "files", instance / "pace"):
        folder.mkdir(parents=True, exist_ok=True)
    app.config["SECRET_KEY"] = app.config["SECRET_KEY"] or secret_key(instance)
    with app.app_context(), _alone(instance / "prepare.lock"):
        if _revision() != _head():
            upgrade()
        if hasattr(huey.storage, "initialize_schema"):
            huey.storage.initialize_schema()


def _head() -> str | None:
    return ScriptDirectory(migrate.directory).get_current_head()


def _revision() -> str | None:
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock that the system frees when the process ends, however it ends."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
