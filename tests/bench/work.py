"""How much a page makes SQLite do, in steps of its virtual machine: the same on every machine, however busy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import event

from connector.extensions import db

EVERY = 50  # steps between two counts


def steps_of(app: Flask, act: Callable[[], object]) -> int:
    """Return the number of steps that all statements of this app take while it acts."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += EVERY
        return 0  # go on

    def watch(connection: Any, record: Any) -> None:
        connection.set_progress_handler(count, EVERY)

    with app.app_context():
        engine = db.engine
    engine.dispose()  # connections of the pool are not watched
    event.listen(engine, "connect", watch)
    try:
        act()
    finally:
        event.remove(engine, "connect", watch)
        engine.dispose()
    return counted
