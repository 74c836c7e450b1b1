"""Changes of an account while its password is checked. The result of the check is then no longer valid."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from flask import g

from connector.accounts import authentication, device_cookies, passwords, sessions, user_management
from connector.errors import InvalidInputError

from .conftest import OTHER, PASSWORD, QUICK, is_signed_in, sign_in


class Slow(PasswordHasher):
    """Something happens, once, before it has hashed or compared."""

    def __init__(self, happens: Callable[[], object], **work: int):
        super().__init__(**({"time_cost": 1, "memory_cost": 64, "parallelism": 1} | work))
        self._happens = happens

    def verify(self, hash, password):
        right = super().verify(hash, password)
        self._now()
        return right

    def _now(self):
        happens, self._happens = self._happens, lambda: None
        happens()


class SlowToHash(Slow):
    """It happens while a hash is made."""

    def verify(self, hash, password):
        return PasswordHasher.verify(self, hash, password)

    def hash(self, password, *, salt=None):
        self._now()
        return super().hash(password)


@pytest.fixture
def during_comparison(monkeypatch):
    """Let something happen while the next password is compared."""
    return lambda happens: monkeypatch.setattr(passwords, "_hasher", Slow(happens))


def begun(office, account_id: int) -> int:
    """How many sessions this account has."""
    with office.app.app_context():
        return len(sessions.of_account(account_id))


def test_an_old_password_starts_no_session_if_it_is_changed_during_sign_in(office, during_comparison):
    anna = office.add("Anna")
    browser = office.browser()
    during_comparison(lambda: user_management.change_password(anna, PASSWORD, OTHER))

    answer = sign_in(browser, "Anna", PASSWORD)

    assert answer.status_code == 422
    assert "Wrong name or password" in answer.text
    assert (is_signed_in(browser), begun(office, anna)) == (False, 0)
    assert office.trail()[-1] == ("nobody", "sign-in refused", "Anna")


def test_an_account_disabled_during_sign_in_gets_no_session(office, during_comparison):
    anna = office.add("Anna")
    during_comparison(lambda: user_management.disable(anna))

    assert sign_in(office.browser(), "Anna", PASSWORD).status_code == 422
    assert begun(office, anna) == 0


def test_an_account_disabled_right_after_sign_in_is_refused(office, monkeypatch):
    anna = office.add("Anna")
    load = sessions.load
    monkeypatch.setattr(sessions, "load", lambda *given: user_management.disable(anna) or load(*given))

    assert sign_in(office.browser(), "Anna", PASSWORD).status_code == 422
    assert begun(office, anna) == 0


def test_an_account_disabled_during_sign_in_does_not_reach_the_second_step(office, during_comparison):
    anna = office.add("Anna")
    office.has_two_step(anna)
    browser = office.browser()
    during_comparison(lambda: user_management.disable(anna))

    sign_in(browser, "Anna", PASSWORD)

    assert browser.get("/sign-in/code").status_code == 409


def test_a_password_starts_no_session_if_two_step_sign_in_is_turned_on_during_sign_in(office):
    anna = office.add("Anna")
    with office.app.test_request_context("/sign-in"):
        g.person = None
        mark = device_cookies.password_mark(anna)
        office.has_two_step(anna)

        assert not authentication.enter(anna, mark, by_password_alone=True)

    assert begun(office, anna) == 0


def test_a_password_changed_during_a_rehash_stays_changed(office, monkeypatch):
    anna = office.add("Anna")
    change = lambda: user_management.change_password(anna, PASSWORD, OTHER)  # noqa: E731
    monkeypatch.setattr(passwords, "_hasher", SlowToHash(change, time_cost=2))

    assert sign_in(office.browser(), "Anna", PASSWORD).status_code == 422

    monkeypatch.setattr(passwords, "_hasher", QUICK)
    assert [sign_in(office.browser(), "Anna", tried).status_code for tried in (PASSWORD, OTHER)] == [422, 303]


def test_the_second_of_two_concurrent_password_changes_is_refused(office, during_comparison):
    anna = office.add("Anna")
    third = "nine copper bells under snow"
    during_comparison(lambda: user_management.change_password(anna, PASSWORD, OTHER))

    with office.app.app_context(), pytest.raises(InvalidInputError, match="current password"):
        user_management.change_password(anna, PASSWORD, third)

    assert [sign_in(office.browser(), "Anna", tried).status_code for tried in (third, OTHER)] == [422, 303]
