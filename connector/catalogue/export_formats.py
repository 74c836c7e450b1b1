"""Formats of an export: an item as a line of JSON (see `item_record`) or a row of CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..text import csv_lines, csv_safe

# The first columns of each CSV. A column for each term follows.
FIXED_COLUMNS = (
    "id",
    "repository",
    "source_id",
    "handle",
    "link",
    "title",
    "source_state",
    "restricted",
    "last_modified",
    "item_sets",
    "files",
)
SEPARATOR = "||"

_ESCAPED = re.compile("[\x85\u2028\u2029\ud800-\udfff]")


def json_line(record: Mapping[str, Any]) -> str:
    r"""Return the record as one line of JSON that ends in \n, in valid UTF-8.

    JSON escapes replace characters that some readers treat as line ends (U+0085, U+2028, U+2029), and halves of
    surrogate pairs, which UTF-8 cannot encode.
    """
    line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return _ESCAPED.sub(lambda one: f"\\u{ord(one[0]):04x}", line) + "\n"


def csv_rows(columns: Sequence[str], records: Iterable[Mapping[str, Any]], separator: str = SEPARATOR) -> Iterator[str]:
    """Yield CSV lines (see `csv_lines`): a header, then one line per record.

    `columns`: `FIXED_COLUMNS` and terms. Several values of a column are joined by the separator. A value that contains
    it is not escaped. Only the JSON lines are unambiguous. Cells are safe against formulas (`csv_safe`).
    """
    yield from csv_lines([map(csv_safe, columns)])
    yield from csv_lines(
        (csv_safe(separator.join(column_texts(record, column))) for column in columns) for record in records
    )


def column_texts(record: Mapping[str, Any], column: str) -> list[str]:
    """Return the texts of a record for one of `FIXED_COLUMNS` or a term, in order."""
    if column == "files":
        return [file["name"] or "" for file in record["files"]]
    if column == "restricted":
        return ["yes" if record["restricted"] else "no"]
    if column == "item_sets":
        return list(record["item_sets"])
    if column in FIXED_COLUMNS:
        return [] if record[column] is None else [str(record[column])]
    return [value["uri"] if "uri" in value else value["value"] for value in record["values"].get(column, ())]
