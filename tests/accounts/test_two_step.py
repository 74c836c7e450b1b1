"""Two-step sign-in: setup, verification codes, recovery codes, and how it is turned off."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pyotp
import pytest

from connector.accounts import authentication, two_step, user_management
from connector.accounts.sign_in_extensions import limiter
from connector.encryption import unseal
from connector.errors import InvalidInputError
from connector.extensions import db
from connector.models.accounts import RecoveryCode, Role, Session
from tests.pages import FRAGMENT, words

from .conftest import OTHER, PASSWORD, is_signed_in, link_in, sign_in

ON = "/account/two-step"


class Clock:
    """The time of day, which passes only when told to."""

    def __init__(self):
        self.now = datetime(2026, 5, 4, 12, 0, 10)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(two_step, "utcnow", made)
    monkeypatch.setattr(authentication, "utcnow", made)
    return made


class Phone:
    """The app that makes the codes, and the sheet with the recovery codes."""

    def __init__(self, secret: str, clock: Clock):
        self._maker, self._clock = pyotp.TOTP(secret), clock
        self.secret, self.recovery = secret, []

    def code(self, steps: int = 0) -> str:
        """What it shows now, or this many half minutes from now."""
        return self._maker.generate_otp(int((self._clock.now - datetime(1970, 1, 1)).total_seconds()) // 30 + steps)


def begin(browser, clock: Clock) -> Phone:
    """Give the password, and scan the picture."""
    assert browser.post(ON, data={"current": PASSWORD}).status_code == 303
    return Phone(secret_on(browser.get(ON)), clock)


def secret_on(page) -> str:
    """The secret below the QR code."""
    return re.search(r"<code>([A-Z2-7 ]{39})</code>", page.text)[1].replace(" ", "")


def set_up(browser, clock: Clock) -> Phone:
    """Turn it on, and go on half a minute later."""
    phone = begin(browser, clock)
    page = browser.post(f"{ON}/on", data={"code": phone.code()})
    phone.recovery = re.findall(r"<code>([A-Z2-7-]{29})</code>", page.get_data(as_text=True))
    clock.passes(30)
    return phone


def give(browser, code: str):
    """Type the code that is asked for at the sign-in."""
    return browser.post("/sign-in/code", data={"code": code})


def half_in(office, back: str = "", **environ: str):
    """A browser in which Anna has given her password."""
    browser = office.browser(**environ)
    answer = sign_in(browser, "Anna", back=back)
    assert (answer.status_code, answer.location) == (303, "/sign-in/code")
    return browser


@pytest.fixture
def phone(office, clock) -> Phone:
    """That of Anna, whose second factor is on."""
    office.add("Anna")
    return set_up(office.enter("Anna"), clock)


def test_password_and_code_sign_in_and_return_to_the_requested_page(office, phone):
    browser = half_in(office, back="/items/?page=2")
    assert not is_signed_in(browser)

    answer = give(browser, phone.code())

    assert (answer.status_code, answer.location) == (303, "/items/?page=2")
    assert is_signed_in(browser)


def test_codes_and_recovery_codes_work_after_the_name_is_respelt(office, phone):
    with office.app.app_context():
        user_management.respell("ANNA")

    answers = [give(half_in(office), code).status_code for code in (phone.code(), phone.recovery[0])]

    assert answers == [303, 303]


def test_there_is_no_session_before_the_code(office, phone):
    with office.app.app_context():
        before = db.session.scalar(db.select(db.func.count()).select_from(Session))
        half_in(office)
        assert db.session.scalar(db.select(db.func.count()).select_from(Session)) == before


def test_starting_a_new_sign_in_ends_the_session(office, phone):
    browser, copy = half_in(office), office.browser()
    give(browser, phone.code())
    copy.set_cookie("dspace-connector", browser.get_cookie("dspace-connector").value)
    assert is_signed_in(copy)

    sign_in(browser, "Anna")

    assert (is_signed_in(browser), is_signed_in(copy)) == (False, False)


def test_a_verification_code_works_once(office, phone):
    code = phone.code()
    assert give(half_in(office), code).status_code == 303

    again = half_in(office)
    answer = give(again, code)

    assert answer.status_code == 422
    assert "wrong, or was used already" in words(answer)
    assert code not in answer.get_data(as_text=True)
    assert not is_signed_in(again)


def test_the_code_that_turned_two_step_sign_in_on_does_not_sign_in(office, phone):
    assert give(half_in(office), phone.code(-1)).status_code == 422


@pytest.mark.parametrize(("steps", "status"), [(-2, 422), (-1, 303), (0, 303), (1, 303), (2, 422)])
def test_the_previous_and_next_codes_work_and_no_others(office, phone, clock, steps, status):
    clock.passes(300)

    assert give(half_in(office), phone.code(steps)).status_code == status


def test_after_a_verification_code_older_codes_are_refused(office, phone):
    assert give(half_in(office), phone.code(1)).status_code == 303

    assert give(half_in(office), phone.code()).status_code == 422


def test_a_recovery_code_works_once_in_any_spelling(office, phone):
    typed = phone.recovery[3].lower().replace("-", " ")
    browser = half_in(office)

    assert give(browser, typed).status_code == 303
    assert is_signed_in(browser)
    assert give(half_in(office), typed).status_code == 422
    assert ("nobody", "recovery code used", "Anna") in office.trail()


def test_ten_recovery_codes_of_120_bits_are_kept_as_hashes_only(office, phone):
    with office.app.app_context():
        kept = set(db.session.scalars(db.select(RecoveryCode.code_hash)))

    assert len(set(phone.recovery)) == len(kept) == 10
    assert all(len(code.replace("-", "")) * 5 == 120 for code in phone.recovery)
    assert not kept & {code.replace("-", "") for code in phone.recovery}


def test_the_code_of_another_user_is_refused(office, phone, clock):
    office.add("Ben")
    other = set_up(office.enter("Ben"), clock)

    assert give(half_in(office), other.code()).status_code == 422
    assert give(half_in(office), other.recovery[0]).status_code == 422


def test_an_unfinished_sign_in_expires_after_five_minutes(office, phone, clock):
    browser = half_in(office)
    clock.passes(301)

    answer = give(browser, phone.code())

    assert answer.status_code == browser.get("/sign-in/code").status_code == 409
    assert "Sign in again" in words(answer)
    assert not is_signed_in(browser)


def test_the_code_page_needs_the_password_first(office, phone):
    assert give(office.browser(), phone.code()).status_code == 409


def test_a_new_password_ends_unfinished_sign_ins(office, phone):
    browser = half_in(office)
    there = half_in(office)
    give(there, phone.code())
    there.post("/account/password", data={"current": PASSWORD, "new": OTHER, "again": OTHER})

    assert give(browser, phone.code(1)).status_code == 409


def test_an_account_disabled_between_the_steps_is_refused(office, phone):
    office.add("Boss", Role.ADMIN)
    browser = half_in(office)
    office.enter("Boss").post(f"/users/{office.account('Anna').id}/disable")

    assert give(browser, phone.code()).status_code == 409


def test_wrong_codes_are_throttled_for_the_account_from_all_addresses(office, phone):
    limiter.reset()
    browsers = [half_in(office, REMOTE_ADDR=f"198.51.100.{number}") for number in range(11)]
    statuses = [give(browser, "000000").status_code for browser in browsers]

    assert statuses == [422] * 10 + [429]
    assert office.trail().count(("nobody", "code refused", "Anna")) == 10


def test_sign_in_starts_again_when_two_step_sign_in_was_turned_off_between_the_steps(office, phone):
    browser = half_in(office)
    with office.app.app_context():
        two_step.remove(office.account("Anna").id)

    answer = give(browser, phone.code())

    assert answer.status_code == browser.get("/sign-in/code").status_code == 409
    assert "Sign in again" in words(answer)
    assert sign_in(browser, "Anna").location == "/"


def strangers_guess(office) -> None:
    """They know the password of Anna, and have used up all tries at her code."""
    limiter.reset()
    for number in range(10):
        give(half_in(office, REMOTE_ADDR=f"198.51.100.{number}"), "000000")
    assert give(half_in(office, REMOTE_ADDR="198.51.100.200"), "000000").status_code == 429


def test_wrong_codes_do_not_lock_the_owner_out_of_a_known_browser(office, phone):
    own = half_in(office)
    give(own, phone.code())
    own.post("/sign-out")

    strangers_guess(office)

    sign_in(own, "Anna")
    assert give(own, phone.code(1)).status_code == 303


def test_a_known_browser_is_throttled_separately_at_the_verification_code(office, phone):
    own = half_in(office)
    give(own, phone.code())
    limiter.reset()
    for number in range(10):
        own.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
        sign_in(own, "Anna")
        give(own, "000000")
    own.environ_base["REMOTE_ADDR"] = "198.51.100.200"
    sign_in(own, "Anna")

    assert give(own, phone.code(1)).status_code == 429


def test_wrong_codes_do_not_block_the_recovery_codes_of_the_owner(office, phone):
    strangers_guess(office)

    assert give(half_in(office), phone.code()).status_code == 429
    assert give(half_in(office), phone.recovery[0]).status_code == 303


def test_guesses_of_recovery_codes_from_one_address_are_limited(office, phone):
    limiter.reset()
    browser = half_in(office)

    answers = [give(browser, "A" * 24).status_code for _ in range(11)]

    assert answers == [422] * 10 + [429]


def test_a_link_for_a_lost_password_still_needs_the_verification_code(office, phone):
    office.add("Boss", Role.ADMIN)
    page = office.enter("Boss").post(f"/users/{office.account('Anna').id}/link")
    link = link_in(page.get_data(as_text=True))
    browser = office.browser()

    answer = browser.post(link, data={"password": OTHER, "again": OTHER})

    assert answer.location == "/sign-in/code"
    assert not is_signed_in(browser)
    assert give(browser, phone.code()).status_code == 303
    assert is_signed_in(browser)


def test_after_a_change_of_the_secret_key_codes_are_refused_and_logged_and_recovery_codes_work(office, phone, caplog):
    office.app.config["SECRET_KEY"] = "another one, of which there is enough"

    assert give(half_in(office), phone.code()).status_code == 422
    assert "The two-step sign-in secret of Anna cannot be decrypted" in caplog.text
    assert give(half_in(office), phone.recovery[0]).status_code == 303


def test_only_a_valid_code_turns_two_step_sign_in_on(office, clock):
    office.add("Anna")
    browser = office.enter("Anna")
    phone = begin(browser, clock)

    answer = browser.post(f"{ON}/on", data={"code": phone.code(5)})

    assert answer.status_code == 422
    assert office.account("Anna").two_step_secret is None
    assert ("Anna", "code refused", "Anna") in office.trail()


def test_the_secret_is_shown_for_15_minutes_and_later_needs_the_password_again(office, clock):
    office.add("Anna")
    browser = office.enter("Anna")
    phone = begin(browser, clock)
    clock.passes(900)
    assert "QR code" in browser.get(ON).text

    clock.passes(1)

    assert "QR code" not in browser.get(ON).text
    assert browser.post(f"{ON}/on", data={"code": phone.code()}).location == ON
    assert "Start again" in words(browser.get(ON))
    assert office.account("Anna").two_step_secret is None


@pytest.mark.parametrize("path", ["", "/off", "/recovery-codes"])
def test_changes_of_two_step_sign_in_need_the_current_password(office, clock, path):
    office.add("Anna")
    browser = office.enter("Anna")
    if path:
        set_up(browser, clock)
    before = office.account("Anna").two_step_secret

    answer = browser.post(f"{ON}{path}", data={"current": OTHER})

    assert answer.status_code == 422
    assert "Wrong current password" in words(answer)
    assert office.account("Anna").two_step_secret == before
    assert "QR code" not in browser.get(ON).get_data(as_text=True)


def test_turning_two_step_sign_in_on_signs_out_other_browsers(office, clock):
    office.add("Anna")
    elsewhere, here = office.enter("Anna"), office.enter("Anna")

    set_up(here, clock)

    assert (is_signed_in(elsewhere), is_signed_in(here)) == (False, True)


def test_secret_and_recovery_codes_are_shown_once_and_never_stored_readable(office, phone, caplog):
    browser = half_in(office)
    give(browser, phone.code())
    pages = "".join(browser.get(path).get_data(as_text=True) for path in (ON, "/account/"))
    account = office.account("Anna")

    for secret in (phone.secret, " ".join(two_step.in_groups_of_four(phone.secret)), *phone.recovery):
        assert secret not in pages + caplog.text + str(office.trail()) + account.two_step_secret


def test_turning_two_step_sign_in_off_deletes_the_recovery_codes(office, phone):
    browser = half_in(office)
    give(browser, phone.code())

    browser.post(f"{ON}/off", data={"current": PASSWORD})

    assert sign_in(office.browser(), "Anna").location == "/"
    with office.app.app_context():
        assert db.session.scalars(db.select(RecoveryCode)).all() == []
    assert ("Anna", "two-step sign-in off", "Anna") in office.trail()


def test_turning_off_two_step_sign_in_without_one_changes_and_records_nothing(office):
    anna = office.add("Anna")
    office.add("Boss", Role.ADMIN)
    browser = office.enter("Anna")

    answers = [
        browser.post(f"{ON}/off", data={"current": PASSWORD}),
        office.enter("Boss").post(f"/users/{anna}/two-step"),
    ]

    for answer in answers:
        assert answer.status_code == 409
        assert "is off for this account" in words(answer)
    assert is_signed_in(browser)
    assert "two-step sign-in off" not in [what for _, what, _ in office.trail()]


def test_new_recovery_codes_replace_the_old_ones(office, phone):
    browser = half_in(office)
    give(browser, phone.code())

    page = browser.post(f"{ON}/recovery-codes", data={"current": PASSWORD}).get_data(as_text=True)
    new = re.findall(r"<code>([A-Z2-7-]{29})</code>", page)

    assert give(half_in(office), phone.recovery[0]).status_code == 422
    assert give(half_in(office), new[0]).status_code == 303


def ask_to_move(browser, code: str, password: str = PASSWORD):
    """Fill in the form for another phone."""
    return browser.post(f"{ON}/move", data={"moving-current": password, "moving-code": code})


def move(browser, code: str, clock: Clock) -> Phone:
    """Move to another phone, and go on half a minute later."""
    assert ask_to_move(browser, code).status_code == 303
    phone = Phone(secret_on(browser.get(ON)), clock)
    page = browser.post(f"{ON}/on", data={"code": phone.code()})
    phone.recovery = re.findall(r"<code>([A-Z2-7-]{29})</code>", page.text)
    clock.passes(30)
    return phone


def test_a_user_can_move_to_another_phone_also_where_two_step_sign_in_is_required(office, phone, clock):
    office.app.config["TWO_STEP_SIGN_IN"] = "everyone"
    browser, elsewhere = half_in(office), half_in(office)
    give(browser, phone.code())
    give(elsewhere, phone.code(1))
    clock.passes(60)
    assert "Move to another phone" in words(browser.get(ON))

    new = move(browser, phone.code(), clock)

    assert (is_signed_in(browser), is_signed_in(elsewhere)) == (True, False)
    assert len(new.recovery) == 10
    for worthless in (phone.code(), phone.recovery[0]):
        assert give(half_in(office), worthless).status_code == 422
    for right in (new.code(), new.recovery[0]):
        assert give(half_in(office), right).status_code == 303
    assert ("Anna", "two-step sign-in moved", "Anna") in office.trail()


def test_after_a_change_of_the_secret_key_a_recovery_code_allows_a_new_phone(office, phone, clock):
    office.app.config["SECRET_KEY"] = "another one, of which there is enough"
    browser = half_in(office)
    give(browser, phone.recovery[0])

    new = move(browser, phone.recovery[1], clock)

    assert give(half_in(office), new.code()).status_code == 303


@pytest.mark.parametrize("password", [PASSWORD, OTHER])
def test_moving_to_another_phone_needs_password_and_code(office, phone, clock, password):
    browser = half_in(office)
    give(browser, phone.code())
    clock.passes(30)

    answer = ask_to_move(browser, phone.code() if password == OTHER else "000000", password)

    assert answer.status_code == 422
    assert ("Wrong current password" if password == OTHER else "This code is wrong") in words(answer)
    assert "QR code" not in browser.get(ON).text
    assert ask_to_move(browser, phone.code()).status_code == 303


def test_the_old_phone_works_until_the_first_code_of_the_new_one(office, phone, clock):
    browser = half_in(office)
    give(browser, phone.code())
    ask_to_move(browser, phone.recovery[0])

    assert browser.post(f"{ON}/on", data={"code": "000000"}).status_code == 422

    assert give(half_in(office), phone.code(1)).status_code == 303


def test_an_older_unconfirmed_secret_does_not_replace_an_active_one(office, clock):
    office.add("Anna")
    browser, copy = office.enter("Anna"), office.browser()
    copied = begin(browser, clock)
    copy.set_cookie("dspace-connector", browser.get_cookie("dspace-connector").value)
    set_up(browser, clock)
    before = office.account("Anna").two_step_secret

    assert copy.post(f"{ON}/on", data={"code": copied.code()}).location == ON

    assert office.account("Anna").two_step_secret == before


def test_a_new_secret_needs_a_code_if_two_step_sign_in_is_on(office, phone):
    browser = half_in(office)
    give(browser, phone.code())

    assert browser.post(ON, data={"current": PASSWORD}).status_code == 409

    with browser.session_transaction() as kept:
        assert "setting_up" not in kept


def test_an_admin_can_turn_off_two_step_sign_in_and_the_user_is_signed_out(office, phone):
    office.add("Boss", Role.ADMIN)
    browser = half_in(office)
    give(browser, phone.code())
    boss = office.enter("Boss")
    assert "Turn off two-step sign-in" in words(boss.get("/users/"))

    boss.post(f"/users/{office.account('Anna').id}/two-step")

    assert not is_signed_in(browser)
    assert sign_in(browser, "Anna").location == "/"
    assert "Turn off two-step sign-in" not in words(boss.get("/users/"))
    assert ("Boss", "two-step sign-in off", "Anna") in office.trail()


def test_the_command_line_turns_off_two_step_sign_in_and_lists_users_with_it(office, phone):
    runner = office.app.test_cli_runner()
    assert runner.invoke(args=["user", "list"]).output.strip().endswith("two-step sign-in")

    assert runner.invoke(args=["user", "two-step", "Anna", "--remove"]).exit_code == 0

    assert '"second_factor": false' in runner.invoke(args=["user", "list", "--json"]).output
    assert office.account("Anna").two_step_secret is None


@pytest.mark.parametrize(
    ("setting", "role", "led"),
    [
        ("offered", Role.ADMIN, False),
        ("admins", Role.ADMIN, True),
        ("admins", Role.EDITOR, False),
        ("everyone", Role.VIEWER, True),
    ],
)
def test_users_who_need_two_step_sign_in_must_set_it_up_first(office, clock, setting, role, led):
    office.add("Anna", role)
    office.app.config["TWO_STEP_SIGN_IN"] = setting
    browser = office.enter("Anna")

    answer = browser.get("/items/")
    fragment = browser.get("/items/", headers=FRAGMENT)

    assert (answer.location == ON) is led
    assert (fragment.headers.get("HX-Redirect") == ON) is led
    if led:
        assert (answer.status_code, fragment.status_code) == (303, 401)
        set_up(browser, clock)
        assert browser.get("/items/").status_code == 200
        assert browser.post(f"{ON}/off", data={"current": PASSWORD}).status_code == 409
        assert office.account("Anna").two_step_secret


def test_users_who_must_set_up_two_step_sign_in_can_sign_out(office):
    office.add("Anna")
    office.app.config["TWO_STEP_SIGN_IN"] = "everyone"

    assert office.enter("Anna").post("/sign-out").location == "/sign-in"


def test_two_step_pages_do_not_exist_behind_a_proxy_that_signs_in(office):
    office.app.config.update(AUTH="proxy", AUTH_DEFAULT_ROLE="admin", TWO_STEP_SIGN_IN="everyone")
    office.app.config["TRUSTED_PROXIES"] = office.app.config["METRICS_NETWORKS"]
    browser = office.browser(HTTP_X_REMOTE_USER="Anna", REMOTE_ADDR="127.0.0.1")

    assert browser.get("/items/").status_code == 200
    assert browser.get(ON).status_code == browser.get("/sign-in/code").status_code == 404
    assert browser.post("/users/1/two-step").status_code == 404


def test_only_one_of_several_concurrent_requests_can_use_a_code(office, phone, clock):
    account_id, code = office.account("Anna").id, phone.code()

    def use(_: int) -> bool:
        with office.app.app_context():
            return two_step.accepts(account_id, code)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(use, range(4))) == 1


def test_a_two_step_secret_is_encrypted_for_this_purpose_only(office, phone):
    sealed = office.account("Anna").two_step_secret

    with pytest.raises(InvalidInputError):
        unseal(sealed, office.app.config["SECRET_KEY"], "Anna")
