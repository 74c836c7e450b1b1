"""Errors of a repository are one plain sentence and what to do next. Addresses and status codes are details."""

from __future__ import annotations

import re

import pytest

from tests.pages import FRAGMENT


def connect(client, sample):
    return client.post("/repositories/", data={"url": sample.url, "endpoint": "rest", "limit": ""})


def error_of(page):
    """Return the sentence at the field of the address, and the technical details below it."""
    sentence = re.search(r"<p class=\"error\" id=\"url-error\">(.*?)</p>", page.text, re.S)
    details = re.search(r'<details class="technical">(.*?)</details>', page.text, re.S)
    return sentence[1], details[1] if details else ""


def test_a_403_names_a_firewall_and_a_login_and_keeps_the_status_in_the_details(client, sample):
    sample.faults.add("/", times=None, status=403)

    sentence, details = error_of(connect(client, sample))

    assert "refuses access." in sentence
    assert "A firewall may block this app, or the repository may need a login." in sentence
    assert "403" not in sentence
    assert sample.url not in sentence
    assert "Status 403" in details
    assert f"{sample.url}/rest/status" in details


def test_a_401_asks_for_a_login(client, sample):
    sample.faults.add("/", times=None, status=401, headers={"WWW-Authenticate": "Basic"})

    sentence, details = error_of(connect(client, sample))

    assert "does not allow access without an account. Ask the administrator of the repository" in sentence
    assert "Status 401" in details


def test_a_cut_answer_is_called_damaged_and_not_a_missing_api(client, sample):
    sample.faults.add("/server/api", times=None, body='{"dspaceName": "Sample", "dspaceVer')

    sentence, details = error_of(connect(client, sample))

    assert "is damaged or incomplete." in sentence
    assert "no DSpace was found" not in sentence
    assert f"{sample.url}/server/api" in details


def test_a_long_wait_that_the_server_asks_for_is_a_time_of_day(client, sample):
    sample.faults.add("/", times=None, status=429, headers={"Retry-After": "3600"})

    sentence, _details = error_of(connect(client, sample))

    assert re.search(r"asks for fewer requests\. Try again at (\d{4}-\d\d-\d\d )?\d\d:\d\d\.", sentence)


def test_a_web_site_without_dspace_has_the_tried_addresses_in_the_details(client, sample):
    sample.faults.add(lambda path: path != "/", times=None, status=404)

    sentence, details = error_of(connect(client, sample))

    assert f"There is a web site at {sample.url}, but no DSpace was found there. Check the address." in sentence
    assert f"{sample.url}/RESTapi" in details


@pytest.mark.parametrize("name", ["collections", "communities"])
def test_a_list_that_fails_shows_the_sentence_and_the_details(client, sample, name):
    connect(client, sample)
    sample.faults.add("/server/api/", times=None, status=403)

    page = client.get(f"/repositories/1/{name}", headers=FRAGMENT)

    assert "A firewall may block this app" in page.text
    assert "Status 403" in re.search(r"<details.*?</details>", page.text, re.S)[0]
