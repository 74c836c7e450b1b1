"""The page of a job in a browser: the focus while the page updates itself, and a server that cannot be reached."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from connector.extensions import db, transaction
from connector.jobs import lifecycle
from connector.models.jobs import Job

from .steps import connect, import_photographs

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page, site, sample):
    """The page of job 1, which is queued."""
    page = open_page()
    connect(page, site, sample)
    import_photographs(page, scripted=True)
    return page


def set_state(app, **values):
    with app.app_context(), transaction():
        db.session.execute(db.update(Job).values(**values))


def test_a_button_that_goes_leaves_the_focus_to_the_status_and_enter_starts_nothing(app, page):
    page.get_by_role("button", name="Stop").focus()

    set_state(app, state="completed", clean=True)

    expect(page.get_by_text("Completed", exact=True)).to_be_visible()
    expect(page.locator("[role=status]:focus")).to_have_count(1)
    page.keyboard.press("Enter")
    page.reload()
    assert page.url.endswith("/jobs/1/")
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(Job)) == 1


def test_after_stop_the_status_has_the_focus(page):
    page.get_by_role("button", name="Stop").press("Enter")

    expect(page.get_by_text("Stopped", exact=True)).to_be_visible()
    expect(page.locator("#status")).to_be_focused()


def test_a_button_that_stays_keeps_the_focus_and_its_meaning(app, page):
    page.get_by_role("button", name="Stop").focus()

    set_state(app, state="running", status_text="Reading page 2")

    expect(page.get_by_text("Reading page 2")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_focused()


def test_the_title_of_the_window_follows_the_job(app, page):
    expect(page).to_have_title("Queued · Import of Harbour photographs · DSpace Connector")

    set_state(app, state="completed", clean=True)

    expect(page).to_have_title("Completed · Import of Harbour photographs · DSpace Connector")


def test_a_filter_of_past_imports_stands_in_the_address_and_back_restores_the_list(page, site):
    page.goto(f"{site.url}/jobs/")
    row = page.locator("#job-1")

    page.get_by_label("Status").select_option("Failed")

    expect(page.get_by_text("No imports match.")).to_be_visible()
    page.wait_for_url("**status=failed*")
    page.reload()
    expect(page.get_by_text("No imports match.")).to_be_visible()
    expect(page.get_by_label("Status")).to_have_value("failed")
    page.go_back()
    expect(row).to_be_visible()


def test_a_job_is_stopped_from_its_row(page, site):
    page.goto(f"{site.url}/jobs/")

    page.get_by_role("button", name="Stop job 1").click()

    expect(page.locator(".badge", has_text="Stopped")).to_be_visible()


@pytest.mark.parametrize("path", ["/jobs/1/", "/jobs/", "/"])
def test_without_a_connection_the_page_says_from_when_its_numbers_are_until_it_is_back(app, page, site, path):
    page.goto(site.url + path)
    notice = page.get_by_text("No connection to the server. These numbers are from")
    expect(notice).to_be_hidden()

    polled = re.compile("/(live|row)$")
    page.route(polled, lambda route: route.fulfill(status=503, body="Service unavailable"))
    expect(notice).to_be_visible()
    page.unroute(polled)

    expect(notice).to_be_hidden()
    with app.app_context():
        lifecycle.stop(1)
    expect(page.locator(".badge", has_text="Stopped")).to_be_visible()


@pytest.mark.parametrize(("path", "button"), [("/jobs/1/", "Stop"), ("/jobs/", "Stop job 1")])
def test_a_button_that_is_pressed_without_a_connection_says_so_and_works_again_later(page, site, path, button):
    page.goto(site.url + path)
    page.context.set_offline(True)

    page.get_by_role("button", name=button).press("Enter")

    expect(page.get_by_text("No connection to the server, or")).to_be_in_viewport()
    expect(page.get_by_role("button", name=button)).to_be_focused()
    page.context.set_offline(False)
    expect(page.get_by_text("No connection to the server").locator("visible=true")).to_have_count(0)
    page.get_by_role("button", name=button).press("Enter")
    expect(page.locator(".badge", has_text="Stopped")).to_be_visible()


def test_a_form_that_is_sent_without_a_connection_keeps_its_page_and_what_was_typed(page, site):
    page.goto(f"{site.url}/item-sets/new")
    page.get_by_label("Name").fill("Harbour")
    page.route("**/icon*", lambda route: route.fulfill(status=502, body="Bad gateway"))

    page.get_by_role("button", name="Create item set").click()

    notice = page.get_by_text("No connection to the server, or")
    expect(notice).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Harbour")
    page.unroute("**/icon*")
    page.get_by_role("button", name="Create item set").click()
    expect(page.get_by_role("heading", name="Harbour")).to_be_visible()


def test_a_form_whose_button_is_pressed_twice_is_sent_once(page, site):
    page.goto(f"{site.url}/item-sets/new")
    page.get_by_label("Name").fill("Harbour")
    held, sent = [], []
    page.route("**/icon*", lambda route: held.append(route))
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)

    with page.expect_request("**/icon*"):
        page.get_by_role("button", name="Create item set").click()
    page.get_by_role("button", name="Create item set").click()
    [check] = held
    check.continue_()

    expect(page.get_by_role("heading", name="Harbour")).to_be_visible()
    assert sent == [f"{site.url}/item-sets/new"]


def test_a_list_that_is_reloaded_without_a_connection_says_so_until_it_is_read(page, site):
    page.goto(f"{site.url}/repositories/1/?tab=collections")
    row = page.get_by_role("button", name="Import Harbour photographs")
    expect(row).to_be_visible()
    page.context.set_offline(True)
    notice = page.get_by_text("No connection to the server, or")

    page.get_by_role("button", name="Reload").locator("visible=true").click()

    expect(notice).to_be_visible()
    expect(row).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="Reload").locator("visible=true").click()
    expect(notice).to_be_hidden()
