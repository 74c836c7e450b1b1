"""The pages of access tokens: people make and revoke their own, and admins see and revoke those of others."""

from __future__ import annotations

import re

import pytest

from connector.accounts import passwords
from connector.models.accounts import Role
from tests.pages import words

from .conftest import PASSWORD, QUICK, Office

TOKENS = "/account/tokens/"


@pytest.fixture
def office(app, monkeypatch) -> Office:
    """An app with a viewer and an admin."""
    monkeypatch.setattr(passwords, "_hasher", QUICK)
    office = Office(app)
    office.add("vera")
    office.add("ada", Role.ADMIN)
    return office


def make(browser, name: str = "Library website", password: str = PASSWORD):
    return browser.post(TOKENS, data={"name": name, "current": password})


def shown_token(page) -> str:
    return re.search(r'id="token" readonly value="(dsc_[\w-]{43})"', page.text)[1]


def status(office: Office, token: str) -> int:
    return office.browser().get("/api/items", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_token_is_shown_once_and_works(office):
    viewer = office.enter("vera")

    token = shown_token(make(viewer))

    assert status(office, token) == 200
    assert "Library website" in words(viewer.get(TOKENS))
    assert token not in viewer.get(TOKENS).text
    assert ("vera", "access token made", "vera") in office.trail()


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\u202eb"])
def test_a_token_needs_a_visible_name(office, name):
    viewer = office.enter("vera")

    assert make(viewer, name).status_code == 422
    assert "There are no access tokens." in words(viewer.get(TOKENS))


def test_two_tokens_of_a_person_have_different_names(office):
    viewer = office.enter("vera")
    make(viewer)

    answer = make(viewer)

    assert answer.status_code == 422
    assert "There is an access token “Library website” already." in words(answer)


def test_a_session_alone_makes_no_token(office):
    viewer = office.enter("vera")

    answer = make(viewer, password="wrong")

    assert (answer.status_code, "Wrong current password." in words(answer)) == (422, True)
    assert "There are no access tokens." in words(viewer.get(TOKENS))


def test_guessing_the_password_there_is_limited(office):
    viewer = office.enter("vera")

    assert [make(viewer, password="wrong").status_code for _ in range(11)] == [422] * 10 + [429]


def test_a_person_revokes_a_token_after_a_question_that_names_it(office):
    viewer = office.enter("vera")
    token = shown_token(make(viewer))
    address = re.search(r'href="(/account/tokens/\d+/revoke)"', viewer.get(TOKENS).text)[1]

    question = words(viewer.get(address))
    assert status(office, token) == 200
    answer = viewer.post(address, follow_redirects=True)

    assert "Revoke Library website ?" in question
    assert "Access token Library website is revoked." in words(answer)
    assert status(office, token) == 401
    assert ("vera", "access token revoked", "vera") in office.trail()
    assert viewer.post(address).status_code == 404


def test_nobody_revokes_a_token_of_another_person_on_the_own_page(office):
    token = shown_token(make(office.enter("vera")))

    assert office.enter("ada").post("/account/tokens/1/revoke").status_code == 404
    assert status(office, token) == 200


def test_admins_see_and_revoke_the_tokens_of_a_person(office):
    token = shown_token(make(office.enter("vera")))
    admin = office.enter("ada")

    address = re.search(r'href="(/users/\d+/tokens/)"', admin.get("/users/").text)[1]
    page = admin.get(address)
    assert "Access tokens of vera" in words(page)
    assert "Library website" in words(page)
    admin.post(re.search(r'href="(/users/\d+/tokens/\d+/revoke)"', page.text)[1])

    assert status(office, token) == 401
    assert ("ada", "access token revoked", "vera") in office.trail()


def test_viewers_do_not_see_the_tokens_of_others(office):
    make(office.enter("ada"))

    assert office.enter("vera").get("/users/2/tokens/").status_code == 403


def test_behind_a_proxy_a_token_needs_no_password_and_no_header_of_the_proxy(app):
    app.config.update(AUTH="proxy", AUTH_DEFAULT_ROLE="viewer", WTF_CSRF_ENABLED=False)
    app.config["TRUSTED_PROXIES"] = app.config["METRICS_NETWORKS"]  # those of this machine
    browser = Office(app).browser()

    page = browser.post(TOKENS, data={"name": "script"}, headers={"X-Remote-User": "Paula"})

    bearer = {"Authorization": f"Bearer {shown_token(page)}"}
    assert browser.get("/api/items", headers=bearer).status_code == 200
    assert browser.get("/api/items", headers={"X-Remote-User": "Paula"}).status_code == 401
