"""When a source is due: days, months, hours that do not exist or occur twice, and windows over midnight."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from connector.errors import InvalidInputError
from connector.jobs.schedule import Every, Schedule, Window, parse_day, parse_time, parse_window, to_local_time

BERLIN = ZoneInfo("Europe/Berlin")  # clocks go from 02:00 to 03:00 on 29 March 2026, from 03:00 to 02:00 on 25 October
NIGHT = Window(time(22), time(6))


def due(schedule: Schedule, after: str, times: int = 1, zone=BERLIN) -> list[str]:
    """The next moments after one, all as clocks in Berlin show them."""
    moment, found = datetime.fromisoformat(after).replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None), []
    for _ in range(times):
        moment = schedule.next_after(moment, zone)
        found.append(f"{to_local_time(moment, zone):%Y-%m-%d %H:%M}")
    return found


def test_a_daily_schedule_is_due_today_before_its_hour_and_else_tomorrow():
    daily = Schedule(Every.DAY, time(2, 30))

    assert due(daily, "2026-11-24 02:29") == ["2026-11-24 02:30"]
    assert due(daily, "2026-11-24 02:30") == ["2026-11-25 02:30"]


def test_a_weekly_schedule_is_due_on_its_weekday():
    weekly = Schedule(Every.WEEK, time(23), weekday=6)

    assert due(weekly, "2026-11-24 12:00", 2) == ["2026-11-29 23:00", "2026-12-06 23:00"]


def test_a_monthly_schedule_is_due_on_its_day_or_the_last_day():
    assert due(Schedule(Every.MONTH, time(1), day=28), "2026-01-28 02:00", 2) == [
        "2026-02-28 01:00",
        "2026-03-28 01:00",
    ]
    last = Schedule(Every.MONTH, time(1), day=None)
    assert due(last, "2028-01-31 01:00", 3) == ["2028-02-29 01:00", "2028-03-31 01:00", "2028-04-30 01:00"]


def test_an_hour_that_does_not_exist_becomes_the_next_hour():
    daily = Schedule(Every.DAY, time(2, 15))

    assert due(daily, "2026-03-28 12:00", 2) == ["2026-03-29 03:00", "2026-03-30 02:15"]


def test_an_hour_that_does_not_exist_before_midnight_becomes_the_next_day():
    nuuk, daily = ZoneInfo("America/Nuuk"), Schedule(Every.DAY, time(23, 30))  # from 23:00 to 00:00 on 28 March 2026

    assert due(daily, "2026-03-28 12:00", 2, nuuk) == ["2026-03-29 00:00", "2026-03-29 23:30"]


def test_an_hour_that_occurs_twice_is_due_once():
    moment = Schedule(Every.DAY, time(2, 30)).next_after(datetime(2026, 10, 24, 12), BERLIN)

    assert moment == datetime(2026, 10, 25, 0, 30)  # the first: Berlin is two hours ahead until 01:00 UTC
    assert Schedule(Every.DAY, time(2, 30)).next_after(moment, BERLIN) == datetime(2026, 10, 26, 1, 30)
    assert Schedule(Every.DAY, time(2, 30)).next_after(datetime(2026, 10, 25, 1, 30), BERLIN).day == 26


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize("at", [time(0), time(2, 15), time(23, 59)])
def test_every_day_of_a_year_is_due_once(name, at):
    zone, moment, found = ZoneInfo(name), datetime(2026, 1, 1, 14), []
    for _ in range(365):
        moment = Schedule(Every.DAY, at).next_after(moment, zone)
        found.append(moment)

    days = [to_local_time(moment, zone).date() for moment in found]
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))


def test_hours_over_midnight_are_open_at_night_only():
    open_at = [hour for hour in range(24) if NIGHT.holds(time(hour))]

    assert open_at == [0, 1, 2, 3, 4, 5, 22, 23]
    assert not NIGHT.holds(time(6)) and NIGHT.holds(time(5, 59))
    assert not NIGHT.is_open(datetime(2026, 7, 1, 19, 59), BERLIN)
    assert NIGHT.is_open(datetime(2026, 7, 1, 20), BERLIN)
    assert NIGHT.opening(datetime(2026, 7, 1, 4, 30), BERLIN) == datetime(2026, 7, 1, 20)


def test_hours_within_a_day_are_open_by_day_only():
    office = Window(time(9), time(17))

    assert [hour for hour in range(24) if office.holds(time(hour))] == list(range(9, 17))


@pytest.mark.parametrize(
    ("make", "field", "says"),
    [
        (lambda: Schedule(Every.MONTH, time(2), day=29), "day", "from 1 to 28"),
        (lambda: Schedule(Every.DAY, time(2), window=Window(time(2), time(2))), "until", "leave them out"),
        (lambda: Schedule(Every.DAY, time(12), window=NIGHT), "at", "12:00, which is not between 22:00 and 06:00"),
        (lambda: parse_time("24:00"), "at", "00:00 to 23:59"),
        (lambda: parse_time("٠٢:٣٠"), "at", "00:00 to 23:59"),
        (lambda: parse_time("", "since"), "since", "00:00 to 23:59"),
        (lambda: parse_day("²"), "day", "last day"),
        (lambda: parse_day("9" * 5000), "day", "last day"),
    ],
)
def test_a_schedule_that_can_never_run_is_refused_at_its_field(make, field, says):
    with pytest.raises(InvalidInputError, match=says) as refused:
        make()

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(Every.DAY, time(2, 5)), "Daily at 02:05"),
        (Schedule(Every.WEEK, time(23), 6, window=NIGHT), "Weekly on Sunday at 23:00, only between 22:00 and 06:00"),
        (Schedule(Every.MONTH, time(2), day=None), "Monthly on the last day at 02:00"),
        (Schedule(Every.MONTH, time(2), day=7), "Monthly on day 7 at 02:00"),
    ],
)
def test_a_schedule_is_stored_as_json_and_described_in_words(schedule, words):
    assert Schedule.from_json(schedule.to_json()) == schedule
    assert str(schedule) == words


@pytest.mark.parametrize("text", ["22:00-06:00", " 22:00 – 6:00 "])
def test_hours_are_typed_with_a_dash(text):
    assert parse_window(text) == NIGHT
    assert parse_window("  ") is None


@pytest.mark.parametrize("text", ["22:00", "22-6", "22:00-", "-", "22:00-06:00-07:00", "22:00-22:00"])
def test_invalid_hours_are_refused(text):
    with pytest.raises(InvalidInputError):
        parse_window(text)
