"""Which redirects are followed. An error behind a redirect does not count as an answer of the repository."""

from __future__ import annotations

import ipaddress

import pytest
import responses

from connector.errors import BadResponseError, RestrictedError
from connector.http import HttpClient, HttpSettings
from connector.http.addresses import AddressRule
from connector.http.concurrency import ConcurrencyLimit
from connector.http.redirects import check_same_request

URL = "https://dspace.example.org/server/api/core/items"


@pytest.fixture
def http(tmp_path):
    rule = AddressRule((ipaddress.ip_network("127.0.0.0/8"),))
    opened = HttpClient(HttpSettings(user_agent="test", rule=rule), ConcurrencyLimit(tmp_path, "repository"))
    yield opened
    opened.close()


@pytest.fixture
def remote():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def test_a_redirect_to_the_same_path_with_a_slash_is_followed(http, remote):
    remote.get(URL, status=301, headers={"Location": f"{URL}/?page=1"})
    remote.get(f"{URL}/", json=[1])

    assert http.get_json(URL, {"page": 1}) == [1]


@pytest.mark.parametrize(
    "target",
    ["/login?page=1", URL, f"{URL}?page=2", f"{URL}?page=1&scope=", "https://new.example.org/rest/items?page=1"],
)
def test_a_redirect_to_another_query_is_not_accepted(http, remote, target):
    remote.get(URL, status=302, headers={"Location": target})

    with pytest.raises(BadResponseError, match="is redirected to"):
        http.get_json(URL, {"page": 1}, tries=1)

    assert http.requests_made == 1


def test_a_redirect_to_another_host_is_refused_with_advice(http, remote):
    remote.get(URL, status=302, headers={"Location": "https://me:pw@new.example.org/rest/items"})

    with pytest.raises(
        BadResponseError, match=r"to https://new\.example\.org/rest/items, .* connect its new address\.$"
    ):
        http.get_json(URL, tries=1)


def test_a_redirect_without_a_usable_address_is_not_accepted(http, remote):
    remote.get(URL, status=302, headers={"Location": "https://dspace.example.org:99999/rest/items"})

    with pytest.raises(BadResponseError, match="not an address"):
        http.get_json(URL, tries=1)


def test_other_spellings_of_the_same_request_are_followed():
    asked = "https://dspace.example.org/rest/th%C3%A8ses?a=b%20c&d="

    check_same_request(asked, "https://DSPACE.example.org:443/rest/thèses/?a=b+c&d")


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("https://store.example.org/file", 404, "where nothing is"),
        ("https://store.example.org/file", 403, "which does not give it"),
        ("https://dspace.example.org/missing", 410, "where nothing is"),
    ],
)
def test_an_error_of_the_redirect_target_of_a_file_is_not_blamed_on_the_repository(http, remote, target, status, said):
    remote.get(URL, status=302, headers={"Location": target})
    remote.get(target, status=status)

    for ask in (http.peek, lambda url: http.download(url, bytes)):
        with pytest.raises(BadResponseError, match=said):
            ask(URL)


def test_a_file_is_closed_where_a_redirect_to_a_page_of_its_host_is_refused(http, remote):
    remote.get(URL, status=302, headers={"Location": "/login"})
    remote.get("https://dspace.example.org/login", status=401)

    with pytest.raises(RestrictedError):
        http.peek(URL)


def test_a_file_is_not_open_where_its_address_redirects_to_a_login_page(http, remote):
    remote.get(URL, status=302, headers={"Location": "https://login.example.org/idp"})
    remote.get("https://login.example.org/idp", body="<html>Sign in</html>", content_type="text/html;charset=utf-8")

    with pytest.raises(BadResponseError, match=r"to https://login\.example\.org/idp, which is a web page"):
        http.peek(URL)


@pytest.mark.parametrize(("target", "status"), [(f"{URL}/", 200), ("https://store.example.org/page.html", 206)])
def test_a_file_that_is_a_web_page_is_open_also_where_its_address_redirects(http, remote, target, status):
    remote.get(URL, status=302, headers={"Location": target})
    remote.get(target, status=status, body="<html>", content_type="text/html")

    http.peek(URL)


def test_the_first_byte_of_a_redirected_file_is_all_that_is_asked_for(http, remote):
    store = "https://store.example.org/file"
    remote.get(URL, status=302, headers={"Location": store})
    remote.get(store, status=206, body=b"x")

    http.peek(URL)

    assert [call.request.headers["Range"] for call in remote.calls] == ["bytes=0-0"] * 2
