"""A form below a list that is refused shows the same list again, with what was chosen in it."""

from __future__ import annotations

import re

import pytest

from connector.extensions import db, transaction
from connector.models.publishing import Destination
from tests.pages import hidden_fields, words

ADDRESSES = ["/item-sets/items", "/exports/new", "/publish/"]
UNTICKED = "No item is ticked. Tick items, or “All items of this list”."


def shown(page):
    return re.findall(r'name="item" value="(\d+)"', page.text)


def ticked(page):
    return re.findall(r'name="item" value="(\d+)"[^>]* checked', page.text)


@pytest.fixture
def client(stocked_app, stocked_client):
    key = {"key_identity": "key", "key_secret": "sealed", "version": "4.2.0", "is_public": True}
    with stocked_app.app_context(), transaction():
        db.session.add_all(Destination(name=name, api_url=f"https://{name}.example/api", **key) for name in "ab")
    return stocked_client


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_ticked_shows_the_same_page_of_the_list_with_the_choices(client, address):
    before = client.get("/items/?q=harbour&view=table&sort=title&before=last")
    chosen = {"target": "1", "new_set": "Boats", "destination": "2"}

    page = client.post(address, data=hidden_fields(before) | chosen)

    assert page.status_code == 422
    assert UNTICKED in words(page)
    assert shown(page) == shown(before) != []
    assert "items-table" in page.text
    assert hidden_fields(page) == hidden_fields(before)
    assert '<option value="1" selected dir="auto">' in page.text
    assert '<option value="2" selected>b</option>' in page.text
    assert 'name="new_set" maxlength="500" value="Boats"' in page.text


@pytest.mark.parametrize("view", ["list", "grid", "table"])
def test_ticks_stay_when_no_item_set_is_chosen(client, view):
    chosen = shown(client.get("/items/"))[1:3]

    page = client.post("/item-sets/items", data={"item": chosen, "view": view})

    assert page.status_code == 422
    assert "Choose an item set" in words(page)
    assert ticked(page) == chosen


@pytest.mark.parametrize("address", ["/item-sets/1/take-out", "/item-sets/items"])
def test_nothing_ticked_in_an_item_set_shows_the_set_again(client, address):
    before = client.get("/item-sets/1/")

    page = client.post(address, data=hidden_fields(before))

    assert page.status_code == 422
    assert UNTICKED in words(page)
    assert "Search these items" in words(page)
    assert shown(page) == shown(before) != []
