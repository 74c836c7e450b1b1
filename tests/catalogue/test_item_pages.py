"""The pages of the catalogue: items, an item, item sets."""

from __future__ import annotations

import csv
import io
import re

import pytest

from connector.catalogue.search import Selection
from connector.extensions import db
from connector.jobs import creation
from connector.models.catalogue import CatalogueItem, ItemSet
from connector.tasks import carry_out
from tests.pages import links, neighbours, words

PHOTOGRAPH = "Herring boats leaving at dawn"


@pytest.fixture
def address(stocked_app):
    """Gives the address of the item with this title (None for the one without)."""

    def find(title):
        with stocked_app.app_context():
            return f"/items/{db.session.scalar(db.select(CatalogueItem.id).where(CatalogueItem.title == title))}/"

    return find


def test_items_are_shown_25_a_page(stocked_client):
    first = stocked_client.get("/items/")
    second = stocked_client.get(neighbours(first)["Next"])

    assert "1–25 of 36" in words(first)
    assert "26–36 of 36" in words(second)
    assert len([link for link in links(first) if re.fullmatch(r"/items/\d+/", link)]) == 25


@pytest.mark.parametrize("key", ["", "x", "1,2", "null", "[1]", "1e999", "NaN", "9" * 30, "9" * 5000, "[" * 900])
@pytest.mark.parametrize("name", ["after", "before"])
def test_an_invalid_position_shows_the_start_of_the_list(stocked_client, name, key):
    assert "1–25 of 36" in words(stocked_client.get("/items/", query_string={name: key}))


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("q=herring", 1),
        ("q=strand+1884", 2),
        ("q=nothing-like-it", 0),
        ("job=1", 12),
        ("job=1&q=herring", 1),
        ("repository=1", 36),
        ("repository=2", 0),
        ("item_set=1", 12),
        ("item_set=&repository=&job=&q=", 36),
    ],
)
def test_items_are_found_by_words_set_repository_and_import(stocked_client, query, number):
    page = stocked_client.get(f"/items/?{query}")
    rows = list(csv.reader(io.StringIO(stocked_client.get(f"/items.csv?{query}").get_data(as_text=True))))

    sentence = f"{number} item{'' if number == 1 else 's'} " if number else "No items match"
    assert sentence in words(page)
    assert len(rows) == number + 1


def test_a_search_that_finds_nothing_says_that_short_words_must_be_whole(stocked_client):
    assert "found only as whole words" in words(stocked_client.get("/items/?q=he"))


@pytest.mark.parametrize("query", ["word " * 31, "x" * 1001])
def test_a_search_that_is_too_long_is_shown_again_with_the_reason(stocked_client, query):
    page = stocked_client.get("/items/", query_string={"q": query})

    assert page.status_code == 422
    assert "Use at most" in words(page)
    assert f'value="{query}"' in page.text
    assert "Original" not in words(page)
    assert stocked_client.get("/items.csv", query_string={"q": query}).status_code == 422


def test_the_items_of_an_import_are_found_without_going_through_its_changes_for_each(stocked_app):
    with stocked_app.app_context():
        query = Selection(job_id=1).query(CatalogueItem.id).compile(db.engine, compile_kwargs={"literal_binds": True})
        plan = db.session.execute(db.text(f"EXPLAIN QUERY PLAN {query}")).all()

        assert "CORRELATED" not in " ".join(step.detail for step in plan)


def test_an_item_shows_every_value_with_its_language_and_links_to_its_source(stocked_client, stocked_sample, address):
    page = stocked_client.get(address(PHOTOGRAPH))

    assert "Subject en Boats en Fishing de Boote fr Bateaux" in words(page)
    assert "Creator Strand, Amalie Strand, Jens" in words(page)
    assert b'lang="de"' in page.data
    assert "Other DSpace fields local.shelfmark Cab. 1, plate 1" in words(page)
    assert f"{stocked_sample.url}/handle/{stocked_sample.data.named(PHOTOGRAPH).handle}" in links(page)
    assert "Last modified 3 Mar 2025" in words(page)
    assert "Imported by Job 1" in words(page)
    assert "Item sets Harbour photographs" in words(page)


def test_the_fields_of_dspace_are_shown_unchanged(stocked_client, stocked_sample, address):
    item = stocked_sample.data.named(PHOTOGRAPH)

    page = words(stocked_client.get(address(PHOTOGRAPH)))
    table = page.partition("Original DSpace fields")[2]

    assert "dc.subject Boats en" in table
    assert f"({len(item.metadata)})" in table


def test_files_are_shown_with_size_type_and_status(stocked_client, address):
    photograph = words(stocked_client.get(address(PHOTOGRAPH)))
    embargoed = words(stocked_client.get(address("Embargoed file beside an open one")))

    assert "harbour-01.png Master scan ORIGINAL image/png 4.8 kB stored" in photograph
    assert "license.txt at the source LICENSE text/plain 90 bytes not downloaded" in photograph
    assert "embargoed.txt at the source ORIGINAL text/plain 21 bytes no access" in embargoed


def test_scripts_in_values_are_text(stocked_client, address):
    page = stocked_client.get(address("<script>alert(1)</script>"))

    assert b"<script>alert" not in page.data
    assert b"<img src=x" not in page.data
    assert "<script>alert(1)</script>" in page.get_data(as_text=True).replace("&lt;", "<").replace("&gt;", ">")


def test_an_item_without_title_is_untitled_everywhere(stocked_client, address):
    page = stocked_client.get(address(None))

    assert "Untitled Untitled, Una" in words(page)
    assert "Untitled" in words(stocked_client.get("/items/?q=This+item+has+no+title"))


def test_right_to_left_text_finds_its_direction(stocked_client, address):
    page = stocked_client.get(address("عنوان من اليمين إلى اليسار (RTL) with English"))

    assert '<h1 dir="auto">عنوان' in page.get_data(as_text=True)
    assert b'lang="ar" dir="auto"' in page.data


def test_an_item_that_is_missing_at_the_source_stays_and_says_so(stocked_app, stocked_client, address):
    with stocked_app.app_context():
        db.session.execute(
            db.update(CatalogueItem)
            .where(CatalogueItem.title == PHOTOGRAPH)
            .values(source_state="vanished", state_since=db.func.datetime("2026-03-04 10:20:00.000000"))
        )
        db.session.commit()

    page = stocked_client.get(address(PHOTOGRAPH))

    assert "No longer at the source, noticed 4 Mar 2026" in words(page)
    assert "missing at source" in words(stocked_client.get("/items/?q=herring"))


def test_the_page_of_an_unknown_item_says_that_it_does_not_exist(stocked_client):
    page = stocked_client.get("/items/999/")

    assert page.status_code == 404
    assert "There is no item 999." in words(page)


def test_item_sets_are_listed_with_their_number_of_items(stocked_client):
    page = stocked_client.get("/item-sets/")

    assert "Harbour photographs 12 items" in words(page)


def test_an_item_set_shows_its_description_with_harmless_html_only(stocked_app, stocked_client):
    with stocked_app.app_context():
        set_id = db.session.scalar(db.select(ItemSet.id).where(ItemSet.name == "Harbour photographs"))

    page = stocked_client.get(f"/item-sets/{set_id}/")

    assert b"<b>Strand family</b>" in page.data
    assert b"must never run" not in page.data
    assert PHOTOGRAPH in words(page)
    assert stocked_client.get("/item-sets/99/").status_code == 404


def test_an_undo_removes_the_items_and_the_item_set_from_the_pages(stocked_app, stocked_client, address):
    before = address(PHOTOGRAPH)
    with stocked_app.app_context():
        assert carry_out(creation.create_undo(1))

    assert stocked_client.get(before).status_code == 404
    assert "Harbour photographs" not in words(stocked_client.get("/item-sets/"))


def test_an_empty_catalogue_links_to_the_first_import(client):
    assert "The catalogue is empty. Import from DSpace" in words(client.get("/items/"))
    assert "There are no item sets." in words(client.get("/item-sets/"))
