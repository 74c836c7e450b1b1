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
    assert page.locator("[hx-trigger]").count() == 0
