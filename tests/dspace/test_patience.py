"""How long a repository is waited for, and what is said meanwhile."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from connector.dspace.patience import Patience
from connector.errors import RepositoryDown, Stopped, Transient

from .waiting import Clock, patience


def test_patience_waits_longer_each_time_and_is_renewed_by_a_good_answer():
    waiting, clock = patience()

    for _ in range(3):
        waiting.wait("page", Transient("no"))
    waiting.good("page")
    waiting.wait("page", Transient("no"))

    assert clock.waits == [5, 10, 20, 5]


def test_jobs_that_wait_for_the_same_outage_do_not_come_back_at_once():
    waits = []
    for _ in range(20):
        clock = Clock()
        waiting = Patience(1000, clock, clock=lambda clock=clock: clock.now)
        waiting.wait("page", Transient("no"))
        waiting.wait("page", Transient("busy", retry_after=60))
        waits.append(clock.waits)

    for planned, taken in ((5, [first for first, _ in waits]), (60, [second for _, second in waits])):
        assert all(planned <= seconds <= planned * 1.25 for seconds in taken)
        assert len(set(taken)) > 10


def test_patience_waits_as_long_as_the_server_asks():
    waiting, clock = patience(seconds=100)

    waiting.wait("page", Transient("busy", retry_after=60))
    waiting.wait("page", Transient("busy", retry_after=40))

    assert clock.waits == [60, 40]
    with pytest.raises(RepositoryDown):
        waiting.wait("page", Transient("busy"))


def test_a_server_that_wants_more_time_than_there_is_patience_is_not_asked_earlier():
    waiting, clock = patience(seconds=100)

    with pytest.raises(RepositoryDown, match=r"not to be asked again for 24 hours: longer than we wait\. busy"):
        waiting.wait("page", Transient("busy", retry_after=86_400))

    assert clock.waits == []


def test_patience_waits_no_longer_than_it_lasts():
    waiting, clock = patience(seconds=12)

    for _ in range(2):
        waiting.wait("page", Transient("busy"))

    assert clock.waits == [5, 7]


def test_patience_is_timed_for_each_kind_of_request_apart():
    waiting, clock = patience(seconds=100)
    waiting.wait("page", Transient("no"))
    clock.now = 100
    waiting.good("file")

    with pytest.raises(RepositoryDown):
        waiting.wait("page", Transient("no"))
    waiting.wait("file", Transient("no"))


def test_hours_in_which_nothing_was_asked_are_not_hours_without_an_answer():
    waiting, clock = patience(seconds=100)
    waiting.good("page")
    clock.now = 10_000

    waiting.wait("page", Transient("no"))

    clock.now = 10_100
    with pytest.raises(RepositoryDown):
        waiting.wait("page", Transient("no"))


def test_a_stop_ends_the_wait_of_patience():
    waiting, clock = patience()
    clock.set()

    with pytest.raises(Stopped):
        waiting.wait("page", Transient("no"))


@pytest.fixture
def in_new_york(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def told(*times: datetime, seconds: float = 10**6, zone: tzinfo | None = None) -> tuple[Patience, list[str]]:
    """Patience with the times that its clock shows one after the other, and what it says."""
    said: list[str] = []
    clock, shown = Clock(), iter(times)
    return Patience(
        seconds, clock, said.append, lambda: clock.now, now=lambda: next(shown), zone=zone, spread=lambda: 1.0
    ), said


def test_patience_says_since_when_it_waits_and_why(in_new_york):
    began = datetime(2026, 1, 5, 19, 5)
    waiting, said = told(began, began, began + timedelta(minutes=20), began + timedelta(minutes=20))

    for _ in range(2):
        waiting.wait("page", Transient("example.org is busy."))

    assert said == [
        "Waiting for the repository since 14:05: example.org is busy. Trying again in 5 seconds.",
        "Waiting for the repository since 14:05: example.org is busy. Trying again in 10 seconds.",
    ]


def test_the_zone_that_is_set_goes_before_that_of_the_system(in_new_york):
    began = datetime(2026, 1, 5, 19, 5)
    waiting, said = told(began, began, zone=ZoneInfo("Asia/Tokyo"))

    waiting.wait("page", Transient("example.org is busy."))

    assert said[0].startswith("Waiting for the repository since 04:05: ")


def test_a_wait_since_another_day_of_this_server_names_the_day(in_new_york):
    began = datetime(2026, 1, 5, 4, 30)
    waiting, said = told(began, datetime(2026, 1, 5, 5, 1))

    waiting.wait("page", Transient("example.org is busy.", retry_after=86_400))

    assert said == ["Waiting for the repository since 2026-01-04 23:30: example.org is busy. Trying again in 24 hours."]


def test_since_is_the_first_failure_until_a_good_answer_of_that_kind():
    first, later = datetime(2026, 1, 5), datetime(2026, 1, 6)
    waiting, _ = told(first, first, later, later)
    before = waiting.since

    waiting.wait("page", Transient("no"))
    waiting.wait("file", Transient("no"))
    both = waiting.since
    waiting.good("page")
    one = waiting.since
    waiting.good("file")

    assert (before, both, one, waiting.since) == (None, first, later, None)


def test_what_it_says_ends_with_the_last_kind_of_request_that_waits():
    waiting, said = told(*[datetime(2026, 1, 5)] * 4)
    waiting.good("page")
    waiting.wait("page", Transient("no"))
    waiting.wait("file", Transient("no"))

    waiting.good("page")
    before_the_last = list(said)
    waiting.good("file")
    waiting.good("file")

    assert "" not in before_the_last
    assert said == [*before_the_last, ""]
