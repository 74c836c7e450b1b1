"""What a process that works on the jobs does by itself, again and again, whatever happens."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading

import pytest

from connector import server, tasks
from connector.extensions import huey
from connector.web import monitoring
from tests.imports.conftest import Desk
from tests.imports.fakes import FakeDSpace
from tests.waiting import until


def test_a_look_queues_what_was_left_behind_and_tells_the_monitors(app):
    Desk(app, FakeDSpace()).create()

    server.attempt(app, tasks.recover)

    assert huey.pending_count() == 1
    assert (app.config["INSTANCE"] / "recovered").exists()


def test_a_duty_that_fails_is_logged_and_the_next_one_comes(app, caplog):
    database = app.config["INSTANCE"] / "connector.db"
    shutil.copy(database, database.with_suffix(".aside"))
    database.write_bytes(b"no database")

    with caplog.at_level(logging.ERROR, "connector.server"):
        server.attempt(app, tasks.recover)

    shutil.move(database.with_suffix(".aside"), database)
    assert caplog.messages[0].startswith("The periodic task recover failed: The database cannot be used now: ")
    assert "Traceback" not in caplog.text
    assert not (app.config["INSTANCE"] / "recovered").exists()


def test_a_fault_of_ours_in_a_duty_is_logged_with_its_trace(app, caplog):
    def duty() -> None:
        raise KeyError("out of the blue")

    server.attempt(app, duty)

    assert caplog.messages == ["The periodic task duty failed"]
    assert "KeyError" in caplog.text


def test_jobs_that_wait_while_the_queue_is_away_are_one_sentence_a_minute(app, caplog):
    desk = Desk(app, FakeDSpace())
    for collection in ("c1", "c2", "c3"):
        desk.create(collection)
    app.config["QUEUE_URL"] = "redis://127.0.0.1:1/0"
    huey.init_app(app)

    server.attempt(app, tasks.recover)
    server.attempt(app, tasks.recover)

    [record] = caplog.records
    assert record.getMessage().startswith("The queue cannot be used now: Error 111 connecting to 127.0.0.1:1.")
    assert record.exc_info is None
    assert (app.config["INSTANCE"] / "recovered").exists()


def test_a_duty_is_done_at_once_and_again_until_the_process_ends(app):
    done, ended = [], threading.Event()

    def duty() -> None:
        done.append(len(done))
        if len(done) == 3:
            ended.set()

    server._repeat(app, duty, 0.01, ended)

    assert done == [0, 1, 2]


def test_a_queue_that_is_away_is_one_sentence_a_minute_whoever_asks_it(app, caplog):
    app.config["QUEUE_URL"] = "redis://127.0.0.1:1/0"
    huey.init_app(app)
    consumer = server._start_consumer(server.WORKERS)

    until(lambda: caplog.records)
    for worker, _ in consumer.worker_threads:
        worker.loop()
    consumer.stop(graceful=True)

    [record] = caplog.records
    assert record.getMessage().startswith("The queue cannot be used now: Error 111 connecting to 127.0.0.1:1.")
    assert record.exc_info is None


def test_looks_come_often_enough_for_the_monitors():
    assert tasks.DUTIES[tasks.recover] * 3 < monitoring.LATELY


def test_a_setting_that_leads_elsewhere_without_tls_is_told_without_its_value(app, caplog):
    app.config["NOTIFY_WEBHOOK"] = "http://chat.example.org/hook/secret"

    server.warn_of_settings_without_tls(app)

    assert [record.getMessage().split(" leads")[0] for record in caplog.records] == ["CONNECTOR_NOTIFY_WEBHOOK"]
    assert "chat" not in caplog.text


def test_schedules_notices_and_pruning_are_duties_too():
    assert set(tasks.DUTIES) == {tasks.recover, tasks.start_due, tasks.send_notifications, tasks.prune}


@pytest.mark.parametrize(("soft", "hard", "held"), [(256, 4096, 1000), (1024, 1024, 250), (4096, 8192, 1000)])
def test_as_many_connections_are_held_as_there_may_be_open_files_for(soft, hard, held):
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))"
    code = f"{limit}; from connector import connection_limit; print(connection_limit.most())"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert int(done.stdout) == held
