"""Exports read back by other programs: JSON lines and CSV."""

import csv
import io
import json
from itertools import count, islice

import pytest
from hypothesis import given, strategies as st

from connector.catalogue.export_formats import FIXED_COLUMNS, csv_rows, json_line
from connector.text import csv_safe


def record(**changes) -> dict:
    """An item as an export gives it."""
    return {
        "id": 7,
        "repository": "https://repo.example.org",
        "source_id": "9226cb2f",
        "handle": "1/2",
        "link": "https://hdl.handle.net/1/2",
        "handle_link": "https://hdl.handle.net/1/2",
        "page_link": "https://repo.example.org/items/9226cb2f",
        "title": "A title",
        "source_state": "present",
        "restricted": False,
        "last_modified": "2026-11-23 22:35:33.504",
        "metadata": [{"field": "dc.title", "value": "A title", "language": "en", "authority": None, "confidence": -1}],
        "values": {"dcterms:title": [{"value": "A title", "language": "en"}]},
        "files": [],
        "item_sets": [],
        "jobs": [1],
    } | changes


def literals(*texts: str) -> list[dict]:
    return [{"value": text, "language": None} for text in texts]


def read(lines) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(lines), newline=""), strict=True))


def cell(**changes) -> str:
    """The one cell of term `t` in the export of one item."""
    return read(csv_rows(["id", "t"], [record(**changes)]))[1][1]


def test_a_json_line_is_compact_and_readable():
    assert json_line({"title": "日本語", "handle": None}) == '{"title":"日本語","handle":null}\n'


def test_only_the_line_feed_ends_a_json_line():
    text = "a\nb\u2028c\u2029d\u0085e\x0bf\r"

    line = json_line(record(title=text))

    assert line.count("\n") == 1 and line.endswith("}\n")
    assert "b\\u2028c\\u2029d\\u0085e" in line
    assert len(line.splitlines()) == 1
    assert json.loads(line)["title"] == text


def test_half_a_surrogate_pair_is_escaped_and_read_back():
    line = json_line(record(title="a\ud83db\udc00"))

    assert r"a\ud83db\udc00" in line
    assert json.loads(line.encode("utf-8"))["title"] == "a\ud83db\udc00"


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_a_json_line_reads_back_equal(data):
    assert json.loads(json_line(data).encode("utf-8")) == data


def test_a_csv_has_the_fixed_columns_then_the_terms():
    values = {"dcterms:title": literals("A title"), "local.shelf.mark": literals("Bay 3")}
    columns = [*FIXED_COLUMNS, "dcterms:title", "dcterms:subject", "local.shelf.mark"]

    header, row = read(csv_rows(columns, [record(values=values, item_sets=["One", "Two"])]))

    assert header == columns
    assert dict(zip(header, row, strict=True)) == {
        "id": "7",
        "repository": "https://repo.example.org",
        "source_id": "9226cb2f",
        "handle": "1/2",
        "link": "https://hdl.handle.net/1/2",
        "title": "A title",
        "source_state": "present",
        "restricted": "no",
        "last_modified": "2026-11-23 22:35:33.504",
        "item_sets": "One||Two",
        "files": "",
        "dcterms:title": "A title",
        "dcterms:subject": "",
        "local.shelf.mark": "Bay 3",
    }


def test_rows_name_restricted_items():
    assert read(csv_rows(["restricted"], [record(restricted=True)]))[1] == ["yes"]


def test_rows_name_files_and_keep_an_empty_place_for_files_without_name():
    row = read(csv_rows(["files"], [record(files=[{"name": "a.pdf"}, {"name": None}, {"name": "b,c.txt"}])]))[1]

    assert row == ["a.pdf||||b,c.txt"]


def test_absent_values_are_empty_cells():
    assert read(csv_rows(["id", "handle", "title"], [record(handle=None, title=None)]))[1] == ["7", "", ""]


def test_several_values_are_joined_and_a_uri_is_written_as_such():
    values = [{"uri": "https://example.org/1", "label": None}, {"value": "a||b", "language": "en"}]

    assert cell(values={"t": values}) == "https://example.org/1||a||b"


def test_rows_follow_rfc_4180():
    lines = list(csv_rows(["id", "t"], [record(values={"t": literals('a "b", c\nd')})]))

    assert lines == ["id,t\r\n", '7,"a ""b"", c\nd"\r\n']


@pytest.mark.parametrize("text", ["=1+1", "@x", "\t=1"])
def test_a_formula_is_disarmed_in_every_cell(text):
    item = record(
        title=text, files=[{"name": text}], item_sets=[text], values={"t": literals(text), text: literals("x")}
    )

    header, row = read(csv_rows(["title", "files", "item_sets", "t", text], [item]))

    assert header[-1] == f"'{text}"
    assert row == [f"'{text}"] * 4 + ["x"]


def test_half_a_surrogate_pair_does_not_break_a_csv():
    line = "".join(csv_rows(["title"], [record(title="a\ud83d")]))

    assert line.encode("utf-8").decode() == "title\r\na\N{REPLACEMENT CHARACTER}\r\n"


def test_an_export_without_items_has_only_a_header():
    assert list(csv_rows(["id", "title"], [])) == ["id,title\r\n"]


def test_rows_are_generated_one_at_a_time():
    endless = (record(id=number) for number in count())

    assert list(islice(csv_rows(["id"], endless), 3)) == ["id\r\n", "0\r\n", "1\r\n"]


@given(st.lists(st.lists(st.text(), max_size=3), min_size=1, max_size=4))
def test_a_csv_reads_back_equal(texts):
    records = [record(values={"t": literals(*values)}) for values in texts]

    rows = read(csv_rows(["id", "t"], records))[1:]

    assert rows == [["7", csv_safe("||".join(values))] for values in texts]
