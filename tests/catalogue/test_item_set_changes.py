"""Item sets that editors make, change, delete and fill."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from connector.catalogue import item_set_changes
from connector.catalogue.item_set_changes import SetTexts
from connector.errors import InvalidInputError
from connector.extensions import db, transaction
from connector.imports.import_options import ImportOptions
from connector.imports.recording.item_set_assignment import ItemSetAssigner
from connector.models.accounts import Role
from connector.models.catalogue import CatalogueItem, ItemSet, Membership
from connector.models.jobs import Job
from connector.web.catalogue import item_lists
from tests import signed_in
from tests.pages import hidden_fields, words


@pytest.fixture
def app(stocked_app):
    with stocked_app.app_context():
        yield stocked_app


@pytest.fixture
def browser(app, stocked_client):
    return stocked_client


def shown(page) -> list[str]:
    return re.findall(r'name="item" value="(\d+)"', page.text)


def members(item_set_id: int) -> set[int]:
    return set(db.session.scalars(select(Membership.item_id).where(Membership.item_set_id == item_set_id)))


def named(name: str) -> int:
    return db.session.scalars(select(ItemSet.id).where(ItemSet.name == name)).one()


def those(*item_ids: int):
    return select(CatalogueItem.id).where(CatalogueItem.id.in_(item_ids))


def test_an_editor_makes_an_item_set_changes_it_and_deletes_it_and_its_items_stay(app, browser):
    held = db.session.query(CatalogueItem).count()
    browser.post("/item-sets/new", data={"name": " Boats ", "description": "All <b>boats</b>", "license": "CC0"})
    boats = named("Boats")
    browser.post("/item-sets/items", data={"item": [1, 2], "target": boats})
    browser.post(f"/item-sets/{boats}/edit", data={"name": "Ships", "license": ""})
    page = browser.get(f"/item-sets/{boats}/")

    assert "Ships" in words(page)
    assert "2 items" in words(page)
    assert "CC0" not in words(page)
    assert "Ships" in words(browser.get(f"/item-sets/{boats}/delete"))
    assert named("Ships") == boats
    assert "“ Ships ” deleted" in words(browser.post(f"/item-sets/{boats}/delete", follow_redirects=True))
    assert db.session.get(ItemSet, boats) is None
    assert db.session.query(CatalogueItem).count() == held


@pytest.mark.parametrize("name", ["", "   ", "x" * 501])
def test_a_set_without_a_usable_name_is_refused_at_its_field(app, browser, name):
    page = browser.post("/item-sets/new", data={"name": name, "rights": "kept text"})

    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text
    assert 'value="kept text"' in page.text


def test_two_sets_that_people_make_cannot_have_one_name(app, browser):
    item_set_changes.create(SetTexts("Boats"))

    assert "already an item set “Boats”" in words(browser.post("/item-sets/new", data={"name": "Boats"}))
    with pytest.raises(InvalidInputError, match="Boats"):
        item_set_changes.change(item_set_changes.create(SetTexts("Ships")), SetTexts("Boats"))


def test_all_items_that_a_search_finds_go_into_a_new_set(app, browser):
    found = words(browser.get("/items/?q=strand"))
    page = browser.post(
        "/item-sets/items", data={"every": "on", "q": "strand", "new_set": "Strand family"}, follow_redirects=True
    )

    count = len(members(named("Strand family")))
    assert count > 1
    assert f"{count} items" in found
    assert f"Put into Strand family : {count} items" in words(page)
    assert page.request.args["q"] == "strand"


@pytest.mark.parametrize(
    ("address", "action"),
    [
        ("/items/?q=a&sort=title&size=25&view=grid&page=2", "/item-sets/items"),
        ("/items/?sort=title&after=%22m%22%2C+1", "/item-sets/items"),
        ("/item-sets/1/?page=1", "/item-sets/items"),
        ("/item-sets/1/?page=1", "/item-sets/1/take-out"),
    ],
)
def test_the_same_page_of_the_list_follows_a_change_of_a_set(browser, address, action):
    before = browser.get(address)
    ticked = {"item": shown(before)[:1], "target": 1}

    after = browser.post(action, data=hidden_fields(before) | ticked, follow_redirects=True)

    assert after.status_code == 200
    assert hidden_fields(after) == hidden_fields(before)
    assert after.request.path == before.request.path
    assert "take-out" in action or shown(after) == shown(before) != []


def test_an_item_is_counted_once_however_often_it_is_put_in(app):
    boats = item_set_changes.create(SetTexts("Boats"))

    assert item_set_changes.put_in(boats, those(1, 2)) == 2
    assert item_set_changes.put_in(boats, those(2, 3)) == 1
    assert item_set_changes.take_out(boats, those(2, 9)) == 1
    assert item_set_changes.take_out(boats, those(2)) == 0
    assert members(boats) == {1, 3}


@pytest.mark.parametrize(
    ("data", "sentence"), [({"target": 1}, "No item is ticked."), ({"item": 1}, "Choose an item set")]
)
def test_nothing_is_put_in_without_a_choice(app, browser, data, sentence):
    before = members(1)

    assert sentence in words(browser.post("/item-sets/items", data=data))
    assert members(1) == before


def test_all_items_of_a_page_are_put_in_at_once(app, browser, monkeypatch):
    monkeypatch.setattr(item_lists, "SIZES", (2, 1000))
    page = browser.get("/items/?sort=title&after=first")

    browser.post("/item-sets/items", data={"shown": shown(page), "whole_page": "on", "new_set": "Boats"})

    assert "All items of this page (2)" in words(page)
    assert re.findall(r'name="shown" value="(\d+)"', page.text) == shown(page)
    assert members(named("Boats")) == set(map(int, shown(page)))
    assert "All items of this page" not in words(browser.get("/items/?size=1000"))


def test_viewers_see_item_sets_and_no_way_to_change_them(app):
    signed_in.admit(app, "Vera", Role.VIEWER, "the session of Vera")
    viewer = FlaskClient(app)
    kept = signed_in.cookie(app, "the session of Vera")
    viewer.set_cookie(kept["name"], kept["value"])

    page = viewer.get("/item-sets/1/")
    assert page.status_code == 200
    assert "ticked" not in page.text
    assert "Edit item set" not in page.text
    for address in ("/item-sets/new", "/item-sets/1/edit", "/item-sets/1/delete", "/item-sets/1/take-out"):
        assert viewer.post(address, data={"name": "x", "item": 1}).status_code == 403, address
    assert viewer.post("/item-sets/items", data={"target": 1, "item": 1}).status_code == 403


def test_an_import_goes_on_when_its_set_is_deleted_in_between(app):
    job = db.session.get(Job, 1)
    options = ImportOptions.from_json({"item_set": "Boats"})
    assigner = ItemSetAssigner(job.id, job.source_id, None, None, options)
    with transaction():
        assigner.add([(None, 1)])
    item_set_changes.remove(named("Boats"))

    with transaction():
        assigner.add([(None, 2)])

    assert members(named("Boats")) == {2}


def test_a_set_that_was_chosen_and_deleted_is_made_again_once(app):
    job, boats = db.session.get(Job, 1), item_set_changes.create(SetTexts("Boats"))
    options = ImportOptions.from_json({"item_set": "Boats", "item_set_id": boats})
    item_set_changes.remove(boats)

    for item_id in (1, 2):
        with transaction():
            ItemSetAssigner(job.id, job.source_id, None, None, options).add([(None, item_id)])

    assert members(named("Boats")) == {1, 2}


def test_a_renamed_set_stays_the_chosen_one(app):
    job, boats = db.session.get(Job, 1), item_set_changes.create(SetTexts("Boats"))
    item_set_changes.change(boats, SetTexts("Ships"))
    item_set_changes.create(SetTexts("Boats"))
    options = ImportOptions.from_json({"item_set": "Boats", "item_set_id": boats})

    with transaction():
        ItemSetAssigner(job.id, job.source_id, None, None, options).add([(None, 1)])

    assert members(boats) == {1}
