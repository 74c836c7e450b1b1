"""An upgrade restricts values that imports with a login may have brought before values were marked."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from connector.storage.instance import prepare
from tests.conftest import app_at, let_go
from tests.old_instances import at, insert

SECRET, SHARED = "Submitted by Ann (ann@example.org)", "A title"
METADATA = [
    {"field": "dc.title", "value": SHARED, "language": None, "authority": None, "confidence": None},
    {"field": "dc.description.provenance", "value": SECRET, "language": "en", "authority": None, "confidence": None},
    {"field": "dc.description.provenance", "value": SHARED, "language": "en", "authority": None, "confidence": None},
]
MAPPED = {
    "dcterms:title": [{"value": SHARED, "language": None}],
    "dcterms:provenance": [{"value": SECRET, "language": "en"}, {"value": SHARED, "language": "en"}],
}


@pytest.fixture
def upgraded(tmp_path, request):
    """The rows of an instance of version 0006, upgraded; the parameter is who the import was signed in as."""
    instance = tmp_path / "old"
    at(instance, "0006")
    with closing(sqlite3.connect(instance / "connector.db")) as connection, connection:
        insert(connection, "source", {"id": 1, "repository_id": 1, "proof": json.dumps({"since": "2026"})})
        cursor = json.dumps({"login": request.param})
        insert(connection, "import_job", {"id": 1, "repository_id": 1, "source_id": 1, "cursor": cursor})
        texts = {"source_metadata": json.dumps(METADATA), "mapped_values": json.dumps(MAPPED), "title": SHARED}
        searched = f"{SHARED.lower()}\n{SECRET.lower()}\nfile.pdf"
        insert(connection, "item", {"id": 1, "repository_id": 1, "search_text": searched, **texts})
        before = {"data": {"title": SHARED, "source_metadata": METADATA, "files": []}}
        insert(connection, "change", {"id": 1, "job_id": 1, "item_id": 1, "before": json.dumps(before)})
    app = app_at(instance)
    prepare(app)
    let_go(app)
    with closing(sqlite3.connect(instance / "connector.db")) as connection:
        connection.row_factory = sqlite3.Row
        rows = {name: connection.execute(f"SELECT * FROM {name}").fetchone() for name in ("item", "change", "source")}
    return rows


@pytest.mark.parametrize("upgraded", ["admin@example.org", False], indirect=True)
def test_the_upgrade_marks_default_hidden_fields_that_a_login_brought(upgraded):
    item = upgraded["item"]

    assert [value.get("restricted", False) for value in json.loads(item["source_metadata"])] == [False, True, True]
    provenance = json.loads(item["mapped_values"])["dcterms:provenance"]
    assert [value["restricted"] for value in provenance] == [True, True]
    assert "restricted" not in json.loads(item["mapped_values"])["dcterms:title"][0]
    assert item["search_text"] == f"\n{SHARED.lower()}\nfile.pdf\na\n"
    assert item["restricted_search_text"] == f"\n{SECRET.lower()}\nby\n"


@pytest.mark.parametrize("upgraded", ["admin@example.org"], indirect=True)
def test_the_upgrade_marks_earlier_states_and_makes_the_next_import_compare_all_items(upgraded):
    before = json.loads(upgraded["change"]["before"])["data"]["source_metadata"]

    assert [value.get("restricted", False) for value in before] == [False, True, True]
    assert upgraded["source"]["completeness_proof"] is None  # so that the next run compares every item


@pytest.mark.parametrize("upgraded", [None], indirect=True)
def test_the_upgrade_leaves_public_values_unmarked(upgraded):
    assert json.loads(upgraded["item"]["source_metadata"]) == METADATA
    assert upgraded["item"]["restricted_search_text"] is None
    assert upgraded["source"]["completeness_proof"] is not None
