"""Clients with too many costly requests are slowed down, and no other clients."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from config import load
from connector import create_app
from connector.accounts import passwords, sessions, user_management
from connector.accounts.authorization import allows
from connector.extensions import db, transaction, utcnow
from connector.models.accounts import AuditEntry, Role
from connector.server import WEB_THREADS
from connector.storage.instance import prepare
from connector.web import pages
from connector.web.rate_limits import COUNTS, FILTERS, LISTS, NEVER_LIMITED, QUESTIONS
from tests import signed_in
from tests.pages import words
from tests.waiting import until
from tests.web_server import serve

LIVE = "/jobs/9/live"  # what a page asks for again and again


@pytest.fixture
def limited_client(app: Flask, client: FlaskClient) -> FlaskClient:
    """The browser of an admin, of an app in which each person may do three costly things a minute."""
    app.config["COSTLY_A_MINUTE"] = 3
    return client


def browser_of_another(app: Flask) -> FlaskClient:
    """A browser in which an editor has signed in."""
    with app.app_context():
        account_id = user_management.redeem_link(user_management.add("Anna", Role.EDITOR), signed_in.PASSWORD)
        with transaction():
            token = sessions.begin(account_id, "127.0.0.1")
    browser = app.test_client()
    kept = signed_in.cookie(app, token)
    browser.set_cookie(kept["name"], kept["value"])
    return browser


def test_changes_and_list_downloads_share_a_limit_without_pages(limited_client):
    downloads = [limited_client.get(path).status_code for path in ("/excluded.csv", "/audit.csv")]
    pages = [limited_client.get(path).status_code for path in ("/items/", LIVE, "/jobs/", "/audit/")]
    changes = [limited_client.post("/jobs/9/retry").status_code for _ in range(2)]

    assert (downloads, pages) == ([200, 200], [200, 404, 200, 200])
    assert changes == [404, 429]
    assert limited_client.get("/jobs/1/problems.csv").status_code == 429
    assert limited_client.get("/items/").status_code == 200


def test_searches_count_as_costly_and_pages_of_all_items_do_not(limited_client):
    searches = [limited_client.get(f"/items/?q={word}").status_code for word in ("map", "chart", "atlas", "globe")]
    pages = [limited_client.get(path).status_code for path in ("/items/", "/items/?q=+", "/items/?after=2")]

    assert searches == [200, 200, 200, 429]
    assert pages == [200, 200, 200]


@pytest.mark.parametrize(
    "address",
    [
        "/items/?repository=1",
        "/items/?item_set=1&after=9",
        "/items/?job=1",
        "/items/?creator=Strand",
        "/items/?value=herring",
        "/items/filters?value=herring",
        "/missing/?repository=1",
        "/audit/?who=Tess",
    ],
)
def test_lists_with_filters_count_as_costly(limited_client, address):
    filtered = [limited_client.get(address).status_code for _ in range(4)]
    others = [limited_client.get(path).status_code for path in ("/items/?item_set=", "/missing/", "/audit/?who=&what=")]

    assert filtered == [200, 200, 200, 429]
    assert others == [200, 200, 200]


def test_a_limit_does_not_affect_other_users(app, limited_client):
    mine = [limited_client.post("/jobs/9/retry").status_code for _ in range(4)]
    theirs = browser_of_another(app).post("/jobs/9/retry").status_code

    assert (mine[-1], theirs) == (429, 404)


def test_a_limited_request_shows_advice_and_is_recorded(limited_client):
    for _ in range(3):
        limited_client.post("/jobs/9/retry")

    refused = limited_client.post("/jobs/9/retry")
    trail = words(limited_client.get("/audit/"))

    assert "Wait a minute, then try again" in words(refused)
    assert signed_in.NAME in trail
    assert "POST /jobs/<int:job_id>/retry" in trail


def test_a_form_without_token_counts_for_the_limit(app, limited_client):
    app.config["WTF_CSRF_ENABLED"] = True

    answers = [limited_client.post("/jobs/9/retry").status_code for _ in range(4)]

    assert answers == [400, 400, 400, 429]


def test_every_limited_page_exists(app):
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}

    assert endpoints >= LISTS | QUESTIONS | FILTERS.keys() | NEVER_LIMITED


def test_every_list_download_counts(app):
    lists = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.endswith((".csv", ".txt", ".jsonl"))}

    assert lists | {"exports.download", "item_archive.download"} == LISTS


@pytest.mark.timing
def test_further_changes_are_refused_at_the_limit_and_other_requests_work(app, client):
    began, may_end, waited = threading.Semaphore(0), threading.Event(), []

    @app.post("/waits")
    @allows(Role.VIEWER)
    def waits() -> str:
        began.release()
        return "done" if may_end.wait(60) else "left alone"

    def wait() -> None:
        waited.append(app.test_client().post("/waits").text)

    waiting = [threading.Thread(target=wait) for _ in range(app.config["CHANGES_AT_ONCE"])]
    for thread in waiting:
        thread.start()
        assert began.acquire(timeout=60)

    refused = [client.post("/jobs/9/retry").status_code, client.get("/repositories/9/collections").status_code]
    others = [client.get(path).status_code for path in ("/items/", "/healthz", "/excluded.csv")]
    ways_out = [client.post("/jobs/9/stop").status_code, client.post("/sign-out").status_code]
    may_end.set()
    for thread in waiting:
        thread.join()

    assert (refused, others, ways_out) == ([429, 429], [200, 200, 200], [404, 303])
    assert waited == ["done"] * app.config["CHANGES_AT_ONCE"]


@pytest.fixture
def server_url(app) -> Iterator[str]:
    """The address of the app on the real server, whose threads are what the limits are about."""
    with serve(app, WEB_THREADS) as url:
        yield url


@pytest.mark.timing
def test_a_download_of_a_list_counts_until_its_end_and_blocks_nothing_else(app, client, server_url):
    with app.app_context(), transaction():
        entry = {"at": utcnow(), "who": "x" * 400, "what": "y" * 400, "about": "z" * 400, "address": "", "data": {}}
        db.session.execute(insert(AuditEntry), [entry] * 60_000)
    browser = requests.Session()
    browser.cookies.set("dspace-connector", client.get_cookie("dspace-connector").value)

    def ask() -> requests.Response:
        return browser.get(f"{server_url}/audit.csv", stream=True, timeout=60)

    unread = [ask() for _ in range(WEB_THREADS + 2)]
    taken, refused = unread[: app.config["LISTS_AT_ONCE"]], unread[app.config["LISTS_AT_ONCE"] :]
    others = [requests.get(f"{server_url}/healthz", timeout=60), browser.post(f"{server_url}/jobs/9/retry", timeout=60)]

    assert {answer.status_code for answer in taken} == {200}
    assert {(answer.status_code, answer.headers["Retry-After"]) for answer in refused} == {(429, "60")}
    assert [answer.status_code for answer in others] == [200, 404]
    for answer in unread:
        answer.close()
    until(lambda: app.extensions[COUNTS].lists._value == len(taken))
    assert ask().status_code == 200


@pytest.mark.timing
def test_failed_requests_and_aborted_downloads_free_their_slot(app, client):
    @app.post("/breaks")
    @allows(Role.VIEWER)
    def breaks() -> str:
        raise KeyError("a fault of ours")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    for _ in range(app.config["CHANGES_AT_ONCE"] + 1):
        assert client.post("/breaks").status_code == 500
        client.get("/excluded.csv", buffered=False).close()
        client.head("/excluded.csv", buffered=True)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    for _ in range(app.config["CHANGES_AT_ONCE"] + 1):
        with pytest.raises(KeyError):
            client.post("/breaks")

    assert (client.get("/excluded.csv").status_code, client.post("/jobs/9/retry").status_code) == (200, 404)


def test_some_threads_are_reserved_for_pages_and_monitors(app):
    costly = app.config["CHANGES_AT_ONCE"] + app.config["LISTS_AT_ONCE"]

    assert costly + passwords.AT_ONCE + passwords.WAITING <= WEB_THREADS - 2


def test_the_default_limits_do_not_affect_a_fast_user(client):
    answers = {client.post("/jobs/9/retry").status_code for _ in range(100)}

    assert answers == {404}


def test_limits_are_counted_in_the_process_while_the_queue_server_is_unavailable(tmp_path):
    app = create_app(load({"CONNECTOR_INSTANCE": str(tmp_path), "CONNECTOR_QUEUE_URL": "redis://127.0.0.1:1"}))
    pages.init_app(app)
    prepare(app)
    app.config |= {"WTF_CSRF_ENABLED": False, "COSTLY_A_MINUTE": 3}
    signed_in.admit(app)
    stranger, app.test_client_class = app.test_client(), signed_in.SignedIn
    somebody = app.test_client()

    assert [somebody.post("/jobs/9/retry").status_code for _ in range(4)] == [404, 404, 404, 429]
    tries = [stranger.post("/sign-in", data={"name": "Anna", "password": "x"}).status_code for _ in range(11)]
    assert tries == [422] * 10 + [429]
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
