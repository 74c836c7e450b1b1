"""Monitors learn whether the app runs and is ready, and its numbers. Other clients are refused."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from ipaddress import ip_network

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from connector.accounts import user_management
from connector.extensions import db, huey
from connector.jobs import worker_heartbeat
from connector.models.accounts import Role
from connector.models.catalogue import CatalogueItem, StoredFile
from connector.models.jobs import Job
from connector.proxy_headers import init_app as believe_proxies
from connector.storage import disk_space
from connector.storage.instance import prepare
from connector.tasks import run_job
from connector.web import monitoring
from tests.pages import words
from tests.ports import free_port

MONITORED = ["/healthz", "/readyz", "/metrics"]


@pytest.fixture
def ready_client(app, client):
    """A client of an app of which all is ready."""
    worker_heartbeat.touch(app.config["INSTANCE"])
    return client


def numbers(client) -> dict[str, float]:
    """Every sample by its name and labels, as Prometheus reads them."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.get_data(as_text=True))
    return {
        one.name + "".join(f"[{value}]" for value in one.labels.values()): one.value
        for family in families
        for one in family.samples
    }


def test_the_app_is_ready_if_all_checks_succeed(ready_client):
    answer = ready_client.get("/readyz")

    assert (answer.status_code, answer.text) == (200, "ready\n")


def test_the_app_is_alive_without_a_database(app):
    instance = app.config["INSTANCE"]
    instance.rename(instance.with_name("gone"))
    try:
        answer = FlaskClient(app).get("/healthz")
    finally:
        instance.with_name("gone").rename(instance)

    assert (answer.status_code, answer.text) == (200, "alive\n")


def no_database(app):
    with closing(sqlite3.connect(app.config["INSTANCE"] / "connector.db")) as connection:
        connection.execute("DROP TABLE repository")


def no_queue(app):
    with closing(sqlite3.connect(app.config["INSTANCE"] / "queue.db")) as connection:
        connection.execute("DROP TABLE task")


def no_server_of_the_queue(app):
    app.config["QUEUE_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    huey.init_app(app)


def no_room(app):
    app.config["MIN_FREE_DISK"] = disk_space.free(app.config["INSTANCE"]) * 2


def no_workers(app):
    long_ago = time.time() - monitoring.WORKER_SILENCE - 1
    os.utime(app.config["INSTANCE"] / "recovered", (long_ago, long_ago))


def no_workers_ever(app):
    (app.config["INSTANCE"] / "recovered").unlink()


def no_scanner(app):
    app.config["CLAMD_URL"] = str(app.config["INSTANCE"] / "clamd.ctl")


@pytest.mark.parametrize(
    ("trouble", "name"),
    [
        (no_database, "database"),
        (no_queue, "queue"),
        (no_server_of_the_queue, "queue"),
        (no_room, "disk"),
        (no_scanner, "virus scanner"),
        (no_workers, "workers"),
        (no_workers_ever, "workers"),
    ],
)
def test_failed_checks_are_named_and_the_log_has_the_reason(app, ready_client, trouble, name, caplog):
    trouble(app)

    answer = ready_client.get("/readyz")

    assert (answer.status_code, answer.text) == (503, f"not ready: {name}\n")
    [record] = caplog.records
    assert re.fullmatch(rf"Not ready: {name}\. \w.+\.", record.getMessage())


def damaged_database(app):
    with app.app_context():
        db.engine.dispose()
    (app.config["INSTANCE"] / "connector.db").write_bytes(b"no database")


@pytest.fixture
def restored_database(app):
    """The database is whole again when the test ends."""
    file = app.config["INSTANCE"] / "connector.db"
    shutil.copy(file, file.with_suffix(".copy"))
    yield
    with app.app_context():
        db.engine.dispose()
    shutil.move(file.with_suffix(".copy"), file)


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (damaged_database, "Not ready: database. The database cannot be used now: file is not a database. Move "),
        (no_queue, "Not ready: queue. The queue cannot be used now: no such table: task."),
        (no_server_of_the_queue, "Not ready: queue. The queue cannot be used now: Error 111 connecting to "),
        (no_scanner, "Not ready: virus scanner. It does not answer at "),
    ],
)
def test_the_reason_for_a_failed_check_is_logged_once_a_minute(
    app, ready_client, caplog, restored_database, trouble, sentence
):
    trouble(app)

    for _ in range(3):
        assert ready_client.get("/readyz").status_code == 503

    [record] = caplog.records
    assert record.getMessage().startswith(sentence)
    assert record.exc_info is None


def test_each_check_and_cause_has_its_own_sentence(app, ready_client, caplog):
    for trouble in (no_queue, no_scanner, no_server_of_the_queue):
        trouble(app)
        ready_client.get("/readyz")

    told = [message.split(". ")[0] for message in caplog.messages]
    assert told == ["Not ready: queue", "Not ready: virus scanner", "Not ready: queue"]


def test_an_unexpected_error_in_a_check_is_logged_with_traceback(app, ready_client, caplog):
    app.config["CLAMD_URL"] = 7

    for _ in range(3):
        assert ready_client.get("/readyz").text == "not ready: virus scanner\n"

    [record] = caplog.records
    assert record.getMessage() == "Not ready: virus scanner."
    assert "TypeError" in caplog.text


def test_a_moved_database_file_is_reported_until_it_returns(app, client, caplog):
    file, aside = app.config["INSTANCE"] / "connector.db", app.config["INSTANCE"] / "aside.db"
    prepare(app)
    worker_heartbeat.touch(app.config["INSTANCE"])
    assert client.get("/readyz").text == "ready\n"
    file.rename(aside)

    for _ in range(2):
        assert client.get("/readyz").text == "not ready: database\n"
    [record] = caplog.records
    assert record.getMessage().startswith("Not ready: database. The database cannot be used now: its file was moved")
    assert record.exc_info is None

    aside.rename(file)
    assert client.get("/readyz").text == "ready\n"


@pytest.mark.parametrize("is_replaced", [True, False])
def test_every_page_reports_a_missing_or_replaced_database_file(app, client, is_replaced):
    file = app.config["INSTANCE"] / "connector.db"
    prepare(app)
    assert "moved or replaced" not in client.get("/jobs/").text
    file.rename(file.with_suffix(".aside"))
    if is_replaced:
        shutil.copy(file.with_suffix(".aside"), file)

    pages = [client.get(path) for path in ("/jobs/", "/items/", "/sign-in")]
    made = file.exists()
    file.with_suffix(".aside").rename(file)

    sentence = "The database cannot be used now: its file was moved or replaced while DSpace Connector ran."
    assert all(page.status_code == 503 and sentence in words(page) for page in pages)
    assert made is is_replaced


def test_changes_made_before_the_database_file_was_moved_are_kept(app, client):
    file = app.config["INSTANCE"] / "connector.db"
    prepare(app)
    with app.app_context():
        held = user_management.add("Anna", Role.VIEWER)  # which only the journal beside the file knows yet
        journal = file.with_name(f"{file.name}-wal").stat().st_size
        file.rename(file.with_suffix(".aside"))
        db.session.remove()
        with ThreadPoolExecutor(20) as browsers:  # more than there are connections at hand
            statuses = set(browsers.map(lambda number: app.test_client().get("/jobs/").status_code, range(40)))
        refused = client.post("/users/", data={"name": "Bert", "role": "viewer"}).status_code
        file.with_suffix(".aside").rename(file)

        assert (journal > 0, statuses, refused) == (True, {503}, 503)
        assert user_management.find_account("Anna").state == "invited"
        assert user_management.find("Bert") is None
    assert client.get(f"/welcome/{held}").status_code == 200


def test_all_failed_checks_are_named(app, ready_client):
    no_room(app)
    no_workers(app)

    assert ready_client.get("/readyz").text == "not ready: disk, workers\n"


def test_metrics_match_the_database(stocked_app, stocked_client):
    with stocked_app.app_context():
        run_job(10**6)
        jobs = db.session.scalars(db.select(Job)).all()
        site = jobs[0].source.repository.site_url
        items = db.session.scalar(db.select(db.func.count()).select_from(CatalogueItem))
        sizes = db.session.scalars(db.select(StoredFile.size)).all()

    told = numbers(stocked_client)

    assert told["connector_items"] == told["connector_job_items_total[added]"] == items > 30
    assert (told["connector_stored_files"], told["connector_stored_bytes"]) == (len(sizes), sum(sizes))
    assert told["connector_job_files_total[stored]"] == sum(job.counts["files_stored"] for job in jobs) > 0
    assert told["connector_job_files_total[restricted]"] == sum(job.counts["files_restricted"] for job in jobs) > 0
    assert (told["connector_jobs[completed]"], told["connector_jobs[running]"]) == (len(jobs), 0)
    assert told["connector_queue_length"] == 1
    assert told["connector_free_bytes"] > 0
    answers = f"connector_source_answer_seconds_count[{site}]"
    assert told[answers] == sum(job.traffic["answers"] for job in jobs) > 0
    seconds = sum(job.traffic["seconds"] for job in jobs)
    assert told[answers.replace("count", "sum")] == pytest.approx(seconds)


def test_an_empty_catalogue_has_numbers_too(client):
    told = numbers(client)

    assert (told["connector_items"], told["connector_stored_bytes"], told["connector_jobs[queued]"]) == (0, 0, 0)


@pytest.mark.parametrize("trouble", [no_queue, no_server_of_the_queue])
def test_metrics_without_the_queue_lack_only_its_length(app, client, trouble):
    all_of_them = numbers(client).keys()
    trouble(app)

    assert all_of_them - numbers(client).keys() == {"connector_queue_length"}


@pytest.mark.parametrize("address", MONITORED)
@pytest.mark.parametrize(
    ("peer", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("192.0.2.7", 403), ("::ffff:192.0.2.7", 403)],
)
def test_only_monitors_get_a_response(ready_client, address, peer, status):
    answer = ready_client.get(address, environ_base={"REMOTE_ADDR": peer})

    assert answer.status_code == status
    assert ("connector_items" in answer.text) == (status == 200 and address == "/metrics")


@pytest.mark.parametrize("address", MONITORED)
def test_a_peer_without_an_address_is_not_answered(ready_client, address):
    assert ready_client.get(address, environ_base={"REMOTE_ADDR": ""}).status_code == 403


def test_the_networks_of_monitors_can_be_configured(app, ready_client):
    app.config["METRICS_NETWORKS"] = (ip_network("192.0.2.0/24"),)

    assert ready_client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 200
    assert ready_client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("127.0.0.1", "127.0.0.1", 200),
        ("127.0.0.1", "192.0.2.7", 403),  # somebody outside, through the proxy on this machine
        ("192.0.2.7", "127.0.0.1", 403),  # past the proxy, with a header of their own
        ("127.0.0.1", "unknown", 403),
    ],
)
def test_behind_a_proxy_every_address_must_be_a_monitor(app, ready_client, peer, forwarded, status):
    app.config["PROXY_HOPS"] = 1
    believe_proxies(app)

    answer = ready_client.get("/metrics", environ_base={"REMOTE_ADDR": peer}, headers={"X-Forwarded-For": forwarded})

    assert answer.status_code == status


def test_without_the_setting_addresses_in_headers_are_ignored(ready_client):
    headers = {"X-Forwarded-For": "127.0.0.1"}

    assert ready_client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"}, headers=headers).status_code == 403


def test_health_checks_reveal_no_secret(stocked_app, stocked_client):
    worker_heartbeat.touch(stocked_app.config["INSTANCE"])

    told = "".join(stocked_client.get(address).text for address in MONITORED)

    assert stocked_app.config["SECRET_KEY"] not in told
    assert str(stocked_app.config["INSTANCE"]) not in told
    assert not re.search(r"://[^/\s]*@", told)
