"""Failed sign-ins of strangers do not lock the owner out of a browser in which the owner signed in before."""

from __future__ import annotations

import pytest

from connector.accounts import user_management

from .conftest import OTHER, PASSWORD, sign_in

COOKIE = "dspace-connector-known"


def strangers_guess(office, name: str = "Anna") -> None:
    """They have used up all tries at the password of Anna, or of whatever else they call themselves."""
    for number in range(100):
        sign_in(office.browser(REMOTE_ADDR=f"192.0.2.{number}"), name, OTHER)
    assert sign_in(office.browser(REMOTE_ADDR="192.0.2.200"), name).status_code == 429


def test_strangers_cannot_lock_the_owner_out_of_a_known_browser(office):
    office.add("Anna")
    office.add("Bert")
    own = office.enter("Anna", REMOTE_ADDR="198.51.100.7")
    own.post("/sign-out")
    of_another = office.enter("Bert", REMOTE_ADDR="198.51.100.8")
    strangers_guess(office)

    assert sign_in(own, "Anna").status_code == 303
    assert sign_in(of_another, "Anna").status_code == 429


def test_failed_sign_ins_from_an_address_do_not_lock_out_a_known_browser(office):
    office.add("Anna")
    own = office.enter("Anna", REMOTE_ADDR="198.51.100.7")
    own.post("/sign-out")
    guesser = office.browser(REMOTE_ADDR="198.51.100.7")

    tries = [sign_in(guesser, f"Name {number}", OTHER).status_code for number in range(11)]

    assert tries == [422] * 10 + [429]
    assert sign_in(own, "Anna").status_code == 303
    assert sign_in(own, "Bert").status_code == 429


@pytest.mark.parametrize("name", ["Anna in a browser that is known", "1:Anna", "0:1:Anna"])
def test_another_name_in_a_known_browser_does_not_count_as_its_owner(office, name):
    office.add("Anna")
    own = office.enter("Anna", REMOTE_ADDR="198.51.100.7")
    own.post("/sign-out")

    strangers_guess(office, name)

    assert sign_in(own, "Anna").status_code == 303


def test_a_browser_is_unknown_after_a_password_change_or_with_a_foreign_cookie(office):
    anna = office.add("Anna")
    own = office.enter("Anna", REMOTE_ADDR="198.51.100.7")
    forged, odd = office.browser(REMOTE_ADDR="198.51.100.9"), office.browser(REMOTE_ADDR="198.51.100.10")
    forged.set_cookie(COOKIE, own.get_cookie(COOKIE).value[:-4] + "AAAA")
    odd.set_cookie(COOKIE, "no.such.cookie")
    with office.app.app_context():
        user_management.change_password(anna, PASSWORD, OTHER)
        user_management.change_password(anna, OTHER, PASSWORD)
    strangers_guess(office)

    assert [sign_in(browser, "Anna").status_code for browser in (own, forged, odd)] == [429, 429, 429]


def test_a_known_browser_is_throttled_separately(office):
    office.add("Anna")
    own = office.enter("Anna")
    for number in range(100):
        own.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        sign_in(own, "Anna", OTHER)

    assert sign_in(own, "Anna").status_code == 429


def test_signing_in_again_ends_the_session_that_this_browser_had(office):
    office.add("Anna")
    own = office.enter("Anna")
    before = own.get_cookie("dspace-connector").value

    own.get("/account/")
    sign_in(own, "Anna")

    copy = office.browser()
    copy.set_cookie("dspace-connector", before)
    assert copy.get("/account/").status_code == 303
