"""The page of a source: the form shows what its choices need, with script and without."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .steps import connect, import_photographs

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripted", [True, False])
def test_a_schedule_is_found_from_the_job_chosen_and_ended_again(open_page, site, sample, scripted):
    page = open_page(java_script_enabled=scripted)
    connect(page, site, sample)
    import_photographs(page, scripted=scripted)
    page.get_by_role("link", name="Source and schedule").click()
    every = page.get_by_label("Import automatically")
    weekday, day = page.get_by_label("Day of the week"), page.get_by_label("Day of the month")
    expect(weekday).to_be_hidden()

    every.select_option("Weekly")
    weekday.select_option("Sunday")
    expect(day).to_be_hidden()
    page.get_by_label("At", exact=True).fill("23:30")
    expect(page.get_by_label("From")).to_be_hidden()
    page.get_by_label("Only at certain hours").check()
    expect(page.get_by_label("From")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    saved = page.get_by_text("Weekly on Sunday at 23:30, only between 22:00 and 06:00. Next:", exact=False)
    expect(saved).to_be_visible()

    every.select_option("Never")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("No schedule. Imports of this source are started by hand.")).to_be_visible()
