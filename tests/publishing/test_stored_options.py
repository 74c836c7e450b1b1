"""Options and cursors in the rows of jobs: their keys stay, so that jobs of earlier versions are read."""

from __future__ import annotations

from collections import Counter

import pytest

from connector.exports.export_kind import ExportOptions
from connector.publishing.publish_cursors import PublishCursor, RowCursor
from connector.publishing.publish_options import PublishOptions, PublishUndoOptions, WithdrawalOptions


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (PublishOptions(3), {"destination": 3}),
        (PublishOptions(3, follows=7), {"destination": 3, "follows": 7}),
        (PublishOptions(3, retries=8, selected=True), {"destination": 3, "retries": 8, "selected": True}),
        (WithdrawalOptions(3, edited=True), {"destination": 3, "edited": True}),
        (PublishUndoOptions(), {}),
        (
            ExportOptions("saf", "||", True, "https://example.org/fields#"),
            {"format": "saf", "separator": "||", "restricted": True, "fields_url": "https://example.org/fields#"},
        ),
        (PublishCursor(change=9), {"change": 9}),
        (PublishCursor(4, left_out=Counter({"dc.type": 2})), {"after": 4, "left_out": {"dc.type": 2}}),
        (RowCursor(1, 20, 25), {"step": 1, "after": 20, "begun": 25}),
    ],
)
def test_options_and_cursors_keep_their_keys(value, stored):
    assert value.to_json() == stored
    assert type(value).from_json(stored) == value


def test_an_export_of_an_earlier_version_is_read():
    stored = {"format": "csv", "separator": "|", "restricted": False, "fields_url": "https://example.org/fields#"}

    assert ExportOptions.from_json(stored) == ExportOptions("csv", "|", False, "https://example.org/fields#")


@pytest.mark.parametrize("stored", [None, {"after": 0}])
def test_a_cursor_of_an_earlier_version_is_read(stored):
    assert PublishCursor.from_json(stored).after == (stored or {}).get("after")
