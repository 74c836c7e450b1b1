"""The security and caching headers of every response."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.accounts import user_management
from connector.extensions import db
from connector.models.accounts import Role
from connector.models.catalogue import CatalogueFile
from tests.pages import words
from tests.signed_in import NAME

PASSWORD = "gentle otters fold paper maps"
TEMPLATES = Path(__file__).parents[1] / "templates"


@pytest.mark.parametrize("path", ["/", "/items/", "/nowhere", "/static/style.css", "/healthz"])
def test_every_response_has_security_headers(client, path):
    headers = client.get(path, buffered=True).headers

    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/audit.csv", "/excluded.csv", "/jobs/1/request-log.txt", "/jobs/1/problems.csv"])
def test_downloads_of_lists_are_not_cached(stocked_client, path):
    answer = stocked_client.get(path)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


def test_stored_files_are_cached_privately_and_restricted_files_never(stocked_app, stocked_client):
    with stocked_app.app_context():
        file = db.session.scalar(db.select(CatalogueFile).where(CatalogueFile.status == "stored"))
        path = f"/files/{file.id}/x"
        open_to_all = stocked_client.get(path, buffered=True).headers["Cache-Control"]
        file.content_is_restricted = True
        db.session.commit()

    assert open_to_all == "private, no-cache"
    assert stocked_client.get(path, buffered=True).headers["Cache-Control"] == "no-store"
    assert "no-store" not in stocked_client.get("/static/style.css", buffered=True).headers["Cache-Control"]


def test_stored_files_cannot_load_others_or_be_framed(stocked_app, stocked_client):
    with stocked_app.app_context():
        stored = db.session.scalars(db.select(CatalogueFile.id).where(CatalogueFile.status == "stored")).all()

    answers = [stocked_client.get(f"/files/{number}/x", buffered=True) for number in stored]

    assert "application/pdf" in {answer.mimetype for answer in answers}
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "object-src 'none'" in policy or "default-src 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "frame-ancestors 'none'" in policy


def test_strict_transport_security_is_sent_over_https_only(client):
    policy = client.get("/items/", base_url="https://localhost").headers["Strict-Transport-Security"]

    assert policy == "max-age=31536000; includeSubDomains"
    assert "Strict-Transport-Security" not in client.get("/items/").headers


def test_below_a_path_strict_transport_security_excludes_other_hosts(client):
    answer = client.get("/items/", base_url="https://localhost", environ_overrides={"SCRIPT_NAME": "/prefix"})

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_one_time_links_are_never_sent_as_referrer_and_their_form_works_over_https(app):
    with app.app_context():
        path = f"/welcome/{user_management.add('Anna', Role.VIEWER)}"
    browser = FlaskClient(app, TestResponse)

    page = browser.get(path, base_url="https://localhost")
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page.text)[1]
    sent = {"csrf_token": token, "password": PASSWORD, "again": PASSWORD}
    told = {"Referer": "https://localhost/"}  # all that this policy lets a browser tell
    done = browser.post(path, data=sent, base_url="https://localhost", headers=told)

    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert done.status_code == 303


def test_no_page_has_inline_scripts_styles_or_handlers():
    # Browsers do not run JSON-LD. It is data for other programs.
    script = r'<script(?![^>]*\bsrc=)(?! type="application/ld\+json">)'
    within = re.compile(rf"{script}|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals=.js:", re.I)

    found = {path.name: within.findall(path.read_text()) for path in TEMPLATES.rglob("*.html")}

    assert {name: what for name, what in found.items() if what} == {}


def test_posts_without_a_form_token_change_nothing(app):
    browser, asked = app.test_client(), app.url_map.bind("localhost")
    posts = [rule for rule in app.url_map.iter_rules() if "POST" in rule.methods]

    answers = {
        rule.rule: browser.post(asked.build(rule.endpoint, dict.fromkeys(rule.arguments, 1), "POST")).status_code
        for rule in posts
    }

    assert len(answers) > 30
    assert {rule: status for rule, status in answers.items() if status != 400} == {"/sign-in": 303}  # is in already


def test_a_form_without_token_is_recorded_and_logged(app, caplog):
    browser = app.test_client()

    browser.post("/jobs/9/stop")
    app.config["WTF_CSRF_ENABLED"] = False
    trail = words(browser.get("/audit/?what=refused"))

    assert "POST /jobs/<int:job_id>/stop" in trail
    assert f"Refused with 400: {NAME} at 127.0.0.1 asked for POST /jobs/<int:job_id>/stop" in caplog.text


@pytest.mark.parametrize("path", ["/items", "/items//?q=1"])
@pytest.mark.parametrize("host", ["evil.example", "EVIL.example:81", "evil example", "evil.example/x", "/x", "["])
def test_no_redirect_uses_the_host_header_of_the_request(client, path, host):
    answer = client.get(path, headers={"Host": host})

    assert answer.status_code == 308
    assert answer.location.startswith("/items/")


@pytest.mark.parametrize(("path", "renewed"), [("/items/", True), ("/static/style.css", False), ("/healthz", False)])
def test_public_responses_set_no_cookie(client, path, renewed):
    assert bool(client.get(path, buffered=True).headers.getlist("Set-Cookie")) is renewed
