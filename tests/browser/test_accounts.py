"""A page that lives on by itself notices that its session has ended, and comes back after the sign-in."""

from __future__ import annotations

import pytest

from connector.accounts import user_management
from connector.dspace.records import ScopeKind
from connector.jobs import lifecycle
from connector.models.accounts import Role
from connector.repositories import discovery, service

pytestmark = pytest.mark.browser
PASSWORD = "gentle otters fold paper maps"


def test_a_job_page_without_session_leads_to_sign_in_and_back(app, site, sample, open_page):
    with app.app_context():
        anna = user_management.redeem_link(user_management.add("Anna", Role.EDITOR), PASSWORD)
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        scope = discovery.find(repository_id, ScopeKind.COLLECTION, sample.data.named("Harbour photographs").handle)
        job_id = lifecycle.create(service.source_for(repository_id, scope.scope), {})
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

    assert page.get_by_role("button", name="Sign out").is_visible()
