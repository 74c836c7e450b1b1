"""A complete walk through the pages by keyboard alone, with script and without it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .steps import press_until_focused, wait_for

pytestmark = pytest.mark.browser
PHOTOGRAPH = "Herring boats leaving at dawn"


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def scripted(request):
    return request.param


def press(page: Page, role: str, name: str) -> None:
    """Go to a control with Tab, and press Enter."""
    press_until_focused(page, role, name)
    page.keyboard.press("Enter")


def test_import_browse_and_undo_by_keyboard_alone(open_page, scripted, site, sample):
    page = open_page(java_script_enabled=scripted)
    page.goto(f"{site.url}/repositories/")
    press_until_focused(page, "textbox", "DSpace site URL")
    page.keyboard.type(f"{sample.url}/handle/{sample.data.named('Harbour photographs').handle}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/repositories/1/**")

    press(page, "button", "Import Harbour photographs")
    page.wait_for_url("**/jobs/1/")
    site.work()
    wait_for(page, scripted, "Completed")

    press(page, "link", "Items")
    page.wait_for_url("**/items/")
    press(page, "link", PHOTOGRAPH)
    expect(page.get_by_role("heading", name=PHOTOGRAPH)).to_be_visible()

    page.goto(f"{site.url}/jobs/1/")
    press(page, "link", "Undo")
    page.wait_for_url("**/jobs/1/undo")
    press(page, "button", "Undo job 1")
    page.wait_for_url("**/jobs/2/")
    wait_for(page, scripted, "Completed")
    press(page, "link", "Items")
    expect(page.get_by_text("The catalogue is empty.")).to_be_visible()
