"""Who asks too often for what costs is slowed down, and nobody else with them."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import load
from connector import create_app, serving
from connector.accounts import people, sessions
from connector.accounts.gate import allows
from connector.accounts.models import Role
from connector.extensions import db, transaction
from connector.limits import COSTLY
from connector.storage import prepare
from tests import signed_in
from tests.pages import words

LIVE = "/jobs/9/live"  # what a page asks for again and again


@pytest.fixture
def hasty(app: Flask, client: FlaskClient) -> FlaskClient:
    """The browser of an admin, of an app in which each person may do three costly things a minute."""
    app.config["COSTLY_A_MINUTE"] = 3
    return client


def browser_of_another(app: Flask) -> FlaskClient:
    """A browser in which an editor has signed in."""
    with app.app_context():
        account_id = people.welcome(people.add("Anna", Role.EDITOR), signed_in.PASSWORD)
        with transaction():
            token = sessions.begin(account_id, "127.0.0.1")
    browser = app.test_client()
    kept = app.session_interface.get_signing_serializer(app).dumps(signed_in.COOKIE | {"_user_id": token})
    browser.set_cookie("dspace-connector", kept)
    return browser


def test_changes_and_downloads_of_whole_lists_count_together_and_pages_do_not(hasty):
    downloads = [hasty.get(path).status_code for path in ("/items.csv", "/audit.csv")]
    pages = [hasty.get(path).status_code for path in ("/items/", LIVE, "/jobs/", "/audit/")]
    changes = [hasty.post("/jobs/9/stop").status_code for _ in range(2)]

    assert (downloads, pages) == ([200, 200], [200, 404, 200, 200])
    assert changes == [404, 429]
    assert hasty.get("/excluded.csv").status_code == 429
    assert hasty.get("/items/").status_code == 200


def test_another_person_is_not_slowed_down_with_them(app, hasty):
    mine = [hasty.post("/jobs/9/stop").status_code for _ in range(4)]
    theirs = browser_of_another(app).post("/jobs/9/stop").status_code

    assert (mine[-1], theirs) == (429, 404)


def test_the_page_says_what_to_do_and_the_trail_who_it_was(hasty):
    for _ in range(3):
        hasty.post("/jobs/9/stop")

    refused = hasty.post("/jobs/9/stop")
    trail = words(hasty.get("/audit/?what=refused"))

    assert "Wait a minute, then try again" in words(refused)
    assert signed_in.NAME in trail
    assert "POST /jobs/<int:job_id>/stop" in trail


def test_a_form_without_its_token_counts_too(app, hasty):
    app.config["WTF_CSRF_ENABLED"] = True

    answers = [hasty.post("/jobs/9/stop").status_code for _ in range(4)]

    assert answers == [400, 400, 400, 429]


def test_every_costly_page_is_there(app):
    reading = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in rule.methods}

    assert reading >= COSTLY


def test_every_download_of_a_list_is_costly(app):
    lists = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.endswith((".csv", ".txt", ".jsonl"))}

    assert lists <= COSTLY


def test_while_as_many_wait_as_may_no_more_begin_and_all_else_goes_on(app, client):
    began, may_end, waited = threading.Semaphore(0), threading.Event(), []

    @app.post("/waits")
    @allows(Role.VIEWER)
    def waits() -> str:
        began.release()
        return "done" if may_end.wait(30) else "left alone"

    def wait() -> None:
        waited.append(app.test_client().post("/waits").text)

    waiting = [threading.Thread(target=wait) for _ in range(app.config["COSTLY_AT_ONCE"])]
    for thread in waiting:
        thread.start()
        assert began.acquire(timeout=30)

    refused = [client.post("/jobs/9/stop").status_code, client.get("/items.csv").status_code]
    others = [client.get("/items/").status_code, client.get("/healthz").status_code]
    may_end.set()
    for thread in waiting:
        thread.join(30)

    assert (refused, others) == ([429, 429], [200, 200])
    assert waited == ["done"] * app.config["COSTLY_AT_ONCE"]
    assert client.post("/jobs/9/stop").status_code == 404


def test_no_slot_is_lost_to_a_request_that_fails_or_a_download_that_is_broken_off(app, client):
    for _ in range(app.config["COSTLY_AT_ONCE"] + 1):
        client.post("/jobs/9/stop")
        client.get("/items.csv", buffered=False).close()

    assert client.get("/items.csv").status_code == 200


def test_some_threads_are_left_for_pages_and_monitors(app):
    assert app.config["COSTLY_AT_ONCE"] <= serving.WEB_THREADS - 2


def test_as_shipped_a_quick_person_never_meets_the_limit(client):
    answers = {client.post("/jobs/9/stop").status_code for _ in range(100)}

    assert answers == {404}


def test_while_the_server_of_the_queue_is_away_both_limits_count_in_this_process(tmp_path):
    app = create_app(load({"CONNECTOR_INSTANCE": str(tmp_path), "CONNECTOR_QUEUE_URL": "redis://127.0.0.1:1"}))
    prepare(app)
    app.config |= {"WTF_CSRF_ENABLED": False, "COSTLY_A_MINUTE": 3}
    signed_in.admit(app)
    stranger, app.test_client_class = app.test_client(), signed_in.SignedIn
    somebody = app.test_client()

    assert [somebody.post("/jobs/9/stop").status_code for _ in range(4)] == [404, 404, 404, 429]
    tries = [stranger.post("/sign-in", data={"name": "Anna", "password": "x"}).status_code for _ in range(11)]
    assert tries == [422] * 10 + [429]
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
