"""The work that a page causes in the database. It is the same on every machine.

On SQLite it is measured in steps of its virtual machine, on PostgreSQL in blocks read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import event

from connector.extensions import db

EVERY = 50  # steps between two counts


def blocks_of(app: Flask, act: Callable[[], object]) -> int:
    """Return how many blocks PostgreSQL reads for the SELECT statements of this app while it acts."""
    plans = plans_of(app, act)
    return sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans)


def plans_of(app: Flask, act: Callable[[], object]) -> list[dict[str, Any]]:
    """Return how PostgreSQL carries out each SELECT statement of this app while it acts."""
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *others: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        explained = (
            connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters).scalar_one()
            for statement, parameters in asked
        )
        return [top["Plan"] for [top] in explained]


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
