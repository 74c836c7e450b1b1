"""Sign-in and sign-out: the cookie, the session, its ends, the page after sign-in, and throttling."""

from __future__ import annotations

import io
import re

import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from connector.accounts import passwords, sessions, user_management
from connector.accounts.sign_in_extensions import limiter
from connector.extensions import db, transaction
from connector.models.accounts import Account, Role, Session
from tests.pages import words

from .conftest import OTHER, PASSWORD, is_signed_in, link_in, sign_in

COOKIE = "dspace-connector"


def test_sign_in_ignores_the_case_of_the_name(office):
    office.add("Anna Berg", Role.EDITOR)
    browser = office.browser()

    answer = sign_in(browser, " ANNA berg ")

    assert (answer.status_code, answer.location) == (303, "/")
    assert is_signed_in(browser)
    assert "Anna Berg" in words(browser.get("/account/"))


@pytest.mark.parametrize(
    ("name", "password"),
    [("Anna", OTHER), ("Nobody Known", PASSWORD), ("Off", PASSWORD), ("Invited", ""), ("", ""), ("a" * 200, "x")],
)
def test_a_wrong_name_a_wrong_password_and_a_disabled_account_get_the_same_answer(office, name, password):
    office.add("Anna", Role.ADMIN)
    off = office.add("Off")
    with office.app.app_context():
        user_management.disable(off)
        user_management.add("Invited", Role.VIEWER)
    browser = office.browser()

    answer = sign_in(browser, name, password)

    assert answer.status_code == 422
    assert "Wrong name or password, or the account is disabled" in words(answer)
    assert not is_signed_in(browser)


def test_sign_in_does_the_same_work_for_unknown_names(office, monkeypatch):
    office.add("Anna")
    work = []

    class Counting(PasswordHasher):
        def verify(self, hash, password):
            work.append(hash.split("$")[1:4])
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(time_cost=1, memory_cost=64, parallelism=1))
    for name in ("Anna", "Nobody Known"):
        sign_in(office.browser(), name, OTHER)

    assert len(work) == 2
    assert work[0] == work[1]


def test_the_password_is_never_shown_again(office):
    office.add("Anna")

    page = sign_in(office.browser(), "Anna", "canary-of-a-password")

    assert "canary" not in page.get_data(as_text=True)
    assert 'value="Anna"' in page.get_data(as_text=True)


def test_a_weak_hash_is_replaced_at_the_next_sign_in(office):
    anna = office.add("Anna")
    with office.app.app_context(), transaction():
        weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
        db.session.execute(update(Account).where(Account.id == anna).values(password=weak))

    office.enter("Anna")

    assert not passwords.is_outdated(office.account("Anna").password)
    assert is_signed_in(office.enter("Anna"))


def test_the_session_cookie_is_http_only_same_site_and_bound_to_the_host_over_https(office):
    office.add("Anna")

    plain = sorted(sign_in(office.browser(), "Anna").headers.getlist("Set-Cookie"))
    answer = office.browser().post(
        "/sign-in", data={"name": "Anna", "password": PASSWORD}, base_url="https://connector.example.org"
    )
    secure = sorted(answer.headers.getlist("Set-Cookie"))

    assert [cookie.partition("=")[0] for cookie in plain] == [f"{COOKIE}-known", COOKIE]
    assert [cookie.partition("=")[0] for cookie in secure] == [f"__Host-{COOKIE}-known", f"__Host-{COOKIE}"]
    for cookie in (*plain, *secure):
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert ["Secure" in cookie.split("; ") for cookie in (*plain, *secure)] == [False, False, True, True]


def test_sign_in_starts_a_new_session(office):
    office.add("Anna")
    browser = office.browser()
    with browser.session_transaction() as kept:
        kept["csrf_token"] = kept["planted"] = "before"
    sign_in(browser, "Anna")
    with browser.session_transaction() as kept:
        first = dict(kept)
    browser.post("/sign-out")
    sign_in(browser, "Anna")
    with browser.session_transaction() as kept:
        second = dict(kept)

    assert "planted" not in first
    assert first.get("csrf_token") != "before"
    assert first["_user_id"] != second["_user_id"]


def test_only_the_hash_of_the_token_is_in_the_database(office):
    office.add("Anna")
    browser = office.enter("Anna")
    with browser.session_transaction() as kept:
        token = kept["_user_id"]
    with office.app.app_context():
        assert token not in db.session.scalars(db.select(Session.token_hash)).all()


def test_a_session_ends_after_12_hours_without_requests(office):
    office.add("Anna")
    browser = office.enter("Anna")
    for _ in range(3):
        office.later(hours=11.9)
        assert is_signed_in(browser)

    office.later(hours=12)

    assert not is_signed_in(browser)


def test_a_session_ends_after_a_week(office):
    office.add("Anna")
    browser = office.enter("Anna")
    office.began(days=6, hours=23)
    assert is_signed_in(browser)

    office.began(days=7)

    assert not is_signed_in(browser)


def test_the_session_cookie_expires_with_the_session(office):
    office.add("Anna")
    browser = office.enter("Anna")

    assert office.app.permanent_session_lifetime == sessions.IDLE
    assert "Expires=" in browser.get("/account/").headers["Set-Cookie"]


def test_signing_out_ends_the_session_in_every_copy_of_its_cookie(office):
    office.add("Anna")
    browser, thief = office.enter("Anna"), office.browser()
    thief.set_cookie(COOKIE, browser.get_cookie(COOKIE).value)
    assert is_signed_in(thief)

    answer = browser.post("/sign-out")

    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert not is_signed_in(browser)
    assert not is_signed_in(thief)


def test_a_new_password_ends_all_other_sessions_and_renews_this_one(office):
    office.add("Anna")
    here, elsewhere, copy = office.enter("Anna"), office.enter("Anna"), office.browser()
    copy.set_cookie(COOKIE, here.get_cookie(COOKIE).value)

    answer = here.post("/account/password", data={"current": PASSWORD, "new": OTHER, "again": OTHER})

    assert answer.status_code == 303
    assert [is_signed_in(browser) for browser in (here, elsewhere, copy)] == [True, False, False]
    assert sign_in(office.browser(), "Anna", PASSWORD).status_code == 422
    assert is_signed_in(office.enter("Anna", OTHER))


def test_a_new_password_by_a_link_ends_all_sessions(office):
    anna = office.add("Anna")
    browser = office.enter("Anna")
    with office.app.app_context():
        user_management.redeem_link(user_management.new_link(anna), OTHER)

    assert not is_signed_in(browser)


def test_disabling_ends_all_sessions_at_once_and_enabling_does_not_bring_them_back(office):
    anna = office.add("Anna")
    office.add("Boss", Role.ADMIN)
    browser = office.enter("Anna")
    with office.app.app_context():
        user_management.disable(anna)
    assert not is_signed_in(browser)

    with office.app.app_context():
        user_management.enable(anna)

    assert not is_signed_in(browser)


def ends_in(page) -> list[str]:
    """What the buttons beside one's other browsers send."""
    return re.findall(r'name="end" value="([0-9a-f]{64})"[^>]*>Sign out<', page.text)


def test_a_user_can_sign_out_all_other_browsers_with_the_password(office):
    office.add("Anna")
    here, elsewhere = office.enter("Anna"), office.enter("Anna", REMOTE_ADDR="192.0.2.7")
    assert "192.0.2.7" in words(here.get("/account/"))

    refused = here.post("/account/sessions", data={"ending-current": OTHER})
    assert (refused.status_code, is_signed_in(elsewhere)) == (422, True)
    assert "Wrong current password." in words(refused)
    here.post("/account/sessions", data={"ending-current": PASSWORD})

    assert [is_signed_in(browser) for browser in (here, elsewhere)] == [True, False]


def test_a_user_can_sign_out_one_other_browser(office):
    office.add("Anna")
    here, lost, third = office.enter("Anna"), office.enter("Anna", REMOTE_ADDR="192.0.2.7"), office.enter("Anna")
    buttons = re.findall(r"192\.0\.2\.7.*?value=\"([0-9a-f]{64})\"", here.get("/account/").text, re.DOTALL)
    assert len(ends_in(here.get("/account/"))) == 2

    assert here.post("/account/sessions", data={"end": buttons[0], "ending-current": OTHER}).status_code == 422
    here.post("/account/sessions", data={"end": buttons[0], "ending-current": PASSWORD})

    assert [is_signed_in(browser) for browser in (here, lost, third)] == [True, False, True]
    assert ("Anna", "session ended", "Anna") in office.trail()


def test_signing_out_a_browser_that_is_already_signed_out_says_so(office):
    office.add("Anna")
    here, elsewhere = office.enter("Anna"), office.enter("Anna")
    [button] = ends_in(here.get("/account/"))
    elsewhere.post("/sign-out")

    here.post("/account/sessions", data={"end": button, "ending-current": PASSWORD})

    page = words(here.get("/account/"))
    assert "That browser was already signed out." in page
    assert "That browser is signed out." not in page
    assert "session ended" not in [what for _, what, _ in office.trail()]


def test_a_user_cannot_end_sessions_of_another_user(office):
    office.add("Anna")
    office.add("Bert")
    anna, bert = office.enter("Anna"), office.enter("Bert")
    office.enter("Anna", REMOTE_ADDR="192.0.2.7")
    [of_anna] = ends_in(anna.get("/account/"))

    bert.post("/account/sessions", data={"end": of_anna, "ending-current": PASSWORD})

    assert ends_in(anna.get("/account/")) == [of_anna]


def test_a_changed_role_applies_to_the_next_request(office):
    anna = office.add("Anna", Role.VIEWER)
    browser = office.enter("Anna")
    with office.app.app_context():
        user_management.set_role(anna, Role.ADMIN)

    assert browser.get("/users/").status_code == 200


def test_a_cookie_signed_with_another_key_is_refused(office):
    office.add("Anna")
    browser = office.enter("Anna")
    office.app.secret_key = "another key"

    assert not is_signed_in(browser)


SAME_SITE = ["/", "/items/?q=a%20b&page=2", "/jobs/3/", "/dspace-connector/items/", "/items/?q=http://x/"]
ELSEWHERE = [
    "",
    "items/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "https://evil.example/",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "/\u2028/evil.example",
    "/items/\r\nSet-Cookie: a=b",
]


@pytest.mark.parametrize("back", SAME_SITE)
def test_sign_in_returns_to_the_requested_page(office, back):
    office.add("Anna")

    assert sign_in(office.browser(), "Anna", back=back).location == back


@pytest.mark.parametrize("back", ELSEWHERE)
def test_sign_in_never_redirects_to_another_site(office, back):
    office.add("Anna")
    browser = office.browser()

    page = browser.get("/sign-in", query_string={"next": back})

    assert 'name="next" type="hidden" value=""' in page.get_data(as_text=True)
    assert sign_in(browser, "Anna", back=back).location == "/"


def test_a_sign_in_form_works_after_a_sign_in_in_another_tab_and_other_old_forms_are_refused(office):
    office.app.config["WTF_CSRF_ENABLED"] = True
    office.add("Anna")
    browser = office.browser()
    tokens = [re.search(r'name="csrf_token"[^>]* value="([^"]+)"', browser.get("/sign-in").text)[1] for _ in range(2)]
    fields = {"name": "Anna", "password": PASSWORD}
    assert browser.post("/sign-in", data=fields | {"csrf_token": tokens[0]}).status_code == 303

    led = [
        browser.post("/sign-in", data=fields | {"csrf_token": tokens[1], "next": back}, follow_redirects=True).request
        for back in ("/items/?q=1", "//evil.example", "")
    ]
    old = browser.post("/sign-out", data={"csrf_token": tokens[1]})

    assert [asked.full_path for asked in led] == ["/items/?q=1", "/?", "/?"]
    assert (old.status_code, "you signed in or out" in words(old)) == (400, True)
    assert is_signed_in(browser)


def test_a_signed_in_user_skips_the_sign_in_page(office):
    office.add("Anna")

    assert office.enter("Anna").get("/sign-in?next=/items/").location == "/items/"


def failures(browser, name: str, number: int) -> list[int]:
    return [sign_in(browser, name, OTHER).status_code for _ in range(number)]


def test_the_eleventh_failed_sign_in_within_a_minute_is_not_checked(office):
    office.add("Anna")
    browser = office.browser()

    assert failures(browser, "Anna", 10) == [422] * 10
    answer = sign_in(browser, "Anna")

    assert answer.status_code == 429
    assert "Too many requests." in words(answer)
    assert 0 < int(answer.headers["Retry-After"]) <= 61
    assert not is_signed_in(browser)


def test_failed_sign_ins_elsewhere_do_not_lock_out_a_user(office):
    office.add("Anna")
    guesser = office.browser(REMOTE_ADDR="192.0.2.1")

    assert failures(guesser, "Anna", 11) == [422] * 10 + [429]
    assert sign_in(office.browser(REMOTE_ADDR="192.0.2.2"), "Anna").status_code == 303


def test_an_account_is_throttled_against_many_addresses_without_effect_on_others(office):
    office.add("Anna")
    office.add("Bert")
    for number in range(100):
        sign_in(office.browser(REMOTE_ADDR=f"192.0.2.{number}"), "Anna" if number % 2 else "ANNA ", OTHER)

    assert sign_in(office.browser(REMOTE_ADDR="192.0.2.200"), "Anna").status_code == 429
    assert sign_in(office.browser(REMOTE_ADDR="192.0.2.200"), "Bert").status_code == 303
    forget("/100/1/hour")
    assert sign_in(office.browser(REMOTE_ADDR="192.0.2.200"), "Anna").status_code == 303


def test_an_ipv6_network_counts_as_one_address_and_mapped_addresses_count_separately(office):
    office.add("Anna")
    for number in range(10):
        sign_in(office.browser(REMOTE_ADDR=f"2001:db8::{number}"), f"Name {number}", OTHER)
        sign_in(office.browser(REMOTE_ADDR=f"::ffff:192.0.2.{number}"), f"Name {number}", OTHER)

    assert sign_in(office.browser(REMOTE_ADDR="2001:db8::ffff"), "Anna").status_code == 429
    assert sign_in(office.browser(REMOTE_ADDR="2001:db8:0:1::1"), "Anna").status_code == 303
    assert sign_in(office.browser(REMOTE_ADDR="::ffff:192.0.2.1"), "Anna").status_code == 303


def test_sign_in_ignores_json_and_file_parts_and_the_limit_still_applies(office):
    office.add("Anna")
    typed = {"name": "Anna", "password": PASSWORD}

    answers = [office.browser().post("/sign-in", json=typed).status_code for _ in range(5)]
    for _ in range(6):
        parts = {"name": "Anna", "password": (io.BytesIO(PASSWORD.encode()), "x")}
        answers.append(office.browser().post("/sign-in", data=parts).status_code)

    assert answers == [422] * 10 + [429]


def test_guesses_of_the_current_password_are_limited_from_all_addresses(office):
    office.add("Anna")
    office.add("Bert")
    typed = {"current": OTHER, "new": OTHER, "again": OTHER}
    browsers = [office.enter("Anna", REMOTE_ADDR=f"192.0.2.{number}") for number in range(11)]

    answers = [browser.post("/account/password", data=typed).status_code for browser in browsers]
    right = browsers[0].post("/account/password", data=typed | {"current": PASSWORD})

    assert answers == [422] * 10 + [429]
    assert right.status_code == 429
    assert office.enter("Bert").post("/account/password", data=typed | {"current": PASSWORD}).status_code == 303


def test_an_address_that_tries_many_names_is_throttled_and_others_are_not(office):
    office.add("Anna")
    guesser = office.browser(REMOTE_ADDR="192.0.2.1")
    for number in range(10):
        sign_in(guesser, f"Name {number}", OTHER)

    assert sign_in(guesser, "Anna").status_code == 429
    assert sign_in(office.browser(REMOTE_ADDR="192.0.2.2"), "Anna").status_code == 303


def test_sign_in_with_the_right_password_is_never_throttled(office):
    office.add("Anna")

    assert [sign_in(office.browser(), "Anna").status_code for _ in range(12)] == [303] * 12


def test_failed_sign_ins_are_limited_per_minute_and_per_hour(office):
    office.add("Anna")
    browser = office.browser()
    tried = 0
    while (status := failures(browser, "Anna", 1)[0]) == 422 or tried < 40:
        tried += status == 422
        if status == 429:
            forget_the_minute()

    assert tried == 40
    forget_the_minute()
    assert sign_in(browser, "Anna").status_code == 429


def forget_the_minute() -> None:
    """As if a minute had passed."""
    forget("/10/1/minute")


def forget(window: str) -> None:
    """As if a window had passed: its counts end in the limiter's own store."""
    store = limiter.storage
    for key in [key for key in store.storage if key.endswith(window)]:
        store.clear(key)


def test_the_audit_trail_records_sign_in_sign_out_and_failures_without_typed_text(office):
    office.add("Anna")
    browser = office.browser()
    sign_in(browser, "a password by mistake", OTHER)
    sign_in(browser, "Anna", OTHER)
    sign_in(browser, "Anna")
    browser.post("/sign-out")

    assert office.trail()[2:] == [
        ("nobody", "sign-in refused", "an unknown name"),
        ("nobody", "sign-in refused", "Anna"),
        ("Anna", "sign-in", "Anna"),
        ("Anna", "sign-out", "Anna"),
    ]


def test_a_one_time_link_shows_the_user_and_signs_in_with_the_chosen_password(office):
    with office.app.app_context():
        token = user_management.add("Anna", Role.EDITOR)
    browser = office.browser()
    page = browser.get(f"/welcome/{token}")
    assert "Welcome, Anna" in words(page)
    assert page.headers["Cache-Control"] == "no-store"

    answer = browser.post(f"/welcome/{token}", data={"password": PASSWORD, "again": PASSWORD})

    assert (answer.status_code, answer.location) == (303, "/")
    assert is_signed_in(browser)
    assert office.browser().get(f"/welcome/{token}").status_code == 410


def test_the_first_admin_chooses_a_name_too(office):
    with office.app.app_context():
        token = user_management.first_link()
    browser = office.browser()
    assert "You are the first user" in words(browser.get(f"/welcome/{token}"))

    typed = {"name": "Anna", "password": PASSWORD, "again": PASSWORD}
    refused = browser.post(f"/welcome/{token}", data=typed | {"again": "x"})
    nameless = browser.post(f"/welcome/{token}", data=typed | {"name": " "})
    browser.post(f"/welcome/{token}", data=typed)

    assert (refused.status_code, nameless.status_code) == (422, 422)
    assert "The passwords do not match." in words(refused)
    assert browser.get("/users/").status_code == 200


def test_a_taken_name_of_the_first_admin_is_reported_at_its_field(office):
    office.add("Anna", Role.EDITOR)
    with office.app.app_context():
        token = user_management.first_link()
    browser, typed = office.browser(), {"name": "anna", "password": PASSWORD, "again": PASSWORD}

    refused = browser.post(f"/welcome/{token}", data=typed)

    assert refused.status_code == 422
    assert re.search(r'id="name-error">There is an account “anna” already\.<', refused.text)
    assert browser.post(f"/welcome/{token}", data=typed | {"name": "Berta"}).status_code == 303


def test_used_and_invalid_links_are_refused_with_a_sentence(office):
    office.add("Anna", Role.ADMIN)

    for token in ("x", "x" * 43, "%00"):
        answer = office.browser().get(f"/welcome/{token}")
        assert answer.status_code == 410
        assert "Ask for a new one" in words(answer)


def test_browsers_do_not_cache_pages_of_signed_in_users(office):
    office.add("Anna")

    assert office.enter("Anna").get("/items/").headers["Cache-Control"] == "no-store"


def test_an_invitation_link_is_shown_once_and_works(office):
    office.add("Boss", Role.ADMIN)
    boss = office.enter("Boss")

    page = boss.post("/users/", data={"name": "Anna", "role": "editor"})
    link = link_in(page.get_data(as_text=True))
    browser = office.browser()
    browser.post(link, data={"password": PASSWORD, "again": PASSWORD})

    assert f'value="http://localhost{link}"' in page.get_data(as_text=True)
    assert link not in boss.get("/users/").get_data(as_text=True)
    assert is_signed_in(browser)
    assert office.account("Anna").role == Role.EDITOR
