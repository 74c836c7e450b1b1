"""The dashboard while a job runs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .steps import connect, import_photographs

pytestmark = pytest.mark.browser


def test_the_dashboard_follows_a_job_to_its_end(open_page, site, sample):
    page = open_page()
    connect(page, site, sample)
    import_photographs(page, scripted=True)
    page.goto(site.url)
    expect(page.get_by_text("Queued")).to_be_visible()

    site.work()

    expect(page.get_by_text("No job is running.")).to_be_visible()
    expect(page.get_by_text("Added: 12")).to_be_visible()
    expect(page.locator("[hx-trigger]")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 900, 790, 770, 390, 320])
def test_jobs_are_readable_on_the_dashboard_and_in_past_imports_at_each_width(open_page, site, sample, width):
    page = open_page()
    connect(page, site, sample)
    import_photographs(page, scripted=True)
    page.set_viewport_size({"width": width, "height": 800})

    for address in ("/", "/jobs/"):
        page.goto(f"{site.url}{address}")
        name = page.get_by_role("link", name="Harbour photographs").first
        expect(name).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        assert name.bounding_box()["width"] > 100, address
