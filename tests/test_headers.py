"""What every answer tells the browser of how to treat it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector.catalogue.models import CatalogueFile
from connector.extensions import db

TEMPLATES = Path(__file__).parents[1] / "templates"


@pytest.mark.parametrize("path", ["/", "/items/", "/nowhere", "/static/style.css", "/healthz"])
def test_every_answer_says_what_a_browser_may_do_with_it(client, path):
    headers = client.get(path, buffered=True).headers

    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path", ["/items.csv", "/audit.csv", "/excluded.csv", "/jobs/1/diary.txt", "/jobs/1/problems.csv"]
)
def test_what_is_downloaded_is_kept_nowhere(stocked_client, path):
    answer = stocked_client.get(path)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


def test_a_stored_file_is_kept_by_its_reader_only_and_a_restricted_one_not_at_all(stocked_app, stocked_client):
    with stocked_app.app_context():
        file = db.session.scalar(db.select(CatalogueFile).where(CatalogueFile.fate == "stored"))
        path = f"/files/{file.id}/x"
        open_to_all = stocked_client.get(path, buffered=True).headers["Cache-Control"]
        file.by_login = True
        db.session.commit()

    assert open_to_all == "private, no-cache"
    assert stocked_client.get(path, buffered=True).headers["Cache-Control"] == "no-store"
    assert "no-store" not in stocked_client.get("/static/style.css", buffered=True).headers["Cache-Control"]


def test_over_https_a_browser_is_told_to_stay_with_it_and_over_http_it_is_not(client):
    assert (
        client.get("/items/", base_url="https://localhost").headers["Strict-Transport-Security"] == "max-age=31536000"
    )
    assert "Strict-Transport-Security" not in client.get("/items/").headers


def test_no_page_has_a_script_a_style_or_a_handler_within():
    within = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals=.js:", re.I)

    found = {path.name: within.findall(path.read_text()) for path in TEMPLATES.rglob("*.html")}

    assert {name: what for name, what in found.items() if what} == {}


def test_nothing_that_is_posted_without_the_token_of_its_form_is_done(app):
    browser, asked = app.test_client(), app.url_map.bind("localhost")
    posts = [rule for rule in app.url_map.iter_rules() if "POST" in rule.methods]

    answers = {
        rule.rule: browser.post(asked.build(rule.endpoint, dict.fromkeys(rule.arguments, 1), "POST")).status_code
        for rule in posts
    }

    assert len(answers) > 30
    assert {rule: status for rule, status in answers.items() if status != 400} == {}


@pytest.mark.parametrize("path", ["/items", "/items//?q=1"])
def test_no_redirect_leads_to_the_host_that_a_request_names(client, path):
    for host in ("http://evil.example", "http://EVIL.example:81"):
        location = client.get(path, base_url=host).location

        assert location.startswith("/items/")
