"""An upgrade restricts the names of files that a login may have brought. The next import compares them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from connector.storage.instance import prepare
from tests.conftest import app_at, let_go
from tests.old_instances import at, insert

FILES = [
    {"id": 1, "bundle": "ORIGINAL", "name": "open.pdf", "by_login": 0},
    {"id": 2, "bundle": "ORIGINAL", "name": "Closed.pdf", "by_login": 1},
    {"id": 3, "bundle": "LICENSE", "name": "license.txt", "by_login": 0},
    {"id": 4, "bundle": "LICENSE", "name": "A title", "by_login": 0},
]


@pytest.fixture
def upgraded(tmp_path, request):
    """The rows of an instance of version 0019, upgraded; the parameter is who the import was signed in as."""
    instance = tmp_path / "old"
    at(instance, "0019")
    with closing(sqlite3.connect(instance / "connector.db")) as connection, connection:
        insert(connection, "source", {"id": 1, "repository_id": 1, "proof": json.dumps({"since": "2026"})})
        cursor = json.dumps({"login": request.param})
        insert(connection, "import_job", {"id": 1, "repository_id": 1, "source_id": 1, "cursor": cursor})
        mapped = {"dcterms:title": [{"value": "A title", "language": None}]}
        texts = {"mapped_values": json.dumps(mapped), "title": "A title", "is_restored": 0}
        searched = "a title\nopen.pdf\nclosed.pdf\nlicense.txt"
        insert(connection, "item", {"id": 1, "repository_id": 1, "search_text": searched, **texts})
        for file in FILES:
            insert(connection, "file", {"item_id": 1, **file})
        before = {"data": {"title": "A title", "source_metadata": [], "files": FILES}}
        insert(connection, "change", {"id": 1, "job_id": 1, "item_id": 1, "before": json.dumps(before)})
    app = app_at(instance)
    prepare(app)
    let_go(app)
    with closing(sqlite3.connect(instance / "connector.db")) as connection:
        connection.row_factory = sqlite3.Row
        rows = {name: connection.execute(f"SELECT * FROM {name}").fetchone() for name in ("item", "change", "source")}
        marks = connection.execute("SELECT name_is_restricted FROM file ORDER BY id").fetchall()
    return rows | {"marks": [bool(row[0]) for row in marks]}


@pytest.mark.parametrize("upgraded", ["admin@example.org", False], indirect=True)
def test_names_that_may_have_come_by_a_login_are_closed_and_compared_by_the_next_import(upgraded):
    item = upgraded["item"]
    before = json.loads(upgraded["change"]["before"])["data"]["files"]

    assert upgraded["marks"] == [False, True, True, True]
    assert [file["name_is_restricted"] for file in before] == upgraded["marks"]
    assert item["search_text"] == "\na title\nopen.pdf\na\n"
    assert item["restricted_search_text"] == "\nclosed.pdf\nlicense.txt\n"
    assert (item["is_restored"], upgraded["source"]["completeness_proof"]) == (1, None)


@pytest.mark.parametrize("upgraded", [None], indirect=True)
def test_names_that_everybody_could_read_stay_open(upgraded):
    assert upgraded["marks"] == [False] * 4
    assert upgraded["item"]["restricted_search_text"] is None
    assert upgraded["source"]["completeness_proof"] is not None
