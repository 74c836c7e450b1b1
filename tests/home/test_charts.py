"""The data of the charts of the dashboard."""

from __future__ import annotations

import pytest

from connector.web.home import charts


def test_the_highest_column_fills_the_chart_and_small_ones_stay_visible():
    high, low, none = charts.columns([("a", 1000), ("b", 1), ("c", 0)])

    assert (high.y, high.height) == (0, charts.HEIGHT)
    assert (low.height, none.height) == (charts.LEAST, 0)
    assert high.x < low.x < none.x < 100


def test_a_chart_without_values_has_no_columns():
    assert charts.columns([]) == []


@pytest.mark.parametrize(
    ("years", "labels"),
    [
        ({2001: 2, 2003: 1, None: 5}, ["2001", "2002", "2003"]),
        ({1899: 1, 1950: 1}, ["1890 to 1899", *(f"{year} to {year + 9}" for year in range(1900, 1960, 10))]),
        ({1455: 1, 2020: 1}, [f"{year} to {year + 99}" for year in range(1400, 2100, 100)]),
        ({None: 5}, []),
    ],
)
def test_long_spans_of_years_are_shown_by_decade_or_century(years, labels):
    assert [label for label, _number in charts.years(years)] == labels


def test_no_item_with_a_year_is_lost():
    years = {1: 3, 1455: 2, 1999: 7, 9999: 1}

    assert sum(number for _label, number in charts.years(years)) == 13


def test_types_are_sorted_and_the_rest_is_summed():
    numbers = {f"Type {number}": number for number in range(1, 13)} | {None: 4}

    rows = charts.shares(numbers, 100)

    assert [row.label for row in rows[:2]] == ["Type 12", "Type 11"]
    assert [(row.label, row.value) for row in rows[8:]] == [("Other types", 1 + 2 + 3 + 4 + 100), ("No type", 4)]
    assert sum(row.value for row in rows) == sum(numbers.values()) + 100
    assert max(row.percent for row in rows) == 100
