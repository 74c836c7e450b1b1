"""Every page and fragment declares the role that it needs, and is closed to all other users."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.routing import IntegerConverter, Rule

from connector.accounts import authorization
from connector.models.accounts import Role
from tests.pages import FRAGMENT, words

from .conftest import is_signed_in, sign_in

# Readiness and numbers are for the addresses of monitors only, which is a rule of their own (see health).
PUBLIC = {"static", "health.alive", "health.ready", "health.metrics"}
PUBLIC |= {
    "accounts.sign_in",
    "accounts.sign_in_now",
    "accounts.welcome",
    "accounts.welcome_now",
    "two_step.code",
    "two_step.code_now",
    "api.openapi",
}
ROLES = [None, *Role]


def rules(app: Flask) -> list[tuple[Rule, str, str]]:
    """Every route as (rule, method, an address that it matches)."""
    found = []
    for rule in app.url_map.iter_rules():
        values = {name: example(rule, name) for name in rule.arguments}
        path = app.url_map.bind("localhost").build(rule.endpoint, values, method=first_method(rule))
        found += [(rule, method, path) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return found


def first_method(rule: Rule) -> str:
    return min(rule.methods - {"HEAD", "OPTIONS"})


def example(rule: Rule, name: str) -> object:
    """A value for a part of an address: one of those that are named there, else a number or a word."""
    converter = rule._converters[name]
    if hasattr(converter, "items"):
        return min(converter.items)
    return 77 if isinstance(converter, IntegerConverter) else "x"


def needed(app: Flask, rule: Rule) -> Role | None:
    return getattr(app.view_functions[rule.endpoint], authorization.NEEDS)


def test_every_route_declares_its_role(app):
    silent = [
        rule.endpoint for rule, *_ in rules(app) if not hasattr(app.view_functions[rule.endpoint], authorization.NEEDS)
    ]

    assert silent == []


def test_only_the_listed_routes_are_public(app):
    open_to_all = {rule.endpoint for rule, *_ in rules(app) if needed(app, rule) is None}

    assert open_to_all == PUBLIC


@pytest.mark.parametrize("role", ROLES)
def test_each_route_is_open_to_its_role_and_higher_roles_only(office, role):
    browser = office.browser()
    if role:
        office.add("Somebody", role)
    wrong = []
    for rule, method, path in rules(office.app):
        if rule.endpoint.startswith("api."):  # for access tokens only (tests/api/test_access.py)
            continue
        if role and not is_signed_in(browser):  # the walk passes the sign-out, too
            sign_in(browser, "Somebody")
        need = needed(office.app, rule)
        answer = browser.open(path, method=method, buffered=True)
        closed = is_gate(answer, role)
        should_be_open = need is None or (role is not None and role.includes(need))
        if closed == should_be_open or answer.status_code == 500:
            wrong.append((method, path, answer.status_code, need))

    assert wrong == []


def is_gate(answer, role: Role | None) -> bool:
    """Whether the gate answered, not the page: to the sign-in page, or a refusal that names the role."""
    if role is None and answer.status_code == 303:
        return answer.location.startswith("/sign-in")
    return answer.status_code == 403 and "Ask an administrator." in words(answer)


def test_a_route_without_a_declared_role_is_refused_even_to_admins(office, caplog):
    office.app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    office.add("Boss", Role.ADMIN)

    answer = office.enter("Boss").get("/forgotten")

    assert answer.status_code == 403
    assert "secret" not in words(answer)
    assert "forgotten declares no role" in caplog.text


def test_the_sign_in_page_of_a_new_app_says_how_to_create_the_first_account(office):
    page = words(office.app.test_client().get("/sign-in"))

    assert "Open the link that was printed where the app was started. A restart prints a new one." in page
    assert "Ask an administrator" not in page


def test_a_page_without_a_session_leads_to_the_sign_in_page_and_back(office):
    office.add("Anna")
    browser = office.browser()

    answer = browser.get("/items/?q=a%20b&page=2")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/items/?q%3Da%2520b%26page%3D2")
    page = browser.get(answer.location)

    assert 'value="/items/?q=a%20b&amp;page=2"' in page.get_data(as_text=True)


def test_sign_in_below_a_path_prefix_returns_below_it(office):
    answer = office.browser().get("/items/", environ_overrides={"SCRIPT_NAME": "/dspace-connector"})

    assert answer.location == "/dspace-connector/sign-in?next=/dspace-connector/items/"


def test_a_form_sent_without_a_session_returns_to_its_page_after_sign_in(office):
    answer = office.browser().post("/jobs/3/stop", headers={"Referer": "http://localhost/jobs/3/"})

    assert answer.location == "/sign-in?next=/jobs/3/"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_fragment_without_a_session_sends_the_whole_page_to_sign_in_and_back(office, method):
    headers = FRAGMENT | {"HX-Current-URL": "http://localhost/jobs/?page=2"}

    answer = office.browser().open("/jobs/3/row", method=method if method == "GET" else "GET", headers=headers)
    sent = office.browser().post("/jobs/3/stop", headers=headers)

    for one in (answer, sent):
        assert (one.status_code, one.data) == (401, b"")
        assert one.headers["HX-Redirect"] == "/sign-in?next=/jobs/?page%3D2"


ODD_PAGES = ["", "http://localhost//evil.example/", "https://evil.example\\@localhost/", "about:blank"]


@pytest.mark.parametrize("page", ODD_PAGES)
def test_a_fragment_with_an_invalid_page_address_leads_only_to_the_sign_in_page(office, page):
    answer = office.browser().get("/jobs/3/row", headers=FRAGMENT | {"HX-Current-URL": page})

    assert answer.headers["HX-Redirect"] in ("/sign-in", "/sign-in?next=/")


def test_roles_are_checked_before_the_token_of_a_form(office):
    office.app.config["WTF_CSRF_ENABLED"] = True

    assert office.browser().post("/jobs/3/stop").status_code == 303


def test_a_form_without_its_token_is_refused_also_for_sign_in_and_sign_out(office):
    office.add("Anna")
    browser = office.enter("Anna")
    office.app.config["WTF_CSRF_ENABLED"] = True

    assert [browser.post(path).status_code for path in ("/sign-out", "/account/sessions")] == [400] * 2
    assert office.browser().post("/sign-in").status_code == 400
    assert is_signed_in(browser)


def test_unknown_pages_are_not_found_without_a_session(office):
    assert office.browser().get("/no/such/page").status_code == 404


def test_anonymous_readers_see_no_menu(office):
    page = office.browser().get("/sign-in")

    assert "Past imports" not in words(page)


@pytest.mark.parametrize(
    ("role", "menu"),
    [
        (Role.VIEWER, ["Past imports", "Items", "Item sets", "Missing at source"]),
        (Role.EDITOR, ["Import", "Past imports", "Items", "Item sets", "Missing at source"]),
        (Role.ADMIN, ["Import", "Past imports", "Items", "Item sets", "Missing at source", "Administration"]),
    ],
)
def test_the_menu_shows_the_pages_that_the_role_may_open(office, role, menu):
    office.add("Somebody", role)
    page = words(office.enter("Somebody").get("/items/"))

    start = f"DSpace Connector Menu Help Somebody Sign out {' '.join(menu)} Items"
    assert page[page.index("DSpace Connector") :].startswith(start)


def test_a_viewer_begins_with_the_overview_and_cannot_connect(office):
    office.add("Anna")
    browser = office.enter("Anna")

    page = words(browser.get("/"))

    assert "Nothing has been imported yet. An editor or an administrator" in page
    assert "Import from DSpace" not in page
    assert browser.get("/repositories/").status_code == 403
