"""Items in the API: the same JSON as in exports, the same search as on the pages, page by page."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from connector.catalogue import export, search as catalogue_search
from connector.catalogue.search import Selection
from connector.extensions import db, transaction
from connector.models.catalogue import CatalogueFile, CatalogueItem, ItemSet

from .conftest import Program


def followed(program: Program, path: str) -> list[dict]:
    """All items of a list, page by page."""
    found = []
    while path:
        page = program.read(path)
        found += page["items"]
        path = page["next"]
    return found


def exported(program: Program) -> list[dict]:
    """The items of the catalogue as an export of a viewer has them."""
    with program.app.app_context():
        return [json.loads(line) for line in export.as_jsonl(Selection(with_restricted=False))]


def test_the_pages_of_all_items_are_the_json_lines_of_an_export(program):
    found = followed(program, "/api/items?sort=oldest-import")

    assert len(found) > 25
    assert found == exported(program)


def test_an_item_is_the_json_line_of_an_export(program):
    line = exported(program)[0]

    assert program.read(f"/api/items/{line['id']}") == line


@pytest.mark.parametrize("sort", ["title", "newest-date", "last-modified", "newest-import", "relevance"])
def test_each_order_names_each_item_once(program, sort):
    found = followed(program, f"/api/items?sort={sort}")

    assert sorted(item["id"] for item in found) == [item["id"] for item in exported(program)]


@pytest.mark.parametrize(
    "search",
    [
        {"q": "harbour"},
        {"term": "dcterms:title", "op": "contains", "value": "harbour", "join": "and"},
        {"files": "yes", "size": "50"},
        {"from": "1900", "to": "1990-12"},
    ],
)
def test_a_search_finds_the_items_of_the_page_with_the_same_arguments(stocked_client, program, monkeypatch, search):
    page = stocked_client.get(f"/items/?{urlencode(search | {'size': '100'})}").text
    for limit in ("CHECKED", "TEXTS"):  # of the pages only
        monkeypatch.setattr(catalogue_search, limit, 1)

    found = followed(program, f"/api/items?{urlencode(search)}")

    assert 0 < len(found) < len(exported(program))
    assert {str(item["id"]) for item in found} == set(re.findall(r'href="/items/(\d+)/"', page))


@pytest.mark.parametrize(
    "arguments",
    [
        "state=lost",
        "item_set=first",
        "files=maybe",
        "from=yesterday",
        "sort=colour",
        "size=7",
        "after=abc",
        "after=1,2",
        "qq=harbour",
        "before=3",
        "term=dcterms:title&value=x",
        "repository=1&repository=2",
        "join=and&join=and&term=&term=&op=contains&op=sounds&value=a&value=b",
    ],
)
def test_an_argument_without_effect_is_refused(program, arguments):
    answer = program.get(f"/api/items?{arguments}")

    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert answer.json["detail"]


def test_empty_arguments_of_a_form_of_the_pages_are_accepted(program):
    form = "q=&item_set=&from=&to=&state=&files=&join=and&term=dcterms:title&op=contains&value=&creator="

    assert len(followed(program, f"/api/items?{form}")) == len(exported(program))


def test_a_program_sees_nothing_restricted_even_if_an_admin_owns_its_token(program):
    with program.app.app_context(), transaction():
        closed, other = db.session.scalars(select(CatalogueItem).order_by(CatalogueItem.id).limit(2))
        closed_id, other_id = closed.id, other.id
        closed.is_restricted = True
        other.source_metadata = [entry | {"restricted": True} for entry in other.source_metadata]
        other.mapped_values = {term: [v | {"restricted": True} for v in vs] for term, vs in other.mapped_values.items()}
        other.title_is_restricted = True
        file = {"position": 99, "bitstream_id": "x", "bundle": "ORIGINAL", "name": "secret", "name_is_restricted": True}
        db.session.add(CatalogueFile(item_id=other_id, **file))

    shown = program.read(f"/api/items/{other_id}")

    assert program.get(f"/api/items/{closed_id}").status_code == 403
    assert closed_id not in [item["id"] for item in followed(program, "/api/items")]
    assert (shown["title"], shown["metadata"], shown["values"]) == (None, [], {})
    assert "secret" not in [file["name"] for file in shown["files"]]


def test_item_sets_have_the_number_of_their_items(program):
    with program.app.app_context():
        names = dict(db.session.execute(select(ItemSet.name, ItemSet.id)).all())

    found = program.read("/api/item-sets")

    assert found["next"] is None
    assert [one["name"] for one in found["item_sets"]] == sorted(names)
    for one in found["item_sets"]:
        assert one["items"] == len(followed(program, f"/api/items?item_set={one['id']}")) > 0


def test_a_job_has_its_state_and_counts(program):
    with program.app.app_context():
        total = db.session.scalar(select(db.func.count(CatalogueItem.id)))

    jobs = [program.read(f"/api/jobs/{number}") for number in (1, 2, 3)]

    assert {job["state"] for job in jobs} == {"completed"}
    assert sum(job["counts"]["added"] for job in jobs) == total
    assert all(job["ended"].endswith("Z") and job["source"] for job in jobs)
