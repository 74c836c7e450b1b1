"""Lists are kept for some minutes, so that a filter does not request them again."""

from __future__ import annotations

import threading

import pytest

from connector.errors import RestrictedError
from connector.web.repositories.listings import Listings


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Remote:
    """Counts how often it is read."""

    def __init__(self):
        self.reads = 0

    def __call__(self):
        self.reads += 1
        return [self.reads]


def test_a_listing_is_read_again_only_when_it_is_old_or_on_request():
    clock, remote = Clock(), Remote()
    listings = Listings(300, clock)

    assert listings.get("a", remote).rows == listings.get("a", remote).rows == [1]
    clock.now = 301.0
    assert listings.get("a", remote).rows == [2]
    assert listings.get("a", remote, reload=True).rows == [3]
    assert listings.get("b", remote).rows == [4]


def test_a_listing_that_failed_is_read_again():
    listings = Listings()

    def fails():
        raise RestrictedError("closed")

    with pytest.raises(RestrictedError):
        listings.get("a", fails)
    assert listings.get("a", Remote()).rows == [1]


def test_a_reload_that_fails_keeps_the_earlier_list_with_its_time_and_the_error():
    listings, error = Listings(), RestrictedError("closed")

    def fails():
        raise error

    first = listings.get("a", Remote())
    kept = listings.get("a", fails, reload=True)
    again = listings.get("a", Remote())

    assert (kept.rows, kept.read_at, kept.error) == (first.rows, first.read_at, error)
    assert (again.rows, again.error) == ([1], None)


def test_a_second_request_waits_for_the_listing_that_is_being_read():
    listings, began, go, found = Listings(), threading.Event(), threading.Event(), []

    def slow():
        began.set()
        assert go.wait(60)
        return ["slow"]

    first = threading.Thread(target=lambda: found.append(listings.get("a", slow).rows))
    second = threading.Thread(target=lambda: found.append(listings.get("a", Remote()).rows))
    first.start()
    assert began.wait(60)
    second.start()
    go.set()
    first.join()
    second.join()

    assert found == [["slow"], ["slow"]]
