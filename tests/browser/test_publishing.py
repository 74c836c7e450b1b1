"""A complete walk to Omeka S: connect, import with publishing, edit there, import again, choose, undo."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.omeka_server import Omeka

from .steps import connect, import_photographs, numbers, wait_for

pytestmark = pytest.mark.browser
PHOTOGRAPH = "Herring boats leaving at dawn"
OURS, THEIRS = "Herring boats at dawn", "Boats, as we call it here"


@pytest.fixture
def omeka():
    with Omeka() as omeka:
        yield omeka


def add_destination(page: Page, url: str, omeka: Omeka) -> None:
    page.goto(f"{url}/destinations/new")
    page.get_by_label("Name", exact=True).fill("Library")
    page.get_by_label("Omeka S site address").fill(omeka.url)
    page.get_by_label("Key identity").fill(omeka.admin.identity)
    page.get_by_label("Key credential").fill(omeka.admin.credential)
    page.get_by_label("Files", exact=True).select_option("Upload the stored files")
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_text("The destination was added.")).to_be_visible()


def titles(omeka: Omeka) -> list[str]:
    return [raw["o:title"] for raw in omeka.all_of("items")]


def retitle(omeka: Omeka, title: str) -> None:
    """Change the title of the photograph as a person does in Omeka S."""
    raw = next(raw for raw in omeka.all_of("items") if raw["o:title"] == PHOTOGRAPH)
    [value] = raw["dcterms:title"]
    omeka.edit(raw["o:id"], dcterms__title=[value | {"@value": title}], o__title=title)


def open_publishing_job(page: Page, number: int) -> None:
    """Go on from the page of an import to its publishing job, and wait for its end."""
    wait_for(page, True, "Completed")
    page.locator(".facts").get_by_role("link", name=f"Job {number}").click()
    page.wait_for_url(f"**/jobs/{number}/")


def undo(page: Page, job_id: int, undo_id: int) -> None:
    page.goto(page.url.partition("/jobs/")[0] + f"/jobs/{job_id}/")
    page.get_by_role("link", name="Undo", exact=True).click()
    page.get_by_role("button", name=f"Undo job {job_id}").click()
    page.wait_for_url(f"**/jobs/{undo_id}/")


def test_a_person_can_import_straight_to_omeka_edit_there_choose_and_undo(open_page, site, sample, omeka):
    page = open_page()
    add_destination(page, site.url, omeka)
    connect(page, site, sample)
    page.get_by_label("Also publish to").select_option("Library")
    import_photographs(page, True)
    site.work()
    open_publishing_job(page, 2)
    wait_for(page, True, "Completed")
    assert numbers(page) == "Added 12 Updated 0 Unchanged 0 Failed 0 Files uploaded 12"
    assert len(set(titles(omeka))) == len(omeka.all_of("media")) == 12

    retitle(omeka, THEIRS)
    sample.data.edit(sample.data.named(PHOTOGRAPH), "dc.title", [OURS])
    page.goto(f"{site.url}/sources/1/")
    page.get_by_role("button", name="Import again", exact=True).click()
    page.wait_for_url("**/jobs/3/")
    open_publishing_job(page, 4)
    wait_for(page, True, "Completed with problems")
    assert THEIRS in titles(omeka)

    page.get_by_role("link", name="Choose whose values stay").click()
    row = page.get_by_role("row").filter(has_text=THEIRS)
    expect(row).to_contain_text(OURS)
    row.get_by_role("button", name="Use source").click()
    expect(page.get_by_text("Your choice is carried out by job")).to_be_visible()
    page.goto(f"{site.url}/jobs/5/")
    wait_for(page, True, "Completed")
    assert OURS in titles(omeka)
    assert THEIRS not in titles(omeka)

    undo(page, 5, 6)
    wait_for(page, True, "Completed")
    undo(page, 2, 7)
    wait_for(page, True, "Completed with problems")
    assert titles(omeka) == [THEIRS]  # which a person has edited
    expect(page.get_by_text("1 item was kept, because somebody edited it")).to_be_visible()
