"""The menu on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripted", [True, False])
def test_the_menu_folds_on_a_phone(open_page, site, scripted):
    page = open_page(viewport={"width": 390, "height": 800}, java_script_enabled=scripted)
    page.goto(f"{site.url}/items/")
    sets = page.get_by_role("link", name="Item sets")
    expect(sets).to_be_hidden()

    page.get_by_text("Menu", exact=True).click()
    sets.click()

    expect(page.get_by_role("heading", name="Item sets")).to_be_visible()


def test_the_menu_is_open_on_a_wide_screen(open_page, site):
    page = open_page()
    page.goto(f"{site.url}/items/")

    expect(page.get_by_text("Menu", exact=True)).to_be_hidden()
    expect(page.get_by_role("link", name="Item sets")).to_be_visible()
