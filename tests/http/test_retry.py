"""How long requests are repeated, when that ends, and which waits are shown."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from connector.errors import (
    BotChallengeError,
    JobStoppedError,
    NotFoundError,
    OutageLimitError,
    RequestTimeoutError,
    ServerError,
    TransientError,
)
from connector.http import OutageWait, Wait
from tests.dspace.waiting import Clock

BEGAN = datetime(2026, 1, 5, 19, 5)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def new_outage(clock):
    """An OutageWait by the clock, whose waits are as long as planned."""

    def new_outage(seconds: float = 1000, zone: str = "UTC", **options) -> OutageWait:
        options = {"spread": lambda: 1.0} | options
        return OutageWait(
            seconds,
            clock,
            clock=lambda: clock.now,
            now=lambda: BEGAN + timedelta(seconds=clock.now),
            zone=ZoneInfo(zone),
            **options,
        )

    return new_outage


def failing(clock: Clock, seconds: float = 0.0, error: TransientError | None = None):
    """A request that fails after this many seconds."""

    def fail():
        clock.now += seconds
        raise error or TransientError("no")

    return fail


def fail_once(outage: OutageWait, kind: str, call) -> None:
    with pytest.raises(TransientError):
        outage.attempt(kind, call)


# Waits between the tries


def test_waits_grow_and_begin_again_after_a_good_answer(new_outage, clock):
    outage = new_outage()

    for _ in range(3):
        outage.wait("page", TransientError("no"))
    outage.record_success("page")
    outage.wait("page", TransientError("no"))

    assert clock.waits == [5, 10, 20, 5]


def test_jobs_that_wait_for_the_same_outage_do_not_come_back_at_once():
    waits = []
    for _ in range(20):
        clock = Clock()
        outage = OutageWait(1000, clock, clock=lambda clock=clock: clock.now)
        outage.wait("page", TransientError("no"))
        outage.wait("page", TransientError("busy", retry_after=60))
        waits.append(clock.waits)

    for planned, taken in ((5, [first for first, _ in waits]), (60, [second for _, second in waits])):
        assert all(planned <= seconds <= planned * 1.25 for seconds in taken)
        assert len(set(taken)) > 10


def test_a_wait_leaves_time_for_the_try_that_follows(new_outage, clock):
    outage = new_outage(seconds=12)

    with pytest.raises(OutageLimitError):
        outage.retry_until_available("page", failing(clock))

    assert clock.waits[0] == 5
    assert clock.waits[1] == pytest.approx(7 * 2 / 3)
    assert 11 < sum(clock.waits) < 12


def test_a_stop_ends_a_wait(new_outage, clock):
    clock.set()

    with pytest.raises(JobStoppedError):
        new_outage().wait("page", TransientError("no"))


# The clock of the maximum outage


def test_kinds_of_requests_are_timed_apart(new_outage, clock):
    outage = new_outage(seconds=100)
    fail_once(outage, "page", failing(clock))
    clock.now = 100
    outage.attempt("file", lambda: None)

    with pytest.raises(OutageLimitError):
        outage.attempt("page", lambda: None)
    fail_once(outage, "file", failing(clock))


def test_time_without_requests_does_not_count_as_outage(new_outage, clock):
    outage = new_outage(seconds=100)
    outage.attempt("page", lambda: None)
    clock.now = 10_000

    outage.wait("page", TransientError("no"))
    clock.now = 10_100

    with pytest.raises(OutageLimitError):
        outage.wait("page", TransientError("no"))


def test_time_in_which_a_request_hung_counts(new_outage, clock):
    outage = new_outage(seconds=100)
    clock.now = 10_000

    with pytest.raises(OutageLimitError):
        outage.retry_until_available("page", failing(clock, seconds=60))

    assert clock.now <= 10_000 + 130  # the second request began within the maximum outage


def test_hangs_and_repeats_in_all_layers_take_no_longer_together_than_the_maximum_outage(new_outage, clock):
    """A request that hangs for as long as it may, repeated by the layers above."""
    outage = new_outage(seconds=60)

    def hang():
        with outage.request() as request:
            clock.now += request.seconds
            raise RequestTimeoutError("no")

    with pytest.raises(OutageLimitError):
        outage.retry_until_available("page", lambda: outage.repeat(hang, 4))

    assert clock.now <= 60


def test_one_request_that_hangs_leaves_time_for_others(new_outage, clock):
    outage = new_outage(seconds=60)

    def hang():
        with outage.request() as request:
            clock.now += request.seconds
            raise RequestTimeoutError("no")

    fail_once(outage, "item", hang)

    assert outage.attempt("item", lambda: "another item") == "another item"


def test_a_control_gets_its_time_although_the_maximum_outage_has_passed(new_outage, clock):
    outage, allowed = new_outage(seconds=60), []
    fail_once(outage, "file", failing(clock, seconds=60))

    def control():
        with outage.request() as request:
            allowed.append(request.seconds)

    assert outage.is_well("file", control)
    assert allowed == [20]


def test_a_good_control_response_does_not_end_an_outage_of_the_kind(new_outage, clock):
    outage = new_outage(seconds=60)
    fail_once(outage, "page", failing(clock))
    clock.now = 61

    assert outage.is_well("page", lambda: None)

    with pytest.raises(OutageLimitError):
        outage.wait("page", TransientError("no"))


def test_good_requests_inside_an_attempt_that_fails_are_no_good_answers(new_outage, clock):
    """The metadata of each item come, and its files never do."""
    outage = new_outage(seconds=60)

    def read():
        outage.repeat(lambda: "metadata", 4)
        raise ServerError("no files")

    with pytest.raises(OutageLimitError):
        outage.retry_until_available("item", read)

    assert clock.now <= 60


def test_a_refusal_is_a_good_answer(new_outage, clock):
    outage = new_outage(seconds=60)
    fail_once(outage, "item", failing(clock))
    clock.now = 50

    with pytest.raises(NotFoundError):
        outage.attempt("item", failing(clock, error=NotFoundError("gone")))

    clock.now = 70
    fail_once(outage, "item", failing(clock))
    assert outage.attempt("item", lambda: "there") == "there"


def test_a_file_that_breaks_off_after_hours_has_the_whole_maximum_outage_left(new_outage, clock):
    outage = new_outage(seconds=60)

    def break_off():
        with outage.request() as request:
            clock.now += 7200
            outage.record_data(request, 10_000)
            raise TransientError("broke off")

    fail_once(outage, "file", break_off)

    assert outage.attempt("file", lambda: "again") == "again"


def test_errors_of_an_object_are_raised_without_a_wait_for_the_repository(new_outage, clock):
    outage = new_outage(seconds=60)

    with pytest.raises(ServerError):
        outage.retry_until_available(
            "file", failing(clock, error=ServerError("this file")), is_of_object=lambda error: True
        )

    assert clock.waits == []
    clock.now = 61
    assert outage.attempt("file", lambda: "another") == "another"


def fail_as_an_object(outage: OutageWait, call) -> None:
    with pytest.raises(TransientError):
        outage.retry_until_available("file", call, is_of_object=lambda error: True)


def test_objects_without_response_together_take_at_most_the_maximum_outage(new_outage, clock):
    outage = new_outage(seconds=600)

    for _ in range(6):
        fail_as_an_object(outage, failing(clock, 100, RequestTimeoutError("no answer")))
        clock.now += 5000  # in which nobody asks for a file

    with pytest.raises(OutageLimitError, match="no answer"):
        outage.attempt("file", lambda: "another")


@pytest.mark.parametrize("between", ["a good answer", "errors that came at once"])
def test_objects_that_never_answer_count_from_the_last_good_answer(new_outage, clock, between):
    outage = new_outage(seconds=600)

    for _ in range(20):
        if between == "a good answer":
            fail_as_an_object(outage, failing(clock, 100, RequestTimeoutError("no answer")))
            outage.attempt("file", lambda: "a file")
        else:
            fail_as_an_object(outage, failing(clock, 100, ServerError("this file")))

    assert outage.attempt("file", lambda: "another") == "another"


def test_a_try_that_was_begun_elsewhere_counts_as_the_first(new_outage, clock):
    results = iter(["second"])

    def call():
        return next(results)

    assert new_outage().retry_until_available("file", call, first=failing(clock)) == "second"
    assert clock.waits == [5]


def test_errors_that_are_no_outage_are_raised(new_outage, clock):
    with pytest.raises(ServerError):
        new_outage().retry_until_available("item", failing(clock, error=ServerError("no")), on=BotChallengeError)


def test_with_a_maximum_outage_of_0_nothing_is_repeated_and_requests_take_as_long_as_ever(new_outage, clock):
    outage = new_outage(seconds=0)

    with outage.request() as request:
        assert request.seconds == float("inf")
    with pytest.raises(OutageLimitError):
        outage.retry_until_available("page", failing(clock))

    assert clock.waits == []


# What the server asks for


def test_a_wait_is_as_long_as_the_server_asks(new_outage, clock):
    outage = new_outage(seconds=100)

    outage.wait("page", TransientError("busy", retry_after=60))
    outage.wait("page", TransientError("busy", retry_after=40))

    assert clock.waits == [60, 40]
    with pytest.raises(OutageLimitError):
        outage.wait("page", TransientError("busy"))


WAITS = [
    lambda outage, error: outage.wait("page", error),
    lambda outage, error: outage.attempt("page", lambda: outage.repeat(failing(Clock(), error=error), 4)),
]


@pytest.mark.parametrize("ask", WAITS)
@pytest.mark.parametrize(("seconds", "when"), [(3600, "15:05"), (86_400, "2026-01-06 14:05"), (10**9, "2057-09-13")])
def test_a_server_that_asks_for_more_than_the_maximum_outage_is_not_asked_earlier(
    new_outage, clock, ask, seconds, when
):
    outage = new_outage(seconds=100, zone="America/New_York")

    with pytest.raises(OutageLimitError, match=f"asks to wait until {when}.*Resume the job after that. busy"):
        ask(outage, TransientError("busy", retry_after=seconds))

    assert clock.waits == []


def test_a_long_retry_after_is_raised_at_once_on_request(new_outage, clock):
    outage = new_outage()
    ask = partial(outage.repeat, failing(clock, error=ServerError("busy", retry_after=61)), 4)

    with pytest.raises(ServerError):
        outage.attempt("file", ask, defers=True)
    assert clock.waits == []

    with pytest.raises(ServerError):
        outage.attempt("page", ask)
    assert clock.waits == [61, 61, 61]


def test_a_request_by_itself_that_is_to_wait_too_long_is_given_up(new_outage, clock):
    with pytest.raises(ServerError):
        new_outage(seconds=20).repeat(failing(clock, error=ServerError("busy", retry_after=21)), 4)

    assert clock.waits == []


# What is shown


def test_waits_are_shown_with_reason_start_and_end(new_outage, clock):
    shown: list[Wait | None] = []
    outage = new_outage(pause=lambda seconds: shown.append(outage.wait_now) or clock.wait(seconds))

    for _ in range(2):
        outage.wait("page", TransientError("example.org is busy."))

    assert shown == [
        Wait("page", BEGAN, "example.org is busy. The app waits 5 seconds between attempts."),
        Wait("page", BEGAN, "example.org is busy. The app waits 10 seconds between attempts."),
    ]


def test_a_wait_of_a_minute_or_more_is_shown_as_the_time_of_the_next_attempt(new_outage, clock):
    shown: list[str] = []
    outage = new_outage(4000, "Europe/Berlin", pause=lambda seconds: shown.append(outage.wait_now.detail))

    outage.wait("page", ServerError("example.org asks for fewer requests.", retry_after=1500))

    assert shown == ["example.org asks for fewer requests. The app will try again at 20:30."]


def test_short_waits_are_not_shown(new_outage, clock):
    shown = []
    outage = new_outage(pause=lambda seconds: shown.append(outage.wait_now))

    with pytest.raises(TransientError):
        outage.repeat(failing(clock), 2)

    assert shown == [None]


@pytest.mark.parametrize("kind", ["page", "file"])
def test_a_request_without_an_answer_is_shown_after_some_seconds(new_outage, clock, kind):
    outage, shown = new_outage(), []

    def hang():
        with outage.request():
            clock.now = 4
            shown.append(outage.wait_now)
            clock.now = 6
            shown.append(outage.wait_now)

    outage.attempt(kind, hang)

    assert shown == [None, Wait(kind, BEGAN, "No answer yet to a request.")]
    assert outage.wait_now is None


def test_a_very_slow_download_is_shown_as_a_wait_and_a_normal_one_is_not(new_outage, clock):
    outage, shown = new_outage(), []

    with outage.request("file") as request:
        for seconds in (10, 0.1):
            clock.now += 10
            outage.record_data(request, seconds)
            shown.append(outage.wait_now)

    assert shown == [None, Wait("file", BEGAN + timedelta(seconds=10.1), "No answer yet to a request.")]


def test_a_wait_is_shown_while_the_smaller_requests_of_its_kind_fail_too(new_outage, clock):
    outage, shown = new_outage(), []
    outage.wait("page", TransientError("no"))

    def smaller():
        shown.append(outage.wait_now)
        raise TransientError("no")

    fail_once(outage, "page", smaller)

    assert [wait.since for wait in shown] == [BEGAN]


def test_a_wait_of_one_thread_is_shown_although_another_thread_gets_a_good_response(new_outage, clock):
    shown: list[Wait | None] = []

    def rest(seconds: float) -> bool:
        other = threading.Thread(target=outage.record_success, args=("file",))
        other.start()
        other.join()
        clock.now += 10
        shown.append(outage.wait_now)
        return clock.wait(seconds)

    outage = new_outage(pause=rest)
    outage.wait("file", ServerError("example.org asks for fewer requests.", retry_after=25))

    detail = "example.org asks for fewer requests. The app waits 25 seconds between attempts."
    assert shown == [Wait("file", BEGAN, detail)]
    assert outage.wait_now is None


def test_a_wait_disappears_after_a_good_response_or_without_requests(new_outage, clock):
    outage = new_outage()
    outage.wait("page", TransientError("no"))
    outage.wait("file", TransientError("no"))

    assert outage.wait_now is None
    assert outage.attempt("page", lambda: outage.wait_now) is not None
    assert outage.attempt("page", lambda: outage.wait_now) is None


def test_waits_are_counted_unless_they_are_stopped(new_outage, clock):
    outage = new_outage()
    outage.wait("page", TransientError("no"))
    clock.set()
    with pytest.raises(JobStoppedError):
        outage.wait("page", TransientError("no"))

    assert outage.waited == {"waits": 1, "seconds_waited": 5}


@pytest.mark.parametrize(
    "error",
    [
        TransientError("https://example.org/server/api cannot answer.", "https://example.org/server/api"),
        ServerError("example.org cannot answer.", "https://example.org/server/api", status=503),
    ],
)
def test_waits_name_the_host_and_no_address_or_status(clock, new_outage, error):
    shown = []
    outage = new_outage(pause=lambda seconds: shown.append(outage.wait_now.detail) or clock.wait(seconds))

    with pytest.raises(OutageLimitError, match=r"example\.org cannot answer\.$") as end:
        outage.retry_until_available("page", failing(clock, error=error))

    assert shown[0].startswith("example.org cannot answer. The app waits")
    assert "https" not in "".join([*shown, str(end.value)])
