"""Many sign-ins at the same moment: no guess passes the limit, and no other request waits for a thread."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from argon2.exceptions import VerifyMismatchError

from connector.accounts import passwords
from connector.server import WEB_THREADS
from tests.waiting import until
from tests.web_server import serve

from .conftest import OTHER, PASSWORD, QUICK, sign_in

GUESSES = 60


@pytest.fixture
def server_url(office):
    """Return the address of the app on the server that the product uses."""
    with serve(office.app, WEB_THREADS) as url:
        yield url


class BlockedHasher:
    """A hasher whose checks wait until they are released. `waiting` counts the checks that have begun."""

    def __init__(self):
        self.released, self.waiting = threading.Event(), threading.Semaphore(0)

    def __getattr__(self, name):
        return getattr(QUICK, name)

    def verify(self, stored, password):
        self.waiting.release()
        assert self.released.wait(30)
        raise VerifyMismatchError


def test_parallel_guesses_are_limited(office, server_url):
    office.add("Anna")
    ready = threading.Barrier(GUESSES)

    def guess(number: int) -> int:
        ready.wait(30)
        typed = {"name": "Anna", "password": f"{OTHER} {number}"}
        return requests.post(f"{server_url}/sign-in", data=typed, timeout=60).status_code

    with ThreadPoolExecutor(GUESSES) as pool:
        statuses = Counter(pool.map(guess, range(GUESSES)))

    assert 1 <= statuses[422] <= 10
    assert set(statuses) <= {422, 429, 503}


def test_password_checks_beyond_a_short_queue_are_refused_and_pages_still_work(office, server_url, monkeypatch):
    office.add("Anna")
    hasher = BlockedHasher()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    room = passwords.AT_ONCE + passwords.WAITING

    def guess(number: int) -> int:
        return sign_in(office.browser(REMOTE_ADDR=f"192.0.2.{number}"), "Anna", OTHER).status_code

    with ThreadPoolExecutor(room) as pool:
        waiting = [pool.submit(guess, number) for number in range(room)]
        until(lambda: passwords._queue._value == 0)
        refused = requests.post(f"{server_url}/sign-in", data={"name": "Bert", "password": OTHER}, timeout=30)
        page = requests.get(f"{server_url}/sign-in", timeout=30)
        hasher.released.set()
        answers = [guess.result(30) for guess in waiting]

    assert (refused.status_code, page.status_code) == (503, 200)
    assert "Wait a few seconds, then try again." in refused.text
    assert answers == [422] * room


def test_a_refusal_because_of_a_full_queue_is_no_failed_sign_in(office, monkeypatch):
    office.add("Anna")
    browser = office.browser()
    with monkeypatch.context() as full:
        full.setattr(passwords, "_queue", threading.BoundedSemaphore(1))
        assert passwords._queue.acquire(blocking=False)
        refused = [sign_in(browser, "Anna").status_code for _ in range(12)]

    assert refused == [503] * 12
    assert sign_in(browser, "Anna", PASSWORD).status_code == 303
