"""Login at the source on each generation, through real HTTP. It is renewed, and its secrets are never shown."""

from __future__ import annotations

import ipaddress
import logging
from contextlib import closing

import pytest

from connector.dspace.login import MOST_RENEWALS, Login, SourceLogin
from connector.dspace.records import Server
from connector.errors import BadResponseError, LoginFailedError, ServerError
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait
from tests.http.sites import Site, reply
from tests.sample import SampleRepository
from tests.sample.login import NAME

from .fake_hal import Hurried

PASSWORD = "canary & secret"


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def http(tmp_path):
    rule = AddressRule((ipaddress.ip_network("127.0.0.0/8"),))
    client = HttpClient(
        HttpSettings("DSpaceConnector/test", rule), ConcurrencyLimit(tmp_path, "sample", 1), OutageWait(stop=Hurried())
    )
    yield client
    client.close()


@pytest.fixture(params=[5, 6, 7, 9, 10])
def sample(request):
    with running(request.param) as repository:
        yield repository


@pytest.fixture
def dspace9():
    with running(9) as repository:
        yield repository


def running(generation: int) -> SampleRepository:
    repository = SampleRepository(generation)
    repository.logins.password = PASSWORD
    return repository


def login_at(sample, http, clock, password=PASSWORD) -> Login:
    api_url = f"{sample.url}/{'server/api' if sample.generation >= 7 else 'rest'}"
    server = Server(sample.url, api_url, sample.generation, f"{sample.generation}.0", None, None)
    return Login(http, server, SourceLogin(NAME, password), clock)


def is_known(sample, http) -> bool:
    """Return whether the repository treats a request of this client as signed in."""
    status = "server/api/authn/status" if sample.generation >= 7 else "rest/status"
    return http.get_json(f"{sample.url}/{status}")["authenticated"]


def posts(sample) -> int:
    return [method for method, _ in sample.requests].count("POST")


def test_signed_in_readers_see_restricted_items(sample, http, clock):
    assert not is_known(sample, http)

    login_at(sample, http, clock).enter()

    assert is_known(sample, http)
    assert sample.logins.made == 1


def test_the_password_travels_only_after_a_get_that_may_have_led_to_https(sample, http, clock):
    login_at(sample, http, clock).enter()

    methods = [method for method, _ in sample.requests]

    assert methods.index("POST") > methods.index("GET") == 0


def test_a_wrong_password_is_a_sentence_and_is_tried_once(sample, http, clock):
    with pytest.raises(LoginFailedError, match=r"^The repository does not accept this name and password\.$"):
        login_at(sample, http, clock, "wrong").enter()

    assert posts(sample) == 1
    assert not is_known(sample, http)


def test_a_login_that_lapsed_is_noticed_and_renewed(sample, http, clock):
    login = login_at(sample, http, clock)
    login.enter()
    assert login.check() is True
    sample.logins.lapse()
    assert not is_known(sample, http)

    assert login.check() is False

    assert is_known(sample, http)
    assert login.check() is True
    assert sample.logins.made == 2


def test_a_login_that_lapses_again_and_again_is_given_up(sample, http, clock):
    login = login_at(sample, http, clock)
    login.enter()
    for _ in range(MOST_RENEWALS):
        sample.logins.lapse()
        assert login.check() is False
    sample.logins.lapse()

    clock.now = 3599

    with pytest.raises(LoginFailedError, match="has ended our login 4 times within an hour"):
        login.check()
    assert sample.logins.made == 1 + MOST_RENEWALS


def test_a_login_that_lapses_now_and_then_is_renewed_for_as_long_as_the_job_lasts(sample, http, clock):
    login = login_at(sample, http, clock)
    login.enter()
    for hour in range(3 * MOST_RENEWALS):
        clock.now = hour * 1300.0
        sample.logins.lapse()
        assert login.check() is False

    assert sample.logins.made == 1 + 3 * MOST_RENEWALS


def test_a_login_that_is_accepted_and_does_not_hold_is_refused(sample, http, clock):
    sample.logins.lives = [0]

    with pytest.raises(LoginFailedError, match="does not sign us in"):
        login_at(sample, http, clock).enter()

    assert sample.logins.made == 1


def test_a_jwt_is_exchanged_five_minutes_before_its_end_without_the_password(dspace9, http, clock):
    login_at(dspace9, http, clock).enter()
    clock.now = 1495
    assert is_known(dspace9, http)
    assert dspace9.logins.renewed == 0

    clock.now = 1501
    assert is_known(dspace9, http)

    assert (dspace9.logins.made, dspace9.logins.renewed) == (1, 1)
    clock.now = 3100
    assert is_known(dspace9, http)
    assert (dspace9.logins.made, dspace9.logins.renewed) == (1, 2)


def test_a_jwt_of_a_short_life_is_exchanged_at_its_half(dspace9, http, clock):
    dspace9.logins.life = 60
    login_at(dspace9, http, clock).enter()
    clock.now = 31

    assert is_known(dspace9, http)

    assert dspace9.logins.renewed == 1


def test_a_refused_exchange_does_not_pass_for_a_closed_item_and_is_not_repeated(dspace9, http, clock):
    login = login_at(dspace9, http, clock)
    login.enter()
    dspace9.logins.lapse()
    clock.now = 1600

    assert not is_known(dspace9, http)
    assert not is_known(dspace9, http)

    assert posts(dspace9) == 2
    assert login.check() is False
    assert is_known(dspace9, http)


def test_a_failed_login_exchange_is_reported_and_repeated(dspace9, http, clock, monkeypatch):
    login = login_at(dspace9, http, clock)
    login.enter()
    clock.now = 1600
    trouble = ServerError("The server has a bad hour.")

    def fails(*_, **__):
        raise trouble

    with monkeypatch.context() as bad_hour:
        bad_hour.setattr(http, "post", fails)
        with pytest.raises(ServerError):
            is_known(dspace9, http)

    assert is_known(dspace9, http)
    assert dspace9.logins.renewed == 1


def test_a_token_that_is_a_web_page_is_a_bad_answer(http, clock):
    with running(5) as sample, pytest.raises(BadResponseError, match="gives no token"):
        sample.faults.add("/login", body="<html>\nWelcome</html>")
        login_at(sample, http, clock).enter()


def test_a_token_without_readable_expiry_is_a_bad_response(dspace9, http, clock):
    dspace9.faults.add("/login", headers={"Authorization": "Bearer nonsense"})

    with pytest.raises(BadResponseError, match="end cannot be read"):
        login_at(dspace9, http, clock).enter()


def test_dspace_4_has_no_login(http, clock):
    server = Server("http://x", "http://x/rest", 4, "4.9", None, None)

    with pytest.raises(LoginFailedError, match=r"^DSpace 4\.9 has no login"):
        Login(http, server, SourceLogin(NAME, PASSWORD), clock)


def test_another_place_never_sees_the_token(sample, http, clock):
    login_at(sample, http, clock).enter()
    with closing(Site(lambda handler: reply(handler, b"[]"))) as elsewhere:
        http.get_json(elsewhere.url)

    ((_, headers),) = elsewhere.requests
    assert "rest-dspace-token" not in headers
    assert "Authorization" not in headers


def test_the_password_is_in_no_log_error_or_repr(sample, http, clock, caplog):
    caplog.set_level(logging.DEBUG)
    login = login_at(sample, http, clock)
    login.enter()
    refused = login_at(sample, http, clock, "another canary")
    with pytest.raises(LoginFailedError) as caught:
        refused.enter()

    told = (
        caplog.text + repr(login) + repr(SourceLogin(NAME, PASSWORD)) + repr(caught.value) + str(caught.value.__cause__)
    )

    assert "canary" not in told
