"""Lists of DSpace 7 to 10 with wrong counts, such as lists of files."""

from __future__ import annotations

import pytest

from connector.dspace.hal_api import to_the_end
from connector.dspace.hal_records import Listed
from connector.dspace.list_end import MOST_LISTED, ListEnd
from connector.errors import BadResponseError, TooLargeError

SIZE = 20


class Rows:
    """A list of this many rows that counts others. `asked`: the numbers of the pages that were read."""

    def __init__(self, there: int, counted: int):
        self.there, self.counted = there, counted
        self.asked: list[int] = []

    def page(self, number: int, size: int = SIZE) -> tuple[Listed, str]:
        self.asked.append(number)
        rows = list(range(number * size, min((number + 1) * size, self.there)))
        return Listed(rows, size, -(-self.counted // size), self.counted), "https://repository.example/list"

    def read(self) -> list[int]:
        return [row for page, _ in to_the_end(self.page(0), self.page) for row in page.rows]


@pytest.mark.parametrize("there", [2, 20, 21, 40, 45])
def test_a_count_that_is_too_low_loses_no_row(there):
    for counted in (1, 2, 20, 40):
        rows = Rows(there, min(counted, there))

        assert rows.read() == list(range(there))
        assert len(rows.asked) <= there // SIZE + 2


def test_a_list_with_the_right_count_takes_one_request_for_each_page():
    rows = Rows(45, 45)

    rows.read()

    assert rows.asked == [0, 1, 2]


@pytest.mark.parametrize(("counted", "until"), [(60, 61), (45, 45)])
def test_only_after_a_full_last_page_one_more_is_read_without_waiting_for_it(counted, until):
    end = ListEnd()

    end.note(0, SIZE, rows=SIZE, new=SIZE, counted=counted)

    assert end.after(SIZE, counted) == until


def test_a_count_far_too_high_ends_after_a_few_pages_without_rows():
    rows = Rows(45, 10**12)

    assert rows.read() == list(range(45))
    assert len(rows.asked) < 10


def test_rows_without_end_are_read_to_a_bound():
    rows = Rows(10**12, 20)

    with pytest.raises(BadResponseError, match="It may have no end"):
        rows.read()
    assert len(rows.asked) < 60


def test_rows_without_end_are_read_to_a_bound_however_many_are_counted():
    rows = Rows(10**12, 10**12)

    with pytest.raises(TooLargeError, match="It may have no end"):
        to_read = to_the_end(rows.page(0, 1000), lambda number, size: rows.page(number, 1000))
        for _ in to_read:
            pass
    assert len(rows.asked) == MOST_LISTED // 1000 + 1


def test_a_list_that_loses_rows_while_it_is_read_is_a_bad_response():
    rows = Rows(45, 45)
    read = to_the_end(rows.page(0), lambda number, size: Rows(0, 0).page(number))

    with pytest.raises(BadResponseError, match="counts 0"):
        list(read)


def test_hidden_rows_may_lower_the_count_of_the_last_page():
    last = (Listed([20, 21], SIZE, 2, 22), "")
    read = to_the_end(Rows(20, 25).page(0), lambda number, size: last)

    assert [row for page, _ in read for row in page.rows] == list(range(22))
