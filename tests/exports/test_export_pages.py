"""The pages of exports, and who may download a file."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from connector.accounts import passwords
from connector.extensions import db, transaction
from connector.models.accounts import Role
from connector.models.catalogue import CatalogueItem, ItemSet
from connector.models.jobs import Job
from connector.tasks import carry_out
from connector.web.catalogue import export_pages
from tests.accounts.conftest import QUICK, Office
from tests.pages import words


@pytest.fixture
def office(stocked_app, monkeypatch) -> Office:
    """Return an app with two viewers, an editor and an admin."""
    monkeypatch.setattr(passwords, "_hasher", QUICK)
    office = Office(stocked_app)
    for name in ("vera", "victor"):
        office.add(name)
    office.add("ed", Role.EDITOR)
    office.add("ada", Role.ADMIN)
    return office


@pytest.fixture
def secret(office) -> str:
    """Restrict an item and return its id at the source."""
    with office.app.app_context(), transaction():
        item = db.session.scalars(select(CatalogueItem).order_by(CatalogueItem.id).limit(1)).one()
        item.is_restricted = True
        return item.source_id


def start(browser, address: str = "/exports/new", **values) -> str:
    """Send the form of a page with its hidden fields. Carry the job out and return the address of its page."""
    page = browser.get(address).text
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    form = {name: value for name, value in hidden if name != "csrf_token"}
    answer = browser.post("/exports/", data=form | {"form": "jsonl", "separator": "||"} | values)
    assert answer.status_code == 303, words(answer)
    with browser.application.app_context():
        assert carry_out(int(answer.location.split("/")[2]))
    return answer.location


def link(page: str) -> str:
    return re.search(r'href="(/exports/[^"]*)" download', page)[1]


def test_a_viewer_exports_the_whole_catalogue_without_restricted_items(office, secret):
    viewer = office.enter("vera")

    page = viewer.get(start(viewer, restricted="y")).text
    file = viewer.get(link(page), buffered=True)

    assert file.headers["Content-Disposition"].startswith("attachment; filename=export-")
    assert len(file.text.splitlines()) > 10
    assert secret not in file.text


def test_an_editor_chooses_whether_restricted_items_are_exported(office, secret):
    editor = office.enter("ed")

    files = [
        editor.get(link(editor.get(start(editor, **values)).text), buffered=True)
        for values in ({}, {"restricted": "y"})
    ]

    assert [secret in file.text for file in files] == [False, True]


def test_only_the_person_who_started_an_export_and_admins_download_its_file(office):
    viewer = office.enter("vera")
    job = start(viewer)
    address = link(viewer.get(job).text)

    answers = {name: office.enter(name).get(address, buffered=True).status_code for name in ("victor", "ed", "ada")}

    assert answers == {"victor": 403, "ed": 403, "ada": 200}
    assert "Only the person who started the export" in words(office.enter("ed").get(job))


def test_an_editor_who_became_a_viewer_cannot_download_restricted_items(office, secret):
    editor = office.enter("ed")
    address = link(editor.get(start(editor, restricted="y")).text)
    with office.app.app_context(), transaction():
        db.session.execute(db.text("UPDATE account SET role = 'viewer' WHERE name = 'ed'"))

    assert editor.get(address, buffered=True).status_code == 403


def test_a_viewer_stops_an_own_export_and_no_other_job(office):
    viewer = office.enter("vera")
    made = viewer.post("/exports/", data={"every": "on", "form": "csv", "separator": "||"}).location
    others = office.enter("victor")

    assert 'formaction="' + made + "stop" in viewer.get(made).text
    assert "/stop" not in others.get(made).text
    assert [browser.post(made + "stop").status_code for browser in (others, viewer)] == [403, 303]
    assert viewer.post("/jobs/1/stop").status_code == 403


def test_a_search_an_item_set_and_a_source_are_exported(office):
    viewer = office.enter("vera")
    with office.app.app_context():
        item_set, name = db.session.execute(select(ItemSet.id, ItemSet.name).order_by(ItemSet.id).limit(1)).one()
    counts = []
    for address in (f"/exports/new?item_set={item_set}", "/exports/new?source=1", "/exports/new?q=harbour+lighthouse"):
        file = viewer.get(link(viewer.get(start(viewer, address)).text), buffered=True)
        counts.append(len(file.text.splitlines()))

    with office.app.app_context():
        everything = len(db.session.scalars(select(CatalogueItem.id)).all())
    assert name == "Harbour photographs"
    assert counts[0] == counts[1] > counts[2] > 0
    assert counts[0] < everything


def test_ticked_items_are_exported(office):
    editor = office.enter("ed")

    page = editor.post("/exports/new", data={"item": ["2", "3"], "q": "anything"}).text

    assert "Export 2 items" in page
    assert re.findall(r'name="item" value="(\d+)"', page) == ["2", "3"]


@pytest.mark.parametrize("address", ["/exports/new", "/exports/new?source=1", "/exports/new?item_set=1"])
def test_the_number_of_items_to_export_is_counted_up_to_a_limit(office, monkeypatch, address):
    monkeypatch.setattr(export_pages, "COUNTED", 3)

    assert "Export more than 3 items" in office.enter("vera").get(address).text


def test_all_items_of_a_list_are_exported_with_its_filter(office):
    editor = office.enter("ed")

    page = editor.post("/exports/new", data={"every": "on", "item": ["2"], "item_set": "1"}).text

    assert 'name="every" value="on"' in page and 'name="item_set" value="1"' in page
    assert 'name="item" value' not in page


@pytest.mark.parametrize("values", [{"form": "doc"}, {"separator": ""}, {"separator": '"'}, {"separator": "a b"}])
def test_a_wrong_format_or_separator_is_refused_at_its_field(office, values):
    refused = office.enter("vera").post("/exports/", data={"every": "on", "form": "csv", "separator": "|"} | values)

    assert refused.status_code == 422
    assert "Export items" in refused.text


def test_the_lists_lead_to_the_export(office):
    viewer, editor = office.enter("vera"), office.enter("ed")

    assert 'href="/exports/new?q=harbour"' in viewer.get("/items/?q=harbour").text
    assert 'href="/exports/new?item_set=1"' in viewer.get("/item-sets/1/").text
    assert 'href="/exports/new?source=1"' in viewer.get("/sources/1/").text
    assert 'formaction="/exports/new"' in editor.get("/items/").text


def test_past_imports_and_the_audit_trail_name_an_export(office):
    viewer = office.enter("vera")
    start(viewer)

    assert "JSON Lines: " in words(viewer.get("/jobs/"))
    assert next(entry for entry in office.trail() if entry[1] == "export")[0] == "vera"
    with office.app.app_context():
        job = db.session.scalars(select(Job).order_by(Job.id.desc()).limit(1)).one()
        assert job.owner == "vera"


def test_the_page_of_an_export_names_each_item_that_is_not_exported_as_it_is(office):
    editor = office.enter("ed")

    page = words(editor.get(start(editor, form="saf")))

    assert "Completed with problems" in page
    assert "In the export, .hidden is named hidden." in page
