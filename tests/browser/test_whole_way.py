"""A complete walk through the pages, with script and without it."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest
from playwright.sync_api import expect

from .steps import connect, import_photographs, numbers, open_tab, wait_for

pytestmark = pytest.mark.browser
PHOTOGRAPH = "Herring boats leaving at dawn"


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def scripted(request):
    return request.param


@pytest.fixture
def page(open_page, scripted):
    return open_page(java_script_enabled=scripted)


def test_a_person_can_connect_import_browse_rerun_and_undo(page, scripted, site, sample):
    connect(page, site, sample)
    expect(page.get_by_text("DSpace 9.3 at server/api")).to_be_visible()

    import_photographs(page, scripted)
    expect(page.get_by_text("Queued")).to_be_visible()
    expect(page.get_by_role("link", name="Show progress")).to_have_count(0 if scripted else 1)
    site.work()
    wait_for(page, scripted, "Completed")
    expect(page.get_by_text("12 of 12 items")).to_be_visible()
    expect(page.locator("[hx-trigger]")).to_have_count(0)

    page.get_by_role("link", name="Show the added and updated items").click()
    expect(page.get_by_text("12 items", exact=True)).to_be_visible()
    page.get_by_role("link", name=PHOTOGRAPH).click()
    expect(page.get_by_role("heading", name=PHOTOGRAPH)).to_be_visible()
    page.get_by_role("link", name="harbour-01.png", exact=True).last.click()
    download = page.get_by_role("link", name="Download harbour-01.png")
    file = page.request.get(urljoin(page.url, download.get_attribute("href")))
    assert file.headers["content-type"] == "image/png"
    page.get_by_role("link", name=PHOTOGRAPH).click()
    page.get_by_role("link", name="Harbour photographs", exact=True).click()
    expect(page.get_by_text("Strand family")).to_be_visible()

    page.get_by_role("link", name="Past imports").click()
    expect(page.get_by_text("A first try")).to_be_visible()
    page.get_by_label("Re-run job 1").check()
    page.get_by_role("button", name="Undo or re-run ticked jobs").click()
    page.get_by_role("button", name="Re-run jobs").click()
    expect(page.get_by_text("Job 1 will be run again by job 2.")).to_be_visible()
    page.locator("#job-2").get_by_role("link", name="Harbour photographs", exact=True).click()
    wait_for(page, scripted, "Completed")
    assert numbers(page) == "Added 0 Updated 0 Unchanged 12 Failed 0"

    page.goto(f"{site.url}/jobs/1/")
    page.get_by_role("link", name="Undo", exact=True).click()
    page.get_by_role("button", name="Undo job 1").click()
    page.wait_for_url("**/jobs/3/")
    wait_for(page, scripted, "Completed")
    assert numbers(page) == "Removed 12 Restored 0 Kept 0"
    page.get_by_role("link", name="Items", exact=True).click()
    expect(page.get_by_text("The catalogue is empty.")).to_be_visible()


def test_a_job_can_be_stopped_and_resumed(page, scripted, site, sample):
    connect(page, site, sample)
    import_photographs(page, scripted)

    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped", exact=True)).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    site.work()
    wait_for(page, scripted, "Completed")


def test_a_filter_keeps_the_settings_that_were_typed(page, scripted, site, sample):
    connect(page, site, sample)
    page.get_by_label("Comment").fill("Not to be lost")
    open_tab(page, "Communities")

    page.get_by_label("Filter the communities").fill("newsp")
    if not scripted:
        page.get_by_label("Filter the communities").press("Enter")

    expect(page.locator("#communities li")).to_have_count(3)
    open_tab(page, "Basic import settings")
    expect(page.get_by_label("Comment")).to_have_value("Not to be lost")


def test_refused_forms_keep_the_typed_text(page, site):
    page.goto(f"{site.url}/repositories/")
    page.get_by_label("DSpace site URL").fill("repository example")
    page.get_by_label("Limit").fill("20")
    page.get_by_role("button", name="Get collections and communities").click()

    expect(page.get_by_text("Enter the address of the repository")).to_be_visible()
    expect(page.get_by_label("DSpace site URL")).to_have_value("repository example")
    expect(page.get_by_label("Limit")).to_have_value("20")
    expect(page.get_by_label("DSpace site URL")).to_be_focused()


def test_the_lists_show_the_settings_that_were_just_chosen(page, scripted, site, sample):
    connect(page, site, sample)

    page.get_by_label("Import files").check()
    page.get_by_label("Item set", exact=True).select_option("From the DSpace collection")
    open_tab(page, "Collections")

    expect(page.locator("#summary")).to_contain_text("Files: yes · Item set: from the DSpace collection")
    expect(page.get_by_role("button", name="Import Harbour photographs")).to_be_visible()
    page.locator("#summary :is(label, button)").locator("visible=true").click()
    page.get_by_label("Import files").uncheck()
    open_tab(page, "Communities")
    expect(page.locator("#summary")).to_contain_text("Files: no")
    expect(page.get_by_role("button", name="Import Newspapers", exact=True)).to_be_visible()


def test_tabs_can_be_used_from_the_keyboard(page, scripted, site, sample):
    connect(page, site, sample)
    page.get_by_role("link", name="Crosswalk").focus()
    page.keyboard.press("Tab")

    for key in ("ArrowLeft",) if scripted else ("Tab", "Tab", "Tab", "Enter"):
        page.keyboard.press(key)

    expect(page.get_by_text("All items of")).to_be_visible()
    expect(page.get_by_label("Comment")).to_be_hidden()
