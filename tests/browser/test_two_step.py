"""Two-step sign-in is set up and used in a browser. Its QR code can be read."""

from __future__ import annotations

import re
import time

import pyotp
import pytest

from connector.accounts import user_management
from connector.models.accounts import Role

pytestmark = pytest.mark.browser
PASSWORD = "gentle otters fold paper maps"


def test_two_step_sign_in_can_be_set_up_and_used_with_the_next_code(app, site, open_page):
    with app.app_context():
        user_management.redeem_link(user_management.add("Anna", Role.EDITOR), PASSWORD)
    page = open_page()
    page.context.clear_cookies()

    def give_password() -> None:
        page.goto(f"{site.url}/sign-in")
        page.get_by_label("Name").fill("Anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()

    give_password()
    page.get_by_role("button", name="Sign out").wait_for()
    page.goto(f"{site.url}/account/")
    page.get_by_role("link", name="Set up").click()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Set up").click()
    picture = page.get_by_role("img", name="QR code").locator("svg")
    maker = pyotp.TOTP(page.locator("code").inner_text().replace(" ", ""))

    assert picture.bounding_box()["width"] > 150
    assert picture.locator("path").first.evaluate("path => getComputedStyle(path).fill") == "rgb(255, 255, 255)"
    assert picture.locator("path").last.evaluate("path => getComputedStyle(path).stroke") == "rgb(0, 0, 0)"

    step = int(time.time()) // 30
    page.get_by_label("Code", exact=True).fill(maker.generate_otp(step))
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    codes = page.locator("li code").all_inner_texts()
    page.get_by_role("link", name="Continue").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()
    give_password()
    page.get_by_label("Code", exact=True).fill(maker.generate_otp(max(step + 1, int(time.time()) // 30)))
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("button", name="Sign out").wait_for()
    assert len(codes) == 10
    assert all(re.fullmatch(r"([A-Z2-7]{4}-){5}[A-Z2-7]{4}", code) for code in codes)
