"""A signed-in HTTP client: which hosts get the headers of a login, and how a POST is sent."""

import pytest
import responses

from connector.errors import RequestRejectedError, RestrictedError, ServerError
from connector.http import ConcurrencyLimit, HttpClient, HttpSettings
from connector.http.addresses import ANYWHERE

API = "https://dspace.example.org/server/api"
SECRET = {"Authorization": "Bearer canary"}


class Signed:
    """Credentials that count how often they were asked to refresh."""

    asked = 0

    def __init__(self, api_url=API):
        self.api_url = api_url

    def headers(self):
        return SECRET

    def refresh_if_due(self):
        self.asked += 1


@pytest.fixture
def mocked_responses():
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def http(tmp_path):
    client = HttpClient(HttpSettings("DSpaceConnector/test", ANYWHERE), ConcurrencyLimit(tmp_path, "example", 1))
    yield client
    client.close()


def carried(mocked_responses) -> list[bool]:
    return ["Authorization" in call.request.headers for call in mocked_responses.calls]


def test_a_request_to_the_api_carries_the_login_and_asks_first_whether_to_refresh(mocked_responses, http):
    mocked_responses.get(f"{API}/core/items", json=[])
    signed = Signed()
    http.sign_in(signed)

    http.get_json(f"{API}/core/items")

    assert carried(mocked_responses) == [True]
    assert signed.asked == 1


@pytest.mark.parametrize(
    "elsewhere", ["https://other.example.org/x", "https://dspace.example.org:8443/x", "http://dspace.example.org/x"]
)
def test_another_host_port_or_scheme_does_not_see_the_login(mocked_responses, http, elsewhere):
    mocked_responses.get(elsewhere, json=[])
    http.sign_in(Signed())

    http.get_json(elsewhere)

    assert carried(mocked_responses) == [False]


def test_a_redirect_to_another_host_goes_there_without_the_login(mocked_responses, http):
    mocked_responses.get(f"{API}/file", status=302, headers={"Location": "https://store.example.com/file"})
    mocked_responses.get("https://store.example.com/file", json=[])
    http.sign_in(Signed())

    http.get_json_from(f"{API}/file")

    assert carried(mocked_responses) == [True, False]


def test_a_login_given_for_http_follows_its_api_to_https(mocked_responses, http):
    mocked_responses.get("http://dspace.example.org/server/api", status=301, headers={"Location": API})
    mocked_responses.get(API, json={})
    http.get_json("http://dspace.example.org/server/api")
    http.sign_in(Signed("http://dspace.example.org/server/api"))

    http.get_json("http://dspace.example.org/server/api")

    assert carried(mocked_responses) == [False, False, True]


def test_a_post_sends_no_login_and_returns_headers_and_text(mocked_responses, http):
    mocked_responses.post(f"{API}/login", body="token", headers={"X-Told": "yes"})
    http.sign_in(Signed())

    posted = http.post(f"{API}/login", form={"user": "a b"}, headers={})

    assert (posted.text, posted.headers["x-told"]) == ("token", "yes")
    assert mocked_responses.calls[0].request.body == "user=a+b"
    assert carried(mocked_responses) == [False]
    assert "token" not in repr(posted)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, RestrictedError),
        (403, RestrictedError),
        (302, RequestRejectedError),
        (307, RequestRejectedError),
        (503, ServerError),
    ],
)
def test_a_post_that_is_not_accepted_is_an_error_and_is_not_repeated(mocked_responses, http, status, error):
    mocked_responses.post(f"{API}/login", status=status, headers={"Location": "https://evil.example.com/"})

    with pytest.raises(error) as caught:
        http.post(f"{API}/login", form={"password": "canary"}, headers={})

    assert len(mocked_responses.calls) == 1
    assert "canary" not in str(caught.value)
