"""The periodic tasks of a worker process continue after any error."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading

import pytest

from connector.errors import StorageError
from connector.extensions import huey
from connector.server import WORKERS
from connector.tasks import periodic_tasks, workers
from connector.web import monitoring
from tests.imports.fake_repository_importer import FakeRepositoryImporter
from tests.imports.fakes import FakeDSpace
from tests.waiting import until


def test_a_periodic_check_queues_abandoned_jobs_and_updates_the_monitoring(app):
    FakeRepositoryImporter(app, FakeDSpace()).create()

    workers.attempt(app, periodic_tasks.recover)

    assert huey.pending_count() == 1
    assert (app.config["INSTANCE"] / "recovered").exists()


def test_a_failed_periodic_task_is_logged_and_runs_again(app, caplog):
    database = app.config["INSTANCE"] / "connector.db"
    shutil.copy(database, database.with_suffix(".aside"))
    database.write_bytes(b"no database")

    with caplog.at_level(logging.ERROR, "connector.tasks.workers"):
        workers.attempt(app, periodic_tasks.recover)

    shutil.move(database.with_suffix(".aside"), database)
    assert caplog.messages[0].startswith("The periodic task recover failed: The database cannot be used now: ")
    assert "Traceback" not in caplog.text
    assert not (app.config["INSTANCE"] / "recovered").exists()


def test_a_periodic_task_that_fails_for_long_is_logged_once_a_minute(app, caplog):
    def duty() -> None:
        raise StorageError("There is no space left.")

    with caplog.at_level(logging.ERROR, "connector.tasks.workers"):
        workers.attempt(app, duty)
        workers.attempt(app, duty)

    assert caplog.messages == ["The periodic task duty failed: There is no space left."]


def test_an_unexpected_error_in_a_periodic_task_is_logged_with_traceback(app, caplog):
    def duty() -> None:
        raise KeyError("out of the blue")

    workers.attempt(app, duty)

    assert caplog.messages == ["The periodic task duty failed"]
    assert "KeyError" in caplog.text


def test_jobs_that_wait_for_the_queue_are_logged_once_a_minute(app, caplog):
    importer = FakeRepositoryImporter(app, FakeDSpace())
    for collection in ("c1", "c2", "c3"):
        importer.create(collection)
    app.config["QUEUE_URL"] = "redis://127.0.0.1:1/0"
    huey.init_app(app)

    workers.attempt(app, periodic_tasks.recover)
    workers.attempt(app, periodic_tasks.recover)

    [record] = caplog.records
    assert record.getMessage().startswith("The queue cannot be used now: Error 111 connecting to 127.0.0.1:1.")
    assert record.exc_info is None
    assert (app.config["INSTANCE"] / "recovered").exists()


def test_a_periodic_task_runs_at_once_and_repeatedly_until_the_process_ends(app):
    done, ended = [], threading.Event()

    def duty() -> None:
        done.append(len(done))
        if len(done) == 3:
            ended.set()

    workers._repeat(app, duty, 0.01, ended)

    assert done == [0, 1, 2]


def test_an_unavailable_queue_is_logged_once_a_minute(app, caplog):
    app.config["QUEUE_URL"] = "redis://127.0.0.1:1/0"
    huey.init_app(app)
    consumer = workers._start_consumer(WORKERS)

    until(lambda: caplog.records)
    for worker, _ in consumer.worker_threads:
        worker.loop()
    consumer.stop(graceful=True)

    [record] = caplog.records
    assert record.getMessage().startswith("The queue cannot be used now: Error 111 connecting to 127.0.0.1:1.")
    assert record.exc_info is None


def test_periodic_checks_are_frequent_enough_for_monitors():
    assert periodic_tasks.PERIODIC_TASKS[periodic_tasks.recover] * 3 < monitoring.WORKER_SILENCE


def test_a_setting_without_tls_is_reported_without_its_value(app, caplog):
    app.config["NOTIFY_WEBHOOK"] = "http://chat.example.org/hook/secret"

    workers.warn_of_settings_without_tls(app)

    assert [record.getMessage().split(" leads")[0] for record in caplog.records] == ["CONNECTOR_NOTIFY_WEBHOOK"]
    assert "chat" not in caplog.text


def test_periodic_tasks_start_imports_notify_count_and_prune():
    often = {
        periodic_tasks.recover,
        periodic_tasks.start_due,
        periodic_tasks.send_notifications,
        periodic_tasks.count_catalogue,
        periodic_tasks.make_thumbnails,
    }
    expected = {*often, periodic_tasks.prune}

    assert set(periodic_tasks.PERIODIC_TASKS) == expected


@pytest.mark.parametrize(("soft", "hard", "held"), [(256, 4096, 1000), (1024, 1024, 250), (4096, 8192, 1000)])
def test_the_number_of_connections_fits_the_limit_of_open_files(soft, hard, held):
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))"
    code = f"{limit}; from connector import connection_limit; print(connection_limit.most())"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert int(done.stdout) == held
