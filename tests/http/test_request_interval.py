"""The fixed delay between the starts of two requests, shared by all clients of the same folder."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
import responses

from connector.errors import JobStoppedError, StorageError
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait

pytestmark = pytest.mark.timing


class Clock(threading.Event):
    """A stop event and a clock in one: waiting moves the time. `during` is called once, after the first wait."""

    def __init__(self, now: float = 1000.0):
        super().__init__()
        self.now, self.waits = now, []
        self.during = lambda: None

    def wait(self, timeout=None):
        self.waits.append(timeout)
        self.now += timeout
        during, self.during = self.during, lambda: None
        during()
        return self.is_set()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def new_pace(tmp_path, clock):
    def new_pace(delay: float = 2, key: str = "repository") -> ConcurrencyLimit:
        return ConcurrencyLimit(tmp_path, key, delay=delay, clock=lambda: clock.now)

    return new_pace


def start_of(folder: Path) -> Path:
    return next(folder.glob("*.start"))


def test_the_first_request_starts_at_once_and_the_next_after_the_delay(new_pace, clock):
    pace = new_pace()

    waited = [pace.space(clock) for _ in range(3)]

    assert waited == [0, 2, 2]
    assert clock.waits == [2, 2]


def test_only_the_rest_of_the_delay_is_waited(new_pace, clock):
    pace = new_pace()
    pace.space(clock)
    clock.now += 1.5

    assert pace.space(clock) == 0.5


def test_the_delay_counts_from_the_last_request_of_anybody(new_pace, clock):
    mine, yours = new_pace(), new_pace()
    mine.space(clock)

    assert yours.space(clock) == 2


def test_a_request_that_is_overtaken_while_waiting_waits_again(new_pace, clock):
    mine, yours = new_pace(), new_pace()
    mine.space(clock)
    clock.during = lambda: yours.space(clock)

    assert mine.space(clock) == 4


def test_repositories_do_not_wait_for_each_other(new_pace, clock):
    new_pace().space(clock)

    assert new_pace(key="another").space(clock) == 0


def test_without_a_delay_no_request_waits_and_no_file_is_written(new_pace, clock, tmp_path):
    pace = new_pace(delay=0)

    assert [pace.space(clock), pace.space(clock)] == [0, 0]
    assert list(tmp_path.glob("*.start")) == []


def test_a_stop_ends_the_wait_and_leaves_the_turn_to_others(new_pace, clock):
    pace = new_pace()
    pace.space(clock)
    clock.during = clock.set

    with pytest.raises(JobStoppedError):
        pace.space(clock)

    assert new_pace().space(Clock(clock.now)) == 0


@pytest.mark.parametrize("text", ["", "12.", "rubbish", "nan", "99999.0"])
def test_a_damaged_or_future_time_file_delays_no_request(new_pace, clock, tmp_path, text):
    pace = new_pace()
    pace.space(clock)
    start_of(tmp_path).write_text(text)

    assert pace.space(clock) == 0
    assert start_of(tmp_path).read_text() == "1000.0"


def test_a_file_that_cannot_be_written_raises_storage_error(new_pace, clock, tmp_path):
    pace = new_pace()
    pace.space(clock)
    shutil.rmtree(tmp_path)

    with pytest.raises(StorageError, match="cannot be written"):
        pace.space(clock)


def test_the_client_keeps_the_delay_before_every_request_and_redirect(new_pace, clock):
    with responses.RequestsMock() as remote:
        remote.get("https://dspace.example.org/old", status=302, headers={"Location": "/new"})
        remote.get("https://dspace.example.org/new", json=[])
        http = HttpClient(HttpSettings(user_agent="x", rule=AddressRule(())), new_pace(delay=2), OutageWait(stop=clock))

        http.get_json_from("https://dspace.example.org/old")

    http.close()
    assert clock.waits == [2]


def test_the_delay_is_not_taken_for_slowness_of_the_server(new_pace, clock):
    with responses.RequestsMock() as remote:
        remote.get("https://dspace.example.org/", json=[])
        http = HttpClient(
            HttpSettings(user_agent="x", rule=AddressRule(()), deadline=500),
            new_pace(delay=100_000),
            OutageWait(stop=clock),
        )

        for _ in range(2):
            http.get_json("https://dspace.example.org/")

    http.close()
    assert clock.waits == [100_000]
    assert -100_000 < http.busy["json"] < -99_000  # the wait took no real time, and all of it was taken off
