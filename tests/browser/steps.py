"""Steps on pages that several browser tests share."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.sample import SampleRepository

from .conftest import Site


def connect(page: Page, site: Site, sample: SampleRepository) -> None:
    page.goto(f"{site.url}/repositories/")
    page.get_by_label("DSpace site URL").fill(sample.url)
    page.get_by_role("button", name="Get collections and communities").click()
    page.wait_for_url("**/repositories/1/")


def open_tab(page: Page, name: str) -> None:
    page.locator(".tablist").get_by_text(name, exact=True).locator("visible=true").click()


def import_photographs(page: Page, scripted: bool) -> None:
    page.get_by_label("Import files").check()
    page.get_by_label("Item set", exact=True).select_option("From the DSpace collection")
    page.get_by_label("Comment").fill("A first try")
    open_tab(page, "Collections")
    page.get_by_role("button", name="Import Harbour photographs").click()
    page.wait_for_url("**/jobs/1/")


def wait_for(page: Page, scripted: bool, text: str) -> None:
    """Until the text stands on the page: by itself with script, else by loading it again."""
    found = page.get_by_text(text, exact=True).first
    if scripted:
        expect(found).to_be_visible()
        return
    while not found.is_visible():  # the time limit of the test ends it
        page.reload()


def held_route(page: Page, pattern: str | re.Pattern[str]) -> Callable[[], Route]:
    """Hold the requests for these addresses. Return a function that waits for the first of them."""
    held: list[Route] = []
    page.route(pattern, lambda route: held.append(route))

    def first() -> Route:
        while not held:
            page.wait_for_timeout(10)
        return held[0]

    return first


def numbers(page: Page) -> str:
    page.wait_for_load_state("load")
    return " ".join(page.locator(".numbers").inner_text().split())


def press_until_focused(page: Page, role: str, name: str) -> None:
    """Press Tab until the control of this name has the focus."""
    wanted = page.get_by_role(role, name=name, exact=True)
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not come to the {role} “{name}”")


def assert_fits(page: Page, heading: str) -> None:
    """The page with this heading, once it and its stylesheets are there, is no wider than the window."""
    expect(page.get_by_role("heading", name=heading).first).to_be_visible()
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), heading
