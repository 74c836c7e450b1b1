"""A process that works on the jobs looks once a minute for those that were left behind, whatever happens."""

from __future__ import annotations

import logging
import shutil

from connector import health, serving
from connector.extensions import huey
from tests.imports.conftest import Desk
from tests.imports.fakes import FakeDSpace


def test_a_look_queues_what_was_left_behind_and_tells_the_monitors(app):
    Desk(app, FakeDSpace()).create()

    serving.wake_again(app)

    assert huey.pending_count() == 1
    assert (app.config["INSTANCE"] / "recovered").exists()


def test_a_look_that_fails_is_logged_and_the_next_one_comes(app, caplog):
    database = app.config["INSTANCE"] / "connector.db"
    shutil.copy(database, database.with_suffix(".aside"))
    database.write_bytes(b"no database")

    with caplog.at_level(logging.ERROR, "connector.serving"):
        serving.wake_again(app)

    shutil.move(database.with_suffix(".aside"), database)
    assert "could not be looked for" in caplog.text
    assert not (app.config["INSTANCE"] / "recovered").exists()


def test_looks_come_often_enough_for_the_monitors():
    assert serving.MINUTE * 3 < health.LATELY
