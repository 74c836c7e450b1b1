"""The catalogue as people use it, with script and without: search, viewer, item sets, exports and crosswalk."""

from __future__ import annotations

import csv
import io

import pytest
from playwright.sync_api import expect

from connector.catalogue import counts

from .steps import numbers, wait_for

pytestmark = pytest.mark.browser
PHOTOGRAPH = "Herring boats leaving at dawn"


@pytest.fixture
def app(stocked_app):
    with stocked_app.app_context():
        counts.count_if_changed()
    return stocked_app


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def scripted(request):
    return request.param


@pytest.fixture
def page(open_page, scripted, site):
    page = open_page(java_script_enabled=scripted)
    page.goto(f"{site.url}/items/")
    return page


def test_an_item_is_found_by_words_and_filters_and_its_picture_is_viewed(page, scripted):
    chosen, total = page.get_by_role("list", name="Chosen filters"), page.get_by_role("status").locator("span")
    page.get_by_label("Words in any value").fill('"herring boats" -map')
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("mark").first).to_have_text("Herring boats")
    page.get_by_role("link", name="Image").first.click()
    expect(chosen).to_contain_text("Type: Image")
    page.get_by_label("View").select_option("Table")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("columnheader", name="Creator")).to_be_visible()
    expect(total.filter(has_text="1 item")).to_be_visible()

    page.get_by_role("link", name=PHOTOGRAPH).click()
    page.get_by_role("link", name="harbour-01.png", exact=True).last.click()
    zoom = page.get_by_role("button", name="Zoom in")
    expect(zoom).to_have_count(1 if scripted else 0)
    expect(page.get_by_role("link", name="Download harbour-01.png")).to_be_visible()
    page.get_by_role("link", name=PHOTOGRAPH).click()
    page.get_by_role("link", name="Strand, Jens").first.click()

    expect(chosen).to_contain_text("Creator: Strand, Jens")


def test_rows_of_the_advanced_search_are_added_and_combined(page):
    page.get_by_role("link", name="Advanced search").click()
    page.get_by_label("Property").select_option("Title")
    page.get_by_label("Value", exact=True).fill("herring")
    page.get_by_role("button", name="Add a row").click()
    second = page.get_by_role("group", name="Row 2")
    second.get_by_label("Combine").select_option("Or")
    second.get_by_label("Value", exact=True).fill("regatta")
    page.get_by_label("Type").select_option("Image")
    page.get_by_label("Date to").fill("1911")
    page.get_by_role("button", name="Search", exact=True).click()

    expect(page.locator(".items a.name")).to_have_text(["Regatta day", PHOTOGRAPH])
    page.get_by_role("link", name="Remove the filter Or: Any property contains “regatta”").click()
    expect(page.locator(".items a.name")).to_have_text([PHOTOGRAPH])


def test_pages_of_a_list_are_chosen_by_number(page):
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="2", exact=True).click()

    expect(page.get_by_text("26–36 of 36")).to_be_visible()
    expect(page.locator(".page-numbers [aria-current]")).to_have_text("2")


def test_an_item_set_is_made_filled_renamed_emptied_and_deleted(page):
    page.get_by_label("Sort by").select_option("Title")
    page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_url("**sort=title**")
    for title in ("Closed bundle", "Control characters"):
        page.get_by_label(title, exact=True).check()
    page.get_by_label("Name of a new item set").fill("Exhibition")
    page.get_by_role("button", name="Put into item set").click()
    page.locator("#messages").get_by_role("link", name="Exhibition").click()
    expect(page.locator(".items a.name")).to_have_count(2)

    page.get_by_role("link", name="Edit item set").click()
    page.get_by_label("Name").fill("Exhibition 2027")
    page.get_by_label("Description").fill("In the main hall")
    page.get_by_role("button", name="Save item set").click()
    expect(page.get_by_role("heading", name="Exhibition 2027")).to_be_visible()
    expect(page.get_by_text("In the main hall")).to_be_visible()

    page.get_by_label("Closed bundle", exact=True).check()
    page.get_by_role("button", name="Take out of this item set").click()
    expect(page.locator(".items a.name")).to_have_text(["Control characters"])
    page.get_by_label("All items of this list (1)").check()
    page.get_by_role("button", name="Take out of this item set").click()
    expect(page.get_by_text("Tick items in a list")).to_be_visible()

    page.get_by_role("link", name="Delete item set").click()
    page.get_by_role("button", name="Delete item set").click()
    expect(page.get_by_role("link", name="Exhibition 2027")).to_have_count(0)
    page.get_by_role("link", name="Items", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="36 items")).to_be_visible()


def test_what_a_search_finds_is_exported(page, scripted, site):
    page.get_by_label("Words in any value").fill("herring")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("mark").first).to_have_text("Herring")
    page.get_by_role("link", name="Export", exact=True).click()
    page.get_by_label("Separator").fill("|")
    page.get_by_role("button", name="Export items").click()
    site.work()
    wait_for(page, scripted, "Completed")

    with page.expect_download() as download:
        page.get_by_role("link", name="Download export-").click()
    [row] = csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8")))
    assert row["title"] == PHOTOGRAPH
    assert row["dcterms:creator"] == "Strand, Amalie|Strand, Jens"


def test_a_crosswalk_is_changed_after_a_preview_applied_and_undone(page, scripted, site):
    page.goto(f"{site.url}/repositories/1/crosswalk")
    page.get_by_role("link", name="dc.subject", exact=True).click()
    page.get_by_label("Term").select_option("Audience")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("row", name="Audience").first).to_contain_text("Boats")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="dc.subject").first).to_contain_text("changed")

    page.get_by_role("button", name="Apply crosswalk to the items").click()
    site.work()
    wait_for(page, scripted, "Completed")
    job = page.url
    page.goto(f"{site.url}/items/1/")
    expect(page.get_by_role("term").filter(has_text="Audience")).to_be_visible()

    page.goto(job)
    page.get_by_role("link", name="Undo", exact=True).click()
    page.get_by_role("button", name="Undo job").click()
    wait_for(page, scripted, "Completed")
    assert "Restored 0" not in numbers(page)
    page.goto(f"{site.url}/items/1/")
    expect(page.get_by_role("term").filter(has_text="Audience")).to_have_count(0)
