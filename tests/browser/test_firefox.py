"""A complete walk through the pages in Firefox, with script and without it, by mouse and by keyboard."""

from __future__ import annotations

import pytest

from tests import signed_in
from tests.firefox import ENTER, Firefox, launched

pytestmark = [pytest.mark.browser, pytest.mark.needs("firefox")]
PHOTOGRAPH = "Herring boats leaving at dawn"
ADDRESS = "//input[@name='url']"


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def scripted(request):
    return request.param


@pytest.fixture
def firefox(app, site, tmp_path, scripted):
    profile = tmp_path / "profile"
    profile.mkdir()
    with launched(profile, scripted) as firefox:
        firefox.open(f"{site.url}/healthz")
        firefox.add_cookie(**signed_in.cookie(app))
        yield firefox


def wait_for(firefox: Firefox, scripted: bool, text: str) -> None:
    """Until an element has this text: by itself with script, else by loading the page again."""
    while not scripted and f">{text}<" not in firefox.source:
        firefox.reload()
    firefox.find(f"//*[normalize-space()='{text}']")


def test_connect_by_keyboard_import_browse_and_undo_by_mouse(firefox, scripted, site, sample):
    collection = sample.data.named("Harbour photographs")
    firefox.open(f"{site.url}/repositories/")
    firefox.press_until_focused(ADDRESS)
    firefox.press(f"{sample.url}/handle/{collection.handle}{ENTER}")
    firefox.click("//div[@class='offer']//button")
    firefox.find("//*[normalize-space()='Queued']")
    site.work()
    wait_for(firefox, scripted, "Completed")

    firefox.open(f"{site.url}/items/")
    firefox.click(f"//a[normalize-space()='{PHOTOGRAPH}']")
    firefox.find(f"//h1[normalize-space()='{PHOTOGRAPH}']")

    firefox.open(f"{site.url}/jobs/1/undo")
    firefox.click("//main//form//button")
    firefox.find("//*[@id='job']")
    wait_for(firefox, scripted, "Completed")
    firefox.open(f"{site.url}/items/")
    assert "The catalogue is empty." in firefox.source
