"""The bytes and the time of downloads that are still running."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connector.imports.files.download_meter import DownloadMeter
from connector.models.catalogue import FileStatus


class Clock:
    """A clock that tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def meter(clock):
    meter = DownloadMeter(clock)
    meter.start()
    return meter


def file(id=1, size=100):
    return SimpleNamespace(id=id, size=size)


def test_the_bytes_of_a_running_download_are_counted_once(meter):
    write = meter.count_bytes(file(), lambda piece: None)
    write(b"x" * 40)
    first = meter.new()["arriving_bytes"]
    write(b"x" * 20)

    assert (first, meter.new()["arriving_bytes"], meter.new()["arriving_bytes"]) == (40, 20, 0)


def test_a_finished_file_counts_with_its_whole_size_instead(meter):
    meter.count_bytes(file(), lambda piece: None)(b"x" * 40)
    meter.new()

    counts = meter.finish([file()], FileStatus.STORED)

    assert (counts["arriving_bytes"], counts["tried_bytes"], counts["tried_stored"]) == (-40, 100, 1)
    assert meter.new()["arriving_bytes"] == 0


def test_another_try_for_a_file_counts_its_bytes_from_zero(meter):
    meter.count_bytes(file(), lambda piece: None)(b"x" * 40)
    meter.new()
    meter.count_bytes(file(), lambda piece: None)(b"x" * 10)

    assert meter.new()["arriving_bytes"] == -30


def test_time_counts_once_and_only_while_files_are_downloaded(meter, clock):
    clock.now = 2.0
    first = meter.new()["download_milliseconds"]
    clock.now = 5.0
    second = meter.finish([file()], FileStatus.STORED)["download_milliseconds"]
    meter.stop()
    clock.now = 60.0

    assert (first, second, meter.new()["download_milliseconds"]) == (2000, 3000, 0)
