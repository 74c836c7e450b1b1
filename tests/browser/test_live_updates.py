"""Pages that update themselves: running jobs, lists, waiting buttons. They fit small screens."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.sample.login import NAME, PASSWORD

from .steps import connect, held_route, import_photographs, open_tab

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page):
    return open_page()


def test_a_polling_row_of_past_imports_keeps_the_ticks_of_others(page, site, sample):
    connect(page, site, sample)
    import_photographs(page, scripted=True)
    page.goto(f"{site.url}/jobs/")
    expect(page.get_by_text("Queued")).to_be_visible()

    site.work()

    expect(page.locator(".badge", has_text="Completed")).to_be_visible()
    expect(page.get_by_text("Total: 12")).to_be_visible()
    expect(page.locator("tr[hx-trigger]")).to_have_count(0)
    page.get_by_label("Undo job 1").check()


def test_a_job_that_waits_for_the_repository_shows_the_start_until_it_is_stopped(page, site, sample):
    connect(page, site, sample)
    sample.faults.add("dsoType=item", times=None, status=429, headers={"Retry-After": "3600"})
    import_photographs(page, scripted=True)

    site.work()

    waiting = page.locator(".badge", has_text="Waiting for the repository since")
    expect(waiting).to_be_visible()
    expect(page.get_by_text("The app will try again at ")).to_be_visible()
    page.goto(f"{site.url}/jobs/")
    expect(waiting).to_be_visible()
    page.goto(f"{site.url}/jobs/1/")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped", exact=True)).to_be_visible()


def test_the_button_is_busy_during_a_request_to_the_repository(page, site, sample):
    page.goto(f"{site.url}/repositories/")
    page.get_by_label("DSpace site URL").fill(sample.url)
    button = page.get_by_role("button", name="Get collections and communities")
    sample.data.lock.acquire()
    try:
        button.click()
        expect(button).to_be_disabled()
        expect(page.get_by_text("Connecting to the repository.", exact=False).first).to_be_visible()
    finally:
        sample.data.lock.release()
    page.wait_for_url("**/repositories/1/")
    page.go_back()
    expect(page.get_by_role("button", name="Get collections and communities")).to_be_enabled()


def test_a_list_that_failed_is_tried_again_in_place(page, site, sample):
    fault = sample.faults.add("dsoType=collection", times=None, status=403)
    sample.faults.add("/core/collections", times=None, status=403)
    connect(page, site, sample)
    open_tab(page, "Collections")
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible()

    assert fault.times is None
    sample.faults.clear()
    again.click()

    expect(page.locator("#collections [value^='collection:']")).to_have_count(8)


def test_a_filtered_list_is_shown_again_after_a_reload_and_after_back(page, site, sample):
    connect(page, site, sample)
    open_tab(page, "Collections")
    expect(page.locator("#collections [value^='collection:']")).to_have_count(8)
    page.get_by_label("Filter the collections by name").fill("harbour ph")
    expect(page.locator("#collections [value^='collection:']")).to_have_count(1)

    page.reload()
    expect(page.locator("#collections [value^='collection:']")).to_have_count(1)
    page.goto(f"{site.url}/items/")
    page.go_back()

    expect(page.locator("#collections [value^='collection:']")).to_have_count(1)
    expect(page.get_by_label("Filter the collections by name")).to_have_value("harbour ph")


def test_a_list_that_arrives_late_does_not_replace_the_filtered_one(page, site, sample):
    late = held_route(page, re.compile(r"/1/collections(\?q_collections=)?$"))
    connect(page, site, sample)
    open_tab(page, "Collections")
    request = late()
    page.get_by_label("Filter the collections by name").fill("harbour ph")
    expect(page.locator("#collections [value^='collection:']")).to_have_count(1)

    request.continue_()
    page.wait_for_load_state("networkidle")

    expect(page.locator("#collections [value^='collection:']")).to_have_count(1)


def test_a_list_is_filtered_by_the_words_that_were_typed_before_the_script_ran(page, site, sample):
    connect(page, site, sample)
    page.add_init_script(
        """document.addEventListener("DOMContentLoaded", () => {
            document.querySelector("[name=q_collections]").value = "harbour ph";
        }, {capture: true});"""
    )

    page.goto(f"{site.url}/repositories/1/?tab=collections")

    expect(page.locator("#collections [value^='collection:']")).to_have_count(1)


def test_a_page_shown_again_has_only_the_words_that_its_list_was_filtered_by(page, site, sample):
    connect(page, site, sample)
    page.goto(f"{site.url}/repositories/1/collections?q_collections=harbour")
    page.route("**/repositories/1/collections?q_collections=harbour+photo", lambda route: None)
    field = page.get_by_label("Filter the collections by name")
    field.fill("harbour photo")

    page.goto(f"{site.url}/items/")
    page.go_back()

    expect(page.locator("#collections [value^='collection:']")).to_have_count(1)
    expect(field).to_have_value("harbour")


def test_an_opened_tab_does_not_take_the_filter_out_of_the_address(page, site, sample):
    late = []
    connect(page, site, sample)
    page.route(re.compile(r"/repositories/1/\?tab="), lambda route: late.append(route))
    open_tab(page, "Collections")
    page.get_by_label("Filter the collections by name").fill("harbour ph")
    page.wait_for_url("**q_collections=harbour*")

    for route in late:
        route.continue_()
    page.wait_for_load_state("networkidle")

    assert "q_collections=harbour" in page.url


def test_a_reload_keeps_the_open_tab(page, site, sample):
    connect(page, site, sample)
    open_tab(page, "Communities")

    page.wait_for_url("**/repositories/1/?tab=communities")
    page.reload()

    expect(page.locator("#tab-communities")).to_be_checked()
    expect(page.get_by_label("Filter the communities by name")).to_be_visible()


def test_closed_communities_open_in_place_and_keep_focus_and_typed_settings(page, site, sample):
    departments = [sample.data.add_community(f"Department {number}") for number in range(2)]
    for number in range(100):
        sample.data.add_collection(f"Theses {number:03}", departments[1])
    connect(page, site, sample)
    page.get_by_label("Comment").fill("Not to be lost")
    open_tab(page, "Collections")

    page.get_by_text("100 collections: Department 1").press("Enter")
    expect(page.get_by_role("button", name="Import Theses 079")).to_be_visible()
    expect(page.get_by_role("button", name="Import Theses 080")).to_have_count(0)
    page.get_by_role("button", name="Show 20 more of 20").press("Enter")

    expect(page.get_by_role("link", name="Theses 080")).to_be_focused()
    page.get_by_role("button", name="Import Theses 099").click()
    page.wait_for_url("**/jobs/1/")
    expect(page.get_by_text("Not to be lost")).to_be_visible()


@pytest.mark.parametrize("password", ["wrong", PASSWORD])
def test_typed_settings_stay_when_the_login_is_sent(page, site, sample, password):
    connect(page, site, sample)
    page.get_by_label("Comment").fill("Not to be lost")
    page.get_by_label("Import files").check()
    page.get_by_text("Sign in to import restricted items").click()
    page.locator("[name=login_name]").fill(NAME)
    page.locator("[name=password]").fill(password)

    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page.locator("#messages p" if password == PASSWORD else "#login .error")).to_be_visible()
    expect(page.get_by_label("Comment")).to_have_value("Not to be lost")
    expect(page.get_by_label("Import files")).to_be_checked()


def test_an_import_starts_from_a_filtered_list(page, site, sample):
    connect(page, site, sample)
    open_tab(page, "Collections")
    page.get_by_label("Filter the collections by name").fill("harbour ph")
    page.wait_for_url("**q_collections=harbour*")

    page.get_by_role("button", name="Import Harbour photographs").click()

    page.wait_for_url("**/jobs/1/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_small_screen(open_page, site, sample, scheme):
    """WCAG 2.2, 1.4.10 asks for 320 pixels."""
    page = open_page(viewport={"width": 320, "height": 800}, color_scheme=scheme)
    connect(page, site, sample)
    import_photographs(page, scripted=True)
    site.work()
    expect(page.get_by_text("Completed", exact=True)).to_be_visible()

    for address in (
        "/",
        "/repositories/",
        "/repositories/1/",
        "/jobs/1/",
        "/jobs/1/undo",
        "/jobs/",
        "/items/",
        "/items/1/",
        "/item-sets/1/",
        "/sources/1/",
        "/missing/",
        "/help/blocked/",
        "/help/words/",
        "/users/",
        "/audit/",
        "/account/",
    ):
        page.goto(site.url + address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, address
