"""Accounts in a browser: sessions that end while a page is open, and links of invitations."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from connector.accounts import user_management
from connector.dspace.records import ScopeKind
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.models.accounts import Role
from connector.repositories import discovery, service

pytestmark = pytest.mark.browser
PASSWORD = "gentle otters fold paper maps"


def test_a_job_page_without_session_leads_to_sign_in_and_back(app, site, sample, open_page):
    with app.app_context():
        anna = user_management.redeem_link(user_management.add("Anna", Role.EDITOR), PASSWORD)
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        scope = discovery.find(repository_id, ScopeKind.COLLECTION, sample.data.named("Harbour photographs").handle)
        job_id = queueing.create(service.source_for(repository_id, scope.scope), ImportOptions())
    page = open_page()
    page.context.clear_cookies()
    page.goto(f"{site.url}/jobs/{job_id}/")

    def sign_in() -> None:
        page.wait_for_url(f"{site.url}/sign-in?next=/jobs/{job_id}/")
        page.get_by_label("Name").fill("Anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{site.url}/jobs/{job_id}/")

    sign_in()
    with app.app_context():
        user_management.end_sessions(anna)
    sign_in()

    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


@pytest.mark.parametrize("is_secure", [True, False])
def test_the_link_of_an_invitation_is_copied_by_its_button(site, open_page, is_secure):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    if not is_secure:  # the app without https, seen from another machine
        page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto(f"{site.url}/users/")
    form = page.locator("form.card")
    form.get_by_label("Name").fill("Anna")
    form.get_by_role("button", name="Invite").click()

    page.get_by_role("button", name="Copy link").click()

    expect(page.get_by_role("status").filter(has_text="The link is copied.")).to_be_visible()
    expect(page.get_by_role("button", name="Copy link")).to_be_focused()
    if is_secure:
        assert page.evaluate("navigator.clipboard.readText()") == page.get_by_label("The link").input_value()


def test_without_script_the_link_of_an_invitation_has_no_button(site, open_page):
    page = open_page(java_script_enabled=False)
    page.goto(f"{site.url}/users/")
    form = page.locator("form.card")
    form.get_by_label("Name").fill("Anna")
    form.get_by_role("button", name="Invite").click()

    expect(page.get_by_label("The link")).to_be_visible()
    expect(page.get_by_role("button", name="Copy link")).to_be_hidden()
