"""Requests that no browser sends are refused before they are parsed."""

from __future__ import annotations

import pytest

from tests.pages import FRAGMENT, words
from tests.signed_in import NAME, PASSWORD

COULD_NOT_BE_READ = "The request could not be read."


@pytest.mark.parametrize("base", ["http://localhost", "https://localhost"])
@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", "/audit/?who=%00", {}),
        ("GET", "/items/?%00=1", {}),
        ("POST", "/sign-in", {"data": {"name": "Te\0ss", "password": PASSWORD}}),
        ("POST", "/sign-in", {"data": {"name": NAME, "password": "\0"}}),
        ("POST", "/takedown/1", {"data": {"li\0ne": "1"}}),
    ],
)
def test_nul_characters_are_refused_everywhere_in_a_request(client, base, method, path, sent):
    answer = client.open(path, method=method, base_url=base, **sent)

    assert answer.status_code == 400
    assert COULD_NOT_BE_READ in words(answer)


@pytest.mark.parametrize("name", ["Referer", "HX-Current-URL"])
@pytest.mark.parametrize("address", ["http://[", "https://localhost]/", "http://[::g]/", "//["])
@pytest.mark.parametrize("base", ["http://localhost", "https://localhost"])
def test_an_invalid_url_in_a_header_is_refused(app, name, address, base):
    browser = app.test_client()
    for cookies in ("signed in", "nobody"):
        if cookies == "nobody":
            browser.delete_cookie("dspace-connector")
        for headers in ({name: address}, {name: address} | FRAGMENT):
            answers = [
                browser.get("/items/", headers=headers, base_url=base),
                browser.post("/jobs/1/stop", headers=headers, base_url=base),
            ]

            assert [answer.status_code for answer in answers] == [400, 400]


def test_requests_of_browsers_are_accepted(client):
    headers = {"Referer": "http://localhost/items/?q=%00", "HX-Current-URL": "", "Accept-Language": "de-DE,de;q=0.9"}

    assert client.get("/items/?q=%C3%A4%0A", headers=headers).status_code == 200
