"""The filters of a list of many items, which come with a second request, or without script with a link."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from connector.catalogue import search

from .steps import held_route

pytestmark = pytest.mark.browser


@pytest.fixture
def app(stocked_app):
    return stocked_app


@pytest.fixture
def many(monkeypatch):
    monkeypatch.setattr(search, "SHORT", 1)


def height(locator):
    return locator.bounding_box()["y"]


@pytest.mark.parametrize("scripted", [True, False])
def test_the_filters_of_many_items_are_there_after_a_choice_a_step_back_and_a_reload(open_page, site, many, scripted):
    page = open_page(java_script_enabled=scripted)
    filters, chosen = page.get_by_role("complementary", name="Filters"), page.get_by_role("list", name="Chosen filters")
    creator = filters.get_by_role("link", name="Strand, Amalie")
    page.goto(f"{site.url}/items/?repository=1")
    expect(chosen).to_contain_text("Repository")
    if not scripted:
        filters.get_by_role("link", name="Show filters").click()

    creator.click()
    expect(chosen).to_contain_text("Strand, Amalie")
    expect(filters.get_by_role("link", name="1884")).to_be_visible()
    page.go_back()
    expect(creator).to_be_visible()
    page.reload()

    expect(creator).to_be_visible()
    expect(page.get_by_role("link", name="Show filters")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_moves_when_the_filters_arrive(open_page, site, many, width):
    page = open_page(viewport={"width": width, "height": 900})
    request = held_route(page, "**/items/filters?*")
    page.goto(f"{site.url}/items/?repository=1")
    expect(page.get_by_text("Loading the filters.")).to_be_visible()
    last, places = page.locator(".items li").last, page.get_by_role("complementary", name="Filters")
    before = height(last), height(places)

    request().continue_()
    expect(places.get_by_role("link", name="Strand, Amalie")).to_be_visible()

    assert (height(last), height(places)) == before


def test_a_link_shows_the_filters_if_they_could_not_be_loaded(open_page, site, many):
    page = open_page()
    page.route("**/items/filters?*", lambda route: route.fulfill(status=500))
    page.goto(f"{site.url}/items/?repository=1")

    page.get_by_role("link", name="Show filters").click()

    expect(page.get_by_role("complementary", name="Filters").get_by_role("link", name="Strand, Amalie")).to_be_visible()


def test_enter_in_a_row_of_the_advanced_search_searches(open_page, site):
    page = open_page()
    page.goto(f"{site.url}/items/advanced")
    expect(page.get_by_role("main").get_by_role("button", name="Search", exact=True)).to_have_count(1)

    page.get_by_label("Value", exact=True).fill("herring")
    page.keyboard.press("Enter")

    expect(page.get_by_role("list", name="Chosen filters")).to_contain_text("herring")
