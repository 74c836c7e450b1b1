"""Statistics of requests: the counts for the request log of a job, and the time of the server."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
import responses

from connector.errors import (
    BadResponseError,
    BotChallengeError,
    NotFoundError,
    RequestTimeoutError,
    ServerError,
    UnknownHostError,
    UnreachableError,
)
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait, RequestStats

SITE = "https://dspace.example.org"
URL = f"{SITE}/server/api/core/items"
NOON = datetime(2026, 1, 5, 12)


class Waits(threading.Event):
    """A stop whose waits end at once."""

    def wait(self, timeout=None):
        return self.is_set()


@pytest.fixture
def pace(tmp_path):
    return ConcurrencyLimit(tmp_path, "repository")


@pytest.fixture
def stop():
    return Waits()


@pytest.fixture
def http(pace, stop):
    http = HttpClient(HttpSettings(user_agent="agent", rule=AddressRule(())), pace, OutageWait(stop=stop))
    yield http
    http.close()


@pytest.fixture
def remote():
    with responses.RequestsMock() as mock:
        yield mock


def hours_later(*hours: int, **waited: float) -> RequestStats:
    """Traffic whose clock shows noon and this many hours, one after the other, after waits of this many seconds."""
    times = iter(NOON + timedelta(hours=hour) for hour in hours)
    return RequestStats(waited=lambda: {"waits": 0, "seconds_waited": 0} | waited, now=lambda: next(times))


def test_a_client_without_requests_has_empty_statistics(http):
    assert http.traffic.as_dict() == {
        "requests": 0,
        "bytes": 0,
        "answers": 0,
        "seconds": 0,
        "waits": 0,
        "seconds_waited": 0,
        "halvings": 0,
        "worst": None,
        "troubles": {},
        "unanswered": [],
        "notes": [],
    }
    assert http.server_time is None


def test_bytes_of_json_and_files_are_counted_and_answers_timed(http, remote):
    remote.get(URL, body='{"name": "Thèses"}')
    remote.get(f"{SITE}/file", body=bytes(600_000))
    http.get_json(URL)
    http.download(f"{SITE}/file", lambda piece: None)

    told = http.traffic.as_dict()

    assert (told["requests"], told["answers"], told["bytes"]) == (2, 2, 19 + 600_000)
    assert told["seconds"] == pytest.approx(sum(http.busy.values()))
    assert 0 < told["worst"]["seconds"] <= told["seconds"]
    assert told["worst"]["path"] in ("/server/api/core/items", "/file")


def test_problems_are_counted_by_kind_with_waits_and_halvings(http, remote, pace):
    for _ in range(9):
        pace.record_success(0.1, "page")  # as wide as it may be
    remote.get(URL, status=503, headers={"Retry-After": "60"})
    remote.get(URL, status=429, headers={"Retry-After": "30"})
    remote.get(URL, body="<html>Just a page")
    remote.get(URL, json=[])
    http.get_json(URL)

    told = http.traffic.as_dict()

    assert {kind: trouble["count"] for kind, trouble in told["troubles"].items()} == {
        "503": 1,
        "429": 1,
        "bad answer": 1,
    }
    assert told["waits"] == 3
    assert 90 < told["seconds_waited"] < 95
    assert told["halvings"] == 2
    assert json.loads(json.dumps(told)) == told


def test_a_missing_object_counts_as_a_response_and_not_as_a_problem(http, remote):
    remote.get(URL, status=404)

    with pytest.raises(NotFoundError):
        http.get_json(URL)

    assert http.traffic.as_dict()["troubles"] == {}
    assert http.traffic.as_dict()["requests"] == 1


def cut_short() -> BadResponseError:
    error = BadResponseError("It ended too early.")
    error.__cause__ = requests.exceptions.ChunkedEncodingError()
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ServerError("no", status=502), "502"),
        (ServerError("no"), "no connection"),
        (RequestTimeoutError("no"), "timed out"),
        (UnknownHostError("no"), "unknown host"),
        (UnreachableError("no"), "no connection"),
        (BotChallengeError("no"), "bot wall"),
        (BadResponseError("no"), "bad answer"),
        (cut_short(), "cut short"),
    ],
)
def test_each_error_has_a_kind_of_problem(error, kind):
    traffic = RequestStats()

    traffic.record_failure(error)

    assert list(traffic.as_dict()["troubles"]) == [kind]


def test_problems_of_a_kind_keep_their_first_and_last_time():
    traffic = hours_later(0, 1, 2)

    for _ in range(3):
        traffic.record_failure(RequestTimeoutError("no"))

    assert traffic.as_dict()["troubles"] == {
        "timed out": {"count": 3, "first": "2026-01-05T12:00:00", "last": "2026-01-05T14:00:00"}
    }


def test_the_worst_answer_is_the_slowest():
    traffic = RequestStats()

    for seconds, path in ((1.0, "/a"), (3.0, "/b"), (2.0, "/c")):
        traffic.record_success(seconds, path)

    assert traffic.as_dict()["worst"] == {"seconds": 3.0, "path": "/b"}
    assert (traffic.as_dict()["answers"], traffic.as_dict()["seconds"]) == (3, 6.0)


def test_the_traffic_of_two_attempts_is_added():
    first, second = hours_later(0, 1, waits=1, seconds_waited=5.0), hours_later(2)
    first.add(requests=3, bytes=100)
    first.record_success(4.0, "/slow")
    first.record_failure(ServerError("no", status=503))
    first.record_failure(BotChallengeError("no"))
    second.add(requests=2, bytes=50)
    second.record_success(1.0, "/quick")
    second.record_failure(ServerError("no", status=503))

    both = RequestStats.merge(first.as_dict(), second.as_dict())

    assert both == {
        "requests": 5,
        "bytes": 150,
        "answers": 2,
        "seconds": 5.0,
        "waits": 1,
        "seconds_waited": 5.0,
        "halvings": 0,
        "unanswered": [],
        "notes": [],
        "worst": {"seconds": 4.0, "path": "/slow"},
        "troubles": {
            "503": {"count": 2, "first": "2026-01-05T12:00:00", "last": "2026-01-05T14:00:00"},
            "bot wall": {"count": 1, "first": "2026-01-05T13:00:00", "last": "2026-01-05T13:00:00"},
        },
    }


def test_halvings_of_two_attempts_are_added():
    both = RequestStats.merge(RequestStats(lambda: 2).as_dict(), RequestStats(lambda: 3).as_dict())

    assert both["halvings"] == 5
    assert both["worst"] is None


def test_the_first_attempt_is_added_to_nothing():
    told = RequestStats().as_dict()

    assert RequestStats.merge(None, told) == told


def test_exported_statistics_do_not_change_later():
    traffic = RequestStats()
    traffic.record_failure(RequestTimeoutError("no"))
    told = traffic.as_dict()

    traffic.record_failure(RequestTimeoutError("no"))

    assert told["troubles"]["timed out"]["count"] == 1


def test_eight_threads_lose_no_count():
    traffic = RequestStats()

    with ThreadPoolExecutor(8) as pool:
        for _ in range(4000):
            pool.submit(traffic.add, requests=1)
            pool.submit(traffic.record_failure, RequestTimeoutError("no"))

    told = traffic.as_dict()
    assert (told["requests"], told["troubles"]["timed out"]["count"]) == (4000, 4000)


def test_the_server_time_comes_from_the_first_answer_even_from_a_refusal(http, remote):
    remote.get(URL, status=404, headers={"Date": "Mon, 05 Jan 2026 12:00:00 GMT"})
    remote.get(URL, json=[], headers={"Date": "Mon, 05 Jan 2026 12:30:00 GMT"})

    with pytest.raises(NotFoundError):
        http.get_json(URL)
    http.get_json(URL)

    assert http.server_time == datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize("hours", [-5, 5])
def test_the_clock_difference_is_known_from_the_first_answer(http, remote, hours):
    difference = timedelta(hours=hours)
    remote.get(URL, json=[], headers={"Date": format_datetime(datetime.now(UTC) + difference, usegmt=True)})

    http.get_json(URL)

    assert abs(http.clock_ahead - difference) < timedelta(minutes=30)


@pytest.mark.parametrize(
    "date", ["", "today", "Mon, 99 Foo 2026 12:00:00 GMT", "Mon, 05 Jan " + "9" * 20 + " 12:00:00 GMT"]
)
def test_a_date_that_cannot_be_read_leaves_the_time_to_a_later_answer(http, remote, date):
    remote.get(URL, json=[], headers={"Date": date})
    remote.get(URL, json=[], headers={"Date": "Mon, 05 Jan 2026 14:00:00 +0200"})

    http.get_json(URL)
    before = http.server_time
    http.get_json(URL)

    assert (before, http.server_time) == (None, datetime(2026, 1, 5, 12, tzinfo=UTC))
