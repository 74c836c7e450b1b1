"""Login at the source: each generation through real HTTP, what lapses, and what is never shown."""

from __future__ import annotations

import ipaddress
import logging

import pytest

from connector.dspace.login import MOST_RENEWALS, Account, Login
from connector.dspace.records import Server
from connector.errors import BadAnswer, LoginRefused, ServerTrouble
from connector.http import AddressRule, Http, HttpSettings, Pace

from .fake_hal import Hurried
from .fake_login import NAME, PASSWORD, FakeLogin


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
    door = Http(HttpSettings("DSpaceConnector/test", rule), Pace(tmp_path, "fake", 1), Hurried())
    yield door
    door.close()


@pytest.fixture(params=[5, 6, 7, 8, 9, 10])
def fake(request):
    with FakeLogin(request.param) as running:
        yield running


@pytest.fixture
def modern():
    with FakeLogin(9) as running:
        yield running


def login_at(fake, http, clock, password=PASSWORD) -> Login:
    server = Server(fake.url, fake.url, fake.generation, f"{fake.generation}.0", None, None)
    return Login(http, server, Account(NAME, password), clock)


def items(fake, http) -> list[str]:
    return http.get_json(f"{fake.url}/items")


def test_who_is_signed_in_sees_what_is_closed(fake, http, clock):
    assert items(fake, http) == ["open"]

    login_at(fake, http, clock).enter()

    assert items(fake, http) == ["open", "closed"]
    assert fake.logins == 1


def test_the_password_travels_only_after_a_get_that_may_have_led_to_https(fake, http, clock):
    login_at(fake, http, clock).enter()

    methods = [method for method, *_ in fake.sent]

    assert methods.index("POST") > methods.index("GET") == 0


def test_a_wrong_password_is_a_sentence_and_is_tried_once(fake, http, clock):
    with pytest.raises(LoginRefused, match=r"^The repository does not accept this name and password\.$"):
        login_at(fake, http, clock, "wrong").enter()

    assert [method for method, *_ in fake.sent].count("POST") == 1
    assert items(fake, http) == ["open"]


def test_a_login_that_lapsed_is_noticed_and_renewed(fake, http, clock):
    login = login_at(fake, http, clock)
    login.enter()
    assert login.check() is True
    fake.lapse()
    assert items(fake, http) == ["open"]

    assert login.check() is False

    assert items(fake, http) == ["open", "closed"]
    assert login.check() is True
    assert fake.logins == 2


def test_a_login_that_lapses_again_and_again_is_given_up(fake, http, clock):
    login = login_at(fake, http, clock)
    login.enter()
    for _ in range(MOST_RENEWALS):
        fake.lapse()
        assert login.check() is False
    fake.lapse()

    clock.now = 3599

    with pytest.raises(LoginRefused, match="has ended our login 4 times within an hour"):
        login.check()
    assert fake.logins == 1 + MOST_RENEWALS


def test_a_login_that_lapses_now_and_then_is_renewed_for_as_long_as_the_job_lasts(fake, http, clock):
    login = login_at(fake, http, clock)
    login.enter()
    for hour in range(3 * MOST_RENEWALS):
        clock.now = hour * 1300.0
        fake.lapse()
        assert login.check() is False

    assert fake.logins == 1 + 3 * MOST_RENEWALS


def test_a_login_that_is_accepted_and_does_not_hold_is_refused(fake, http, clock):
    fake.lapses_at_once = True

    with pytest.raises(LoginRefused, match="does not sign us in"):
        login_at(fake, http, clock).enter()

    assert fake.logins == 1


def test_a_jwt_is_exchanged_five_minutes_before_its_end_without_the_password(modern, http, clock):
    login_at(modern, http, clock).enter()
    clock.now = 1495
    assert items(modern, http) == ["open", "closed"]
    assert modern.refreshes == 0

    clock.now = 1501
    assert items(modern, http) == ["open", "closed"]

    assert (modern.logins, modern.refreshes) == (1, 1)
    clock.now = 3100
    assert items(modern, http) == ["open", "closed"]
    assert (modern.logins, modern.refreshes) == (1, 2)


def test_a_jwt_of_a_short_life_is_exchanged_at_its_half(modern, http, clock):
    modern.life = 60
    login_at(modern, http, clock).enter()
    clock.now = 31

    items(modern, http)

    assert modern.refreshes == 1


def test_a_refused_exchange_does_not_pass_for_a_closed_item_and_is_not_repeated(modern, http, clock):
    login = login_at(modern, http, clock)
    login.enter()
    modern.lapse()
    clock.now = 1600

    assert items(modern, http) == ["open"]
    assert items(modern, http) == ["open"]

    assert [method for method, *_ in modern.sent].count("POST") == 2
    assert login.check() is False
    assert items(modern, http) == ["open", "closed"]


def test_trouble_in_an_exchange_is_told_and_the_exchange_tried_again(modern, http, clock, monkeypatch):
    login = login_at(modern, http, clock)
    login.enter()
    clock.now = 1600
    trouble = ServerTrouble("The server has a bad hour.")

    def fails(*_, **__):
        raise trouble

    with monkeypatch.context() as bad_hour:
        bad_hour.setattr(http, "post", fails)
        with pytest.raises(ServerTrouble):
            items(modern, http)

    assert items(modern, http) == ["open", "closed"]
    assert modern.refreshes == 1


def test_a_token_that_is_a_web_page_is_a_bad_answer(http, clock, monkeypatch):
    with FakeLogin(5) as fake:
        monkeypatch.setattr(fake, "new_key", lambda: "<html>\nWelcome</html>")
        with pytest.raises(BadAnswer, match="gives no token"):
            login_at(fake, http, clock).enter()


def test_a_jwt_whose_end_cannot_be_read_is_a_bad_answer(modern, http, clock, monkeypatch):
    monkeypatch.setattr(modern, "new_key", lambda: "Bearer nonsense")

    with pytest.raises(BadAnswer, match="end cannot be read"):
        login_at(modern, http, clock).enter()


def test_dspace_4_has_no_login(http, clock):
    server = Server("http://x", "http://x/rest", 4, "4.9", None, None)

    with pytest.raises(LoginRefused, match=r"^DSpace 4\.9 has no login"):
        Login(http, server, Account(NAME, PASSWORD), clock)


def test_another_place_never_sees_the_token(fake, http, clock):
    login_at(fake, http, clock).enter()
    with FakeLogin(fake.generation) as elsewhere:
        items(elsewhere, http)

        (sent,) = elsewhere.sent

    assert "rest-dspace-token" not in sent[2]
    assert "Authorization" not in sent[2]


def test_the_password_is_in_no_log_error_or_repr(fake, http, clock, caplog):
    caplog.set_level(logging.DEBUG)
    login = login_at(fake, http, clock)
    login.enter()
    refused = login_at(fake, http, clock, "another canary")
    with pytest.raises(LoginRefused) as caught:
        refused.enter()

    told = caplog.text + repr(login) + repr(Account(NAME, PASSWORD)) + repr(caught.value) + str(caught.value.__cause__)

    assert "canary" not in told
