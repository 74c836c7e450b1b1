"""Items that are read one by one, and whether a failure belongs to the item or to the repository."""

from __future__ import annotations

import pytest

from connector.dspace.item_reader import read_items_individually
from connector.dspace.records import Failure, Item
from connector.errors import (
    LASTING_ERRORS,
    BotChallengeError,
    InvalidAddressError,
    OutageLimitError,
    RequestTimeoutError,
    TransientError,
)

from .waiting import item, outage_wait


def test_an_item_that_fails_alone_is_a_failure_with_its_reason():
    def read(found: Item) -> Item:
        if found.id == "2":
            raise TransientError("it is broken")
        return found

    results = list(read_items_individually(map(item, range(5)), read, outage_wait()[0], lambda: 1))

    assert results == [item(0), item(1), item(3), Failure("2", "123456789/2", "Item 2", "it is broken"), item(4)]


@pytest.mark.parametrize("kind", [*LASTING_ERRORS, InvalidAddressError])
def test_every_error_of_an_item_fails_only_that_item(kind):
    def read(found: Item) -> Item:
        if found.id == "1":
            raise kind("not this one")
        return found

    results = list(read_items_individually(map(item, range(3)), read, outage_wait()[0], lambda: 1))

    assert results == [item(0), item(2), Failure("1", "123456789/1", "Item 1", "not this one")]


def test_three_failures_in_a_row_fail_the_items_while_a_good_item_can_still_be_read():
    waiting, clock = outage_wait()

    def read(found: Item) -> Item:
        if int(found.id) >= 2:
            raise TransientError("it is broken")
        return found

    results = list(read_items_individually(map(item, range(8)), read, waiting, lambda: 1))

    assert sum(isinstance(result, Failure) for result in results) == 6
    assert 5.0 not in clock.waits


@pytest.mark.parametrize("failing", range(1, 25))
def test_items_wait_while_the_repository_fails_and_then_all_come(failing):
    answers = 0

    def read(found: Item) -> Item:
        nonlocal answers
        answers += 1
        if 2 < answers <= 2 + failing:
            raise TransientError("down")
        return found

    results = list(read_items_individually(map(item, range(6)), read, outage_wait()[0], lambda: 1))

    assert sorted(results, key=lambda result: result.id) == [item(number) for number in range(6)]


def test_a_control_request_shows_that_the_first_item_fails_and_not_the_repository():
    def read(found: Item) -> Item:
        raise TransientError("it is broken")

    results = read_items_individually([item(0)], read, outage_wait()[0], lambda: 1, control=lambda: "all is well")

    assert list(results) == [Failure("0", "123456789/0", "Item 0", "it is broken")]


def test_items_that_cannot_be_read_end_the_walk_after_the_maximum_outage():
    def read(found: Item) -> Item:
        raise TransientError("down")

    with pytest.raises(OutageLimitError):
        list(read_items_individually(map(item, range(6)), read, outage_wait(seconds=30)[0], lambda: 1))


def test_an_item_behind_a_protection_against_robots_waits_and_is_never_a_failure():
    walled = 6

    def read(found: Item) -> Item:
        nonlocal walled
        if found.id == "2" and walled:
            walled -= 1
            raise BotChallengeError("A protection against robots answers.")
        return found

    waiting, clock = outage_wait()
    results = list(read_items_individually(map(item, range(5)), read, waiting, lambda: 1))

    assert sorted(results, key=lambda result: result.id) == [item(number) for number in range(5)]
    assert [wait for wait in clock.waits if wait >= 5] == [5, 10, 20, 40, 80]
    assert waiting.attempt("item", lambda: waiting.wait_now) is None


def test_an_item_that_stays_behind_a_protection_against_robots_fails_the_walk():
    def read(found: Item) -> Item:
        if found.id == "2":
            raise BotChallengeError("A protection against robots answers.")
        return found

    with pytest.raises(OutageLimitError, match="A protection against robots answers"):
        list(read_items_individually(map(item, range(5)), read, outage_wait(seconds=60)[0], lambda: 1))


def test_items_that_never_answer_end_the_walk_after_the_maximum_outage_though_the_repository_works():
    waiting, clock = outage_wait(600)
    asked = []

    def read(found: Item) -> Item:
        asked.append(found.id)
        clock.now += 60
        raise RequestTimeoutError("no answer")

    with pytest.raises(OutageLimitError):
        list(read_items_individually(map(item, range(100)), read, waiting, lambda: 1, control=lambda: "all is well"))
    assert len(asked) <= 11


def test_an_item_that_failed_long_ago_is_no_outage():
    waiting, clock = outage_wait(600)

    def read(found: Item) -> Item:
        if found.id == "0":
            raise TransientError("it is broken")
        return found

    list(read_items_individually([item(0)], read, waiting, lambda: 1, control=lambda: "all is well"))
    clock.now += 1000

    assert list(read_items_individually([item(1)], read, waiting, lambda: 1)) == [item(1)]
