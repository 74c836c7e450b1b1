"""The viewer of pictures, with script, without it, and by keyboard alone."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from connector.dspace.records import ScopeKind
from connector.extensions import db
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.models.catalogue import CatalogueFile
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.sample import SampleRepository

from .steps import assert_fits, press_until_focused

pytestmark = pytest.mark.browser
ZOOM = "() => viewer.viewport.getZoom() / viewer.viewport.getHomeZoom()"


@pytest.fixture
def address(app: Flask, site, sample: SampleRepository) -> str:
    """The page of an item with a picture."""
    with app.app_context():
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        handle = sample.data.named("Harbour photographs").handle
        scope = discovery.find(repository_id, ScopeKind.COLLECTION, handle).scope
        assert carry_out(queueing.create(service.source_for(repository_id, scope), ImportOptions(files=True)))
        file = db.session.scalars(db.select(CatalogueFile).where(CatalogueFile.media_type == "image/png")).first()
        return f"{site.url}/items/{file.item_id}/"


def open_picture(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(".files a[href*='/viewer/']").first.click()


def test_a_picture_is_zoomed_moved_and_turned_with_buttons_and_keys(open_page, address):
    page = open_page(reduced_motion="reduce")
    open_picture(page, address)
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_function(f"({ZOOM})() > 1.4")
    page.get_by_role("button", name="Whole picture").click()
    page.wait_for_function(f"({ZOOM})() < 1.01")
    page.get_by_role("button", name="Turn right").click()
    page.wait_for_function("viewer.viewport.getRotation() === 90")
    page.get_by_role("application").focus()
    page.keyboard.press("+")
    page.wait_for_function(f"({ZOOM})() > 1.05")

    assert_fits(page, page.locator("h1").inner_text())


def test_the_keyboard_reaches_the_picture_and_leaves_it(open_page, address):
    page = open_page()
    open_picture(page, address)
    page.get_by_role("button", name="Zoom in").wait_for()
    label = page.locator("#picture").get_attribute("data-label")

    press_until_focused(page, "application", label)
    press_until_focused(page, "button", "Zoom in")


def test_without_script_the_picture_is_shown_as_it_is(open_page, address):
    page = open_page(java_script_enabled=False)
    open_picture(page, address)

    expect(page.locator("#picture img")).to_be_visible()
    expect(page.get_by_role("button", name="Zoom in")).to_be_hidden()


def test_a_picture_that_cannot_be_opened_leaves_the_plain_one_and_the_download(open_page, address):
    page = open_page()
    page.goto(address)
    page.route("**/files/**", lambda route: route.abort())
    page.locator(".files a[href*='/viewer/']").first.click()
    page.locator("#picture > img").wait_for(state="attached")

    expect(page.get_by_role("button", name="Zoom in")).to_be_hidden()
    expect(page.get_by_role("link", name="Download")).to_be_visible()
