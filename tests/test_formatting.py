"""Times, numbers and languages as the pages write them."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from connector.dspace.records import Range
from connector.formatting import bcp47, duration, number, source_time, time_range, when


@pytest.fixture
def zone_of_berlin(monkeypatch):
    """A server whose zone is an hour ahead of UTC in winter."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_times_are_shown_in_the_server_zone_and_stored_in_utc(zone_of_berlin):
    assert (
        when(datetime(2026, 11, 24, 13, 5, 9, 7)) == '<time datetime="2026-11-24T13:05:09Z">24 Nov 2026, 14:05</time>'
    )
    assert when(None) == ""


def test_source_times_are_converted_only_if_they_have_a_time_zone(zone_of_berlin):
    stamp = "2025-03-04T10:11:12.123+00:00"
    assert source_time(stamp) == f'<time datetime="{stamp}">4 Mar 2025, 11:11</time>'
    assert source_time("2025-03-04 10:11:12.123") == "2025-03-04 10:11:12.123"
    assert source_time("yesterday") == "yesterday"
    assert source_time(None) == ""


@pytest.mark.parametrize(("count", "shown"), [(0, "0"), (999, "999"), (1234567, "1,234,567"), (None, "")])
def test_numbers_have_thousands_separators(count, shown):
    assert number(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.4, "under 1 s"),
        (4.4, "4 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (12_000, "3 h 20 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations_are_shown_in_their_two_largest_units(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("low", "high", "shown"), [(0.2, 4.0, "up to 4 s"), (0.2, 0.4, "under 1 s"), (3.0, 4.0, "3 s to 4 s")]
)
def test_a_range_of_durations_from_zero_names_only_its_end(low, high, shown):
    assert time_range(Range(low, high)) == shown


@pytest.mark.parametrize(
    ("language", "tag"),
    [
        ("en_US", "en-US"),
        ("de", "de"),
        ("zh_Hant_TW", "zh-Hant-TW"),
        ("*", None),
        ("", None),
        (None, None),
        ('x" y', None),
    ],
)
def test_only_valid_languages_become_lang_attributes(language, tag):
    assert bcp47(language) == tag
