"""The pages of the crosswalk of a repository: its fields, changes with a preview, and CSV."""

from __future__ import annotations

import io

import pytest

from connector.catalogue import counts, crosswalk_csv, crosswalk_rules
from connector.catalogue.crosswalk import CrosswalkRules
from connector.extensions import db
from connector.models.catalogue import CatalogueItem
from connector.models.jobs import Job
from connector.repositories import service
from tests.pages import links, words

TABLE = "/repositories/1/crosswalk"
FIELD = f"{TABLE}/field?field=dc.title"


@pytest.fixture
def client(stocked_app, stocked_client):
    """A client before a catalogue whose fields are counted."""
    with stocked_app.app_context():
        counts.count_if_changed()
    return stocked_client


@pytest.fixture
def rules(stocked_app):
    """Return a function that returns the rules in use."""

    def in_use():
        with stocked_app.app_context():
            return crosswalk_rules.in_use(service.get(1))

    return in_use


def upload(client, text):
    return client.post(f"{TABLE}/import", data={"file": (io.BytesIO(text.encode()), "rules.csv")})


def test_the_table_shows_each_field_with_its_counts_its_values_and_its_term(client, stocked_app):
    with stocked_app.app_context():
        found = [item.source_metadata for item in db.session.query(CatalogueItem)]
    values = [entry["value"] for metadata in found for entry in metadata if entry["field"] == "dc.title"]
    having = sum(any(entry["field"] == "dc.title" for entry in metadata) for metadata in found)

    page = client.get(TABLE)

    assert f"dc.title Title {having} {len(values)} {values[0]}" in words(page)
    assert {f"{TABLE}/field?field={entry['field']}" for metadata in found for entry in metadata} <= set(links(page))
    assert "Counted" in words(page)


def test_the_import_options_link_to_the_crosswalk(client):
    assert TABLE in links(client.get("/repositories/1/"))


def test_a_preview_shows_the_values_before_and_after_and_saves_nothing(client, rules):
    page = client.post(FIELD, data={"term": "dcterms:abstract", "preview": "Preview"})

    assert page.status_code == 200
    assert "Title en The customs house & its clock none" in words(page)
    assert rules().terms == {}


def test_a_saved_term_is_used_and_can_be_applied(client, rules, stocked_app):
    client.post(FIELD, data={"term": "dcterms:abstract"})

    page = client.get(TABLE)
    assert rules().terms == {"dc.title": "dcterms:abstract"}
    assert "dc.title Abstract changed" in words(page)
    assert "were mapped with an earlier crosswalk" in words(page)

    answer = client.post(f"{TABLE}/apply")

    with stocked_app.app_context():
        job = db.session.query(Job).order_by(Job.id.desc()).first()
        assert (job.kind, job.repository_id) == ("remap", 1)
        assert answer.location == f"/jobs/{job.id}/"
    assert "Apply crosswalk to" in words(client.get(answer.location))


@pytest.mark.parametrize(("choice", "shown"), [("ignore", "Ignored changed"), ("dc.title", "no term changed")])
def test_a_field_can_be_ignored_or_keep_its_name_and_go_back_to_the_default(client, rules, choice, shown):
    client.post(FIELD, data={"term": choice})
    assert f"dc.title {shown}" in words(client.get(TABLE))

    client.post(FIELD, data={"term": "default"})

    assert (rules().terms, rules().ignored) == ({}, ())


def test_a_term_that_is_not_in_the_list_is_refused(client, rules):
    assert client.post(FIELD, data={"term": "dcterms:nonsense"}).status_code == 422
    assert rules().terms == {}


def test_a_field_that_a_pattern_ignores_says_so(client):
    upload(client, "field,term\ndc.*,ignore\n")

    page = client.get(FIELD)

    assert "This field is ignored because of “ dc.* ”" in words(page)
    assert "<select" not in page.text


def test_a_downloaded_crosswalk_can_be_imported_again(client, rules):
    upload(client, "field,term\ndc.title,dcterms:abstract\ndc.subject.*,ignore\nlocal.none,bibo:doi\n")
    before, text = rules(), client.get(f"{TABLE}.csv").text

    assert "dc.date.issued,default\r\n" in text
    upload(client, "field,term\n")
    assert rules().terms == {}
    assert upload(client, text).status_code == 303
    assert rules().terms == before.terms == {"dc.title": "dcterms:abstract", "local.none": "bibo:doi"}
    assert rules().ignored == before.ignored == ("dc.subject.*",)


def test_a_field_that_a_spreadsheet_would_run_as_a_formula_can_be_imported_again():
    fields, ignoring = ["=local.formula", "-x"], CrosswalkRules(ignored=("-x", "=local.formula"))

    text = crosswalk_csv.write(ignoring, fields)

    assert text.splitlines()[1:] == ["'-x,ignore", "'=local.formula,ignore"]
    assert crosswalk_csv.read(text, fields).ignored == ignoring.ignored


def test_wrong_lines_are_named_and_nothing_is_saved(client, rules):
    lines = [
        "field,term",
        "dc.title,dcterms:abstract",
        "dc.date,dcterms:when",
        "dc.title,ignore",
        "dc.x.*,bibo:doi",
        "x",
    ]

    page = upload(client, "\n".join(lines))

    assert page.status_code == 422
    assert "Line 3: “dcterms:when” is not a term." in words(page)
    assert "Line 4: An earlier line has the field “dc.title”, too." in words(page)
    assert "Line 5: “dc.x.*” stands for several fields." in words(page)
    assert "Line 6: A field such as dc.title and a term are needed." in words(page)
    assert "Line 2" not in words(page)
    assert rules().terms == {}


@pytest.mark.parametrize("text", ["", "dc.title,dcterms:title\n", "\ufeff"])
def test_a_file_without_the_columns_is_refused(client, text):
    assert upload(client, text).status_code == 422


def test_a_file_that_is_not_utf_8_is_refused(client):
    answer = client.post(f"{TABLE}/import", data={"file": (io.BytesIO(b"field,term\n\xff"), "rules.csv")})

    assert (answer.status_code, "not plain text" in answer.text) == (422, True)


def test_before_the_first_counting_the_page_says_so(stocked_client):
    assert "The fields are not counted yet" in words(stocked_client.get(TABLE))


def test_a_preview_leaves_out_what_rules_of_other_fields_change(client):
    upload(client, "field,term\ndc.creator,ignore\n")

    assert "Nothing changes." in words(client.get(FIELD))
    assert "Nothing changes." not in words(client.get(f"{TABLE}/field?field=dc.creator"))


def test_ignored_fields_of_the_import_options_are_part_of_the_crosswalk(client, rules):
    client.post(FIELD, data={"term": "ignore"})

    assert "dc.title" in client.get("/repositories/1/").text
    assert rules().ignored == ("dc.title",)
