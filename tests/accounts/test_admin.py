"""The pages for admins: users and the audit trail."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from connector.accounts import one_time_links
from connector.extensions import utcnow
from connector.models.accounts import Role
from tests.pages import ways, words

from .conftest import OTHER, is_signed_in, link_in


@pytest.fixture
def admin(office):
    office.add("Boss", Role.ADMIN)
    return office.enter("Boss")


def test_users_are_listed_with_role_and_state(office, admin):
    admin.post("/users/", data={"name": "Anna", "role": "editor"})

    page = words(admin.get("/users/"))

    assert "Boss" in page
    assert "invited" in page
    assert "active" in page


@pytest.mark.parametrize("days", ["0", "91", "-1", "1.5", "many", ""])
def test_an_invitation_lasts_a_whole_number_of_days(office, admin, days):
    answer = admin.post("/users/", data={"name": "Anna", "role": "editor", "days": days})

    assert answer.status_code == 422
    assert "Enter a whole number of days from 1 to 90." in words(answer)
    assert re.search(r'<input [^>]*id="days"[^>]*autofocus|<input [^>]*autofocus[^>]*id="days"', answer.text)
    assert "Anna" not in words(admin.get("/users/"))


def test_the_page_of_a_link_says_until_when_it_works(office, admin):
    page = admin.post("/users/", data={"name": "Anna", "role": "editor", "days": "3"})

    with office.app.app_context():
        expires = one_time_links.expires_at(link_in(page.text).rpartition("/")[2])
    assert timedelta(days=2, hours=23) < expires - utcnow() <= timedelta(days=3)
    assert f"It works once, until {expires:%-d %b %Y}" in words(page)


@pytest.mark.parametrize(
    ("name", "sentence"), [("", "A name has"), ("boss", "already"), ("local operator", "is a reserved name")]
)
def test_an_invalid_invitation_is_refused_at_its_field(admin, name, sentence):
    answer = admin.post("/users/", data={"name": name, "role": "viewer"})

    assert answer.status_code == 422
    assert sentence in words(answer)


def test_a_role_that_does_not_exist_is_refused(office, admin):
    anna = office.add("Anna")

    assert admin.post("/users/", data={"name": "Bert", "role": "owner"}).status_code == 422
    assert admin.post(f"/users/{anna}/role", data={"role": "owner"}).status_code == 422
    assert office.account("Anna").role == Role.VIEWER


def test_an_admin_can_change_a_role(office, admin):
    anna = office.add("Anna")

    admin.post(f"/users/{anna}/role", data={"role": "editor"})

    assert office.account("Anna").role == Role.EDITOR


def test_the_last_admin_cannot_be_disabled_or_demoted_and_the_page_says_why(office, admin):
    me = office.account("Boss").id

    answers = [admin.post(f"/users/{me}/disable"), admin.post(f"/users/{me}/role", data={"role": "viewer"})]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert "Make another account an admin first" in words(answers[0])
    assert is_signed_in(admin)


def test_the_page_before_an_account_is_disabled_names_it(office, admin):
    anna = office.add("Anna")

    page = admin.get("/users/").text
    assert f"/users/{anna}/disable" in page
    assert f"/users/{office.account('Boss').id}/disable" not in page
    assert "Disable Anna ?" in words(admin.get(f"/users/{anna}/disable"))
    assert office.account("Anna").disabled is None


@pytest.mark.parametrize(
    ("action", "sent", "done"),
    [
        ("role", {"role": "editor"}, "Anna is an editor now."),
        ("disable", {}, "Anna is disabled and signed out."),
        ("enable", {}, "Anna can sign in again."),
        ("sessions", {}, "Anna is signed out in all browsers."),
    ],
)
def test_the_page_says_what_was_done_to_whom_with_a_link_to_the_audit_trail(office, admin, action, sent, done):
    page = admin.post(f"/users/{office.add('Anna')}/{action}", data=sent, follow_redirects=True)

    assert f"{done} Audit trail" in words(page)
    assert "<bdi>Anna</bdi>" in page.text
    assert '<a href="/audit/">Audit trail</a>' in page.text


def test_an_admin_can_disable_and_enable_an_account(office, admin):
    anna = office.add("Anna")
    browser = office.enter("Anna")

    admin.post(f"/users/{anna}/disable")
    assert "disabled" in words(admin.get("/users/"))
    assert not is_signed_in(browser)
    assert admin.post(f"/users/{anna}/link").status_code == 409
    admin.post(f"/users/{anna}/enable")

    assert is_signed_in(office.enter("Anna"))


def test_a_lost_password_is_replaced_by_a_link(office, admin):
    anna = office.add("Anna")

    link = link_in(admin.post(f"/users/{anna}/link").get_data(as_text=True))
    office.browser().post(link, data={"password": OTHER, "again": OTHER})

    assert is_signed_in(office.enter("Anna", OTHER))


def test_admins_cannot_create_a_link_or_turn_off_two_step_sign_in_for_their_own_account(office, admin):
    anna, me = office.add("Anna", Role.ADMIN), office.account("Boss").id
    office.has_two_step(me)
    office.has_two_step(anna)

    answers = [admin.post(f"/users/{me}/{path}") for path in ("link", "two-step")]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert all("This is your own account. Change it" in words(answer) for answer in answers)
    assert office.account("Boss").two_step_secret
    offered = set(ways(admin.get("/users/")))
    assert {f"/users/{anna}/link", f"/users/{anna}/two-step"} < offered
    assert not {f"/users/{me}/link", f"/users/{me}/two-step"} & offered


def test_links_of_an_account_end_when_its_two_step_sign_in_is_turned_off(office, admin):
    anna = office.add("Anna")
    office.has_two_step(anna)
    link = link_in(admin.post(f"/users/{anna}/link").text)

    admin.post(f"/users/{anna}/two-step")

    assert office.browser().get(link).status_code == 410


def test_an_admin_can_sign_a_user_out_everywhere(office, admin):
    anna = office.add("Anna")
    browser = office.enter("Anna")

    admin.post(f"/users/{anna}/sessions")

    assert not is_signed_in(browser)
    assert is_signed_in(admin)


def test_an_unknown_account_is_reported_with_a_sentence(admin):
    for path in ("role", "disable", "enable", "link", "sessions"):
        assert admin.post(f"/users/777/{path}", data={"role": "viewer"}).status_code == 422


def test_the_audit_trail_shows_person_action_and_address(office, admin):
    anna = office.add("Anna")
    admin.post(f"/users/{anna}/role", data={"role": "editor"}, environ_overrides={"REMOTE_ADDR": "192.0.2.9"})

    page = words(admin.get("/audit/?what=role"))

    assert "Boss Role changed Anna Before: Viewer After: Editor 192.0.2.9" in page
    assert "Sign-in Boss" not in page
    assert "No matching entries" in words(admin.get("/audit/?who=Nobody+at+all"))


def test_the_audit_trail_is_exported_as_csv_with_its_filters(office, admin):
    office.add("Anna")

    whole = admin.get("/audit.csv").get_data(as_text=True).splitlines()
    some = admin.get("/audit.csv?who=Boss&what=sign-in").get_data(as_text=True).splitlines()

    assert whole[0] == some[0] == "at,who,what,about,address,data"
    assert len(whole) > len(some) == 2
    assert ",Boss,sign-in,Boss,127.0.0.1," in some[1]


def test_names_of_users_are_escaped(office, admin):
    admin.post("/users/", data={"name": "<b onclick=x>Anna</b>", "role": "viewer"})

    for path in ("/users/", "/audit/"):
        page = admin.get(path).get_data(as_text=True)
        assert "<b onclick" not in page
        assert "&lt;b onclick" in page
