"""The list of changes of a preview: ticks on several of its pages, and the import of the ticked items."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from connector.dspace.records import ScopeKind
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.models.jobs import Kind
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.sample import SampleRepository

from .steps import assert_fits, press_until_focused, wait_for

pytestmark = pytest.mark.browser
GAZETTE = "Aldermouth Gazette"  # 45 items: two pages


@pytest.fixture
def looked(app: Flask, sample: SampleRepository) -> int:
    """A preview of an import of the Gazette, which was never imported: the job's id."""
    with app.app_context():
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        scope = discovery.find(repository_id, ScopeKind.COLLECTION, sample.data.named(GAZETTE).handle).scope
        job_id = queueing.create(service.source_for(repository_id, scope), ImportOptions(), kind=Kind.PREVIEW)
        assert carry_out(job_id)
        return job_id


def ticked(page: Page) -> list[int]:
    """The places, from 0, of what is ticked on the page."""
    page.wait_for_load_state("load")
    boxes = page.locator("tbody").get_by_role("checkbox")
    return [place for place in range(boxes.count()) if boxes.nth(place).is_checked()]


@pytest.mark.parametrize("scripted", [True, False], ids=["with script", "without script"])
def test_only_items_ticked_on_two_pages_are_imported(open_page, site, looked, scripted):
    page = open_page(java_script_enabled=scripted)
    page.goto(f"{site.url}/jobs/{looked}/preview/")
    boxes = page.locator("tbody").get_by_role("checkbox")
    expect(page.get_by_text("0 of 45 ticked")).to_be_visible()

    boxes.nth(1).check()
    boxes.nth(3).check()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("2 of 45 ticked")).to_be_visible()
    boxes.nth(0).check()
    page.get_by_role("button", name="New 45").click()
    expect(page.get_by_text("3 of 45 ticked")).to_be_visible()
    assert ticked(page) == [1, 3]
    page.get_by_role("button", name="Import the ticked items").click()
    page.wait_for_url("**/jobs/2/")
    site.work()
    wait_for(page, scripted, "Completed")

    expect(page.get_by_text("3 of 3 items")).to_be_visible()


def test_many_items_can_be_ticked_with_the_keyboard(open_page, site, looked):
    page = open_page()
    page.goto(f"{site.url}/jobs/{looked}/preview/")

    press_until_focused(page, "button", "Tick all of this page")
    page.keyboard.press("Enter")
    expect(page.get_by_text("25 of 45 ticked")).to_be_visible()
    press_until_focused(page, "button", "Tick all new")
    page.keyboard.press("Enter")
    expect(page.get_by_text("45 of 45 ticked")).to_be_visible()
    press_until_focused(page, "button", "Untick all")
    page.keyboard.press("Space")
    expect(page.get_by_text("0 of 45 ticked", exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_is_no_wider_than_a_small_screen(open_page, site, looked, scheme):
    page = open_page(viewport={"width": 400, "height": 800}, color_scheme=scheme)
    page.goto(f"{site.url}/jobs/{looked}/preview/")

    assert_fits(page, f"Preview of {GAZETTE}")
