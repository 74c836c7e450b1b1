"""The ranges of time in which the numbers of items of two lists are compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from connector.dspace.records import TimeRange
from connector.dspace.time_ranges import halves, number_in, ranges_of

START = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(0, 40_000).map(lambda number: START + timedelta(milliseconds=100 * number))
sorted_dates = st.lists(moments, max_size=30).map(sorted)


@given(sorted_dates)
def test_the_first_ranges_cover_all_times_and_hold_all_dates_in_the_first(dates):
    ranges = ranges_of(dates)

    assert ranges[0].since is None and ranges[-1].until is None
    assert [one.until for one in ranges[:-1]] == [one.since for one in ranges[1:]]
    assert [number_in(times, dates) for times in ranges] == ([len(dates), 0] if dates else [0])


@given(sorted_dates, moments, moments)
def test_the_number_in_a_range_counts_its_beginning_and_not_its_end(dates, since, until):
    found = number_in(TimeRange(since, max(since, until)), dates)

    assert found == sum(since <= date < until for date in dates)


@given(sorted_dates)
def test_halving_ends_at_single_seconds_and_loses_no_date(dates):
    waiting, ended = ranges_of(dates), []
    while waiting:
        times = waiting.pop()
        if parts := halves(times, dates):
            first, second = parts
            assert (first.since, second.until) == (times.since, times.until) and first.until == second.since
            assert number_in(first, dates) + number_in(second, dates) == number_in(times, dates)
            if number_in(times, dates):
                waiting += parts
        else:
            ended.append(times)

    for times in ended:
        assert len({date.replace(microsecond=0) for date in dates if is_in(date, times)}) <= 1


@given(st.lists(moments, min_size=20, max_size=60, unique_by=lambda date: date.replace(microsecond=0)).map(sorted))
def test_a_range_with_many_different_seconds_is_divided_evenly(dates):
    first, second = halves(ranges_of(dates)[0], dates)

    assert abs(number_in(first, dates) - number_in(second, dates)) <= 1


def test_a_range_without_dates_is_divided_in_its_middle_as_far_as_whole_seconds():
    times = TimeRange(START, START + timedelta(seconds=3))

    first, second = halves(times, [])

    assert first == TimeRange(START, START + timedelta(seconds=1))
    assert second == TimeRange(START + timedelta(seconds=1), times.until)
    assert halves(first, []) is None
    assert halves(TimeRange(), []) is None


def is_in(date: datetime, times: TimeRange) -> bool:
    return (times.since is None or date >= times.since) and (times.until is None or date < times.until)
