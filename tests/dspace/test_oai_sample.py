"""The records that are read over OAI-PMH to compare them with REST."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connector.dspace.oai_api import OaiList
from connector.dspace.oai_sample import ITEMS, PAGES, WITH_ENTITIES, sample_records
from connector.dspace.records import MetadataValue, Scope, ScopeKind
from connector.errors import BadResponseError

WHOLE = Scope(ScopeKind.REPOSITORY)


def record(number: int, text: str = "plain", *, is_deleted: bool = False):
    header = SimpleNamespace(id=f"123/{number}", is_deleted=is_deleted)
    return SimpleNamespace(header=header, metadata=(MetadataValue("dc.title", text),))


class Lists:
    """Pages of 100 records, with tokens as DSpace writes them, or as `token` does."""

    def __init__(self, records, *, token="xoai////{}", is_counted=True):
        self.rows, self._token, self._is_counted, self.asked = records, token, is_counted, []

    def records(self, scope, token=None):
        self.asked.append(token)
        start = 0 if token is None else int(token.rpartition("/")[2])
        end = start + 100
        following = self._token.format(end) if end < len(self.rows) else None
        return OaiList(self.rows[start:end], following, len(self.rows) if self._is_counted else None)


@pytest.mark.parametrize("size", [0, 1, 19, 20, 21, 100])
def test_a_short_list_is_sampled_from_its_only_page(size):
    lists = Lists([record(number) for number in range(size)])

    records, total = sample_records(lists, WHOLE)

    assert lists.asked == [None]
    assert len({each.header.id for each in records}) == len(records) == min(size, ITEMS)
    assert total == size


def test_a_long_list_is_sampled_from_its_beginning_middle_and_end():
    lists = Lists([record(number) for number in range(1050)])

    records, total = sample_records(lists, WHOLE)

    assert lists.asked == [None, "xoai////300", "xoai////600", "xoai////1000"]
    assert len(lists.asked) == PAGES
    assert len(records) == ITEMS and total == 1050
    assert {int(each.header.id.partition("/")[2]) // 100 for each in records} == {0, 3, 6, 10}


@pytest.mark.parametrize("how", [{"token": "opaque{}"}, {"is_counted": False}], ids=["token", "count"])
def test_only_the_first_page_is_read_if_the_others_cannot_be_reached_directly(how):
    lists = Lists([record(number) for number in range(1050)], **how)

    records, _total = sample_records(lists, WHOLE)

    assert lists.asked == [None]
    assert len(records) == ITEMS


def test_records_with_entities_come_first_and_deleted_ones_not_at_all():
    escaped = [record(number, "a &amp; b") for number in range(10, 20)]
    deleted = [record(number, "c &lt; d", is_deleted=True) for number in range(20, 30)]
    lists = Lists([*(record(number) for number in range(10)), *deleted, *escaped, *map(record, range(30, 60))])

    records, _total = sample_records(lists, WHOLE)

    assert records[:WITH_ENTITIES] == escaped[:WITH_ENTITIES]
    assert len(records) == ITEMS
    assert not any(each.header.is_deleted for each in records)


def test_an_error_of_the_list_is_not_hidden():
    def records(scope, token=None):
        raise BadResponseError("No XML.", "https://repository.example/oai/request")

    with pytest.raises(BadResponseError):
        sample_records(SimpleNamespace(records=records), WHOLE)
