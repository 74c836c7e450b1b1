"""The pages on which a person decides: missing items, takedowns, estimates and failed items."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from connector.dspace.records import ScopeKind
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.conftest import app_at, let_go
from tests.sample import Item, SampleRepository, library
from tests.sample.server import GENERATIONS

from .conftest import Site
from .steps import assert_fits, numbers, open_tab, press_until_focused, wait_for

pytestmark = pytest.mark.browser
PHOTOGRAPHS = "Harbour photographs"  # 12 items with a file each
LOST = 4  # of 12: more than the 20 % that are marked without a question


@pytest.fixture(scope="module")
def repository() -> Iterator[SampleRepository]:
    """The one server of all tests here; see `sample`."""
    with SampleRepository(9) as repository:
        yield repository


@pytest.fixture
def sample(repository: SampleRepository) -> SampleRepository:
    """The repository as it was when it was imported."""
    repository.data = library(repository.url)
    repository.api = GENERATIONS[repository.generation](repository)
    repository.faults.clear()
    return repository


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, template: Path, repository: SampleRepository) -> Path:
    """An instance in which job 1 imported the photographs with their files."""
    folder = tmp_path_factory.mktemp("decisions") / "instance"
    shutil.copytree(template, folder)
    app = app_at(folder)
    with app.app_context():
        repository_id = discovery.connect(repository.url, "rest", None).repository_id
        handle = repository.data.named(PHOTOGRAPHS).handle
        scope = discovery.find(repository_id, ScopeKind.COLLECTION, handle).scope
        assert carry_out(queueing.create(service.source_for(repository_id, scope), ImportOptions(files=True)))
    let_go(app)
    return folder


@pytest.fixture
def app(tmp_path: Path, imported: Path) -> Iterator[Flask]:
    """The app on a copy of that instance."""
    shutil.copytree(imported, tmp_path / "instance")
    app = app_at(tmp_path / "instance")
    yield app
    let_go(app)


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def scripted(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def page(open_page, scripted: bool) -> Page:
    return open_page(java_script_enabled=scripted)


def photographs(sample: SampleRepository) -> list[Item]:
    home = sample.data.named(PHOTOGRAPHS)
    return [item for item in sample.data.items.values() if item.collection is home]


def lose(sample: SampleRepository) -> list[str]:
    """Delete a third of the photographs at the source; gives their titles."""
    lost = photographs(sample)[:LOST]
    for item in lost:
        sample.data.delete(item)
    return [item.name for item in lost]


def run_again(page: Page, site: Site) -> None:
    """Run job 1 again, as job 2."""
    page.goto(f"{site.url}/jobs/1/")
    page.get_by_role("link", name="Re-run").click()
    page.get_by_role("button", name="Re-run job 1").click()
    page.wait_for_url("**/jobs/2/")
    site.work()


def rows(page: Page) -> list[str]:
    """The titles in the list of what is gone."""
    expect(page.get_by_role("heading", name="Missing at source")).to_be_visible()
    page.wait_for_load_state("load")
    return [text.strip() for text in page.locator("tbody a.name").all_inner_texts()]


def test_many_missing_items_are_marked_after_the_answer_yes(page, scripted, site, sample):
    lost = lose(sample)
    run_again(page, site)
    wait_for(page, scripted, "Waiting for your answer")
    expect(page.get_by_role("button", name="No, leave them as they are")).to_be_visible()

    page.get_by_role("button", name="Yes, mark 4 as missing").click()
    wait_for(page, scripted, "Completed")

    assert numbers(page).endswith("Missing at source 4")
    page.get_by_role("link", name="Missing at source", exact=True).click()
    assert sorted(rows(page)) == sorted(lost)


def test_many_missing_items_stay_after_the_answer_no(page, scripted, site, sample):
    lose(sample)
    run_again(page, site)
    wait_for(page, scripted, "Waiting for your answer")

    page.get_by_role("button", name="No, leave them as they are").click()
    expect(page.get_by_role("button", name="No, leave them as they are")).to_have_count(0)
    wait_for(page, scripted, "Completed with problems")

    page.get_by_role("link", name="Missing at source", exact=True).click()
    expect(page.get_by_text("No items are missing at source.")).to_be_visible()


@pytest.fixture
def gone(app: Flask, sample: SampleRepository) -> list[str]:
    """Four photographs that job 2 has marked as gone, by their titles."""
    lost = lose(sample)
    app.config["MAX_MISSING_PERCENT"] = 100
    with app.app_context():
        assert carry_out(queueing.rerun(1))
    return lost


def test_missing_items_can_be_hidden_shown_and_removed_singly_and_all_at_once(page, site, gone):
    page.goto(f"{site.url}/missing/")
    first, *rest = rows(page)

    page.get_by_label(first, exact=True).check()
    page.get_by_role("button", name="Hide").click()
    expect(page.get_by_text("Hidden: 1 item.")).to_be_visible()
    page.goto(f"{site.url}/items/")
    expect(page.get_by_text("11 items", exact=True)).to_be_visible()

    page.goto(f"{site.url}/missing/")
    page.get_by_label(first, exact=True).check()
    page.get_by_role("button", name="Show ticked items again").click()
    expect(page.get_by_text("Shown again: 1 item.")).to_be_visible()

    page.get_by_label(first, exact=True).check()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="Remove these items?")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    assert sorted(rows(page)) == sorted(gone)
    page.get_by_label(first, exact=True).check()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Yes, remove them").click()
    expect(page.get_by_text("Removed: 1 item.")).to_be_visible()
    assert sorted(rows(page)) == sorted(rest)

    page.get_by_label("All items of this list (3)").check()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("button", name="Yes, remove them")).to_be_visible()
    assert numbers(page).startswith("Items removed 3")
    page.get_by_role("button", name="Yes, remove them").click()
    expect(page.get_by_text("No items are missing at source.")).to_be_visible()
    page.goto(f"{site.url}/items/")
    expect(page.get_by_text("8 items", exact=True)).to_be_visible()


def test_missing_items_can_be_removed_with_the_keyboard(open_page, site, gone):
    page = open_page()
    page.goto(f"{site.url}/missing/")
    title = rows(page)[0]

    press_until_focused(page, "checkbox", title)
    page.keyboard.press("Space")
    press_until_focused(page, "button", "Remove ticked items")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Remove these items?").wait_for()
    press_until_focused(page, "button", "Yes, remove them")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Removed: 1 item.")).to_be_visible()
    assert sorted(rows(page)) == sorted(set(gone) - {title})


def test_an_item_is_taken_down_with_a_reason_and_does_not_come_back_until_it_is_allowed(page, scripted, site, sample):
    handle = photographs(sample)[0].handle
    page.goto(f"{site.url}/takedown/")
    page.get_by_label("Items", exact=True).fill(f"{handle}\n123456789/nowhere")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("123456789/nowhere")).to_be_visible()
    assert numbers(page).startswith("Items removed 1")
    page.get_by_label("Reason").fill("The family asked for it")
    page.get_by_role("button", name="Yes, take them down").click()
    expect(page.get_by_text("Taken down: 1 item.")).to_be_visible()
    expect(page.get_by_role("cell", name="The family asked for it")).to_be_visible()

    run_again(page, site)
    wait_for(page, scripted, "Completed")
    expect(page.get_by_text("1 item is excluded by a takedown.")).to_be_visible()
    page.goto(f"{site.url}/items/")
    expect(page.get_by_text("11 items", exact=True)).to_be_visible()

    page.goto(f"{site.url}/excluded/")
    page.get_by_role("button", name=f"Allow again: {handle}").click()
    expect(page.get_by_text("Allowed again: 1 item.")).to_be_visible()
    expect(page.get_by_text("No item is excluded.")).to_be_visible()


def test_an_estimate_is_shown_before_the_import_on_request(page, scripted, site, sample):
    page.goto(f"{site.url}/repositories/1/")
    page.get_by_label("Import files").check()
    page.get_by_text("More options").click()
    page.get_by_label("Estimate first").check()
    page.get_by_label("Comment").fill("After thinking it over")
    open_tab(page, "Entire repository")
    page.locator("#panel-repository").get_by_role("button", name="Import").click()
    expect(page.get_by_text("Requests, about")).to_be_visible()
    expect(page.get_by_text("Size of the files")).to_be_visible()

    page.get_by_role("button", name="Import", exact=True).click()

    page.wait_for_url("**/jobs/2/")
    expect(page.get_by_text("After thinking it over")).to_be_visible()


def test_failed_items_and_files_can_be_retried_alone(page, scripted, site, sample):
    added = sample.data.add_item(sample.data.named(PHOTOGRAPHS), [("dc.title", ["The new lighthouse"])])
    file = sample.data.add_file(added, "new.txt", b"a new file")
    sample.faults.add(f"/bitstreams/{file.uuid}/content", times=None, body="other bytes")
    run_again(page, site)
    wait_for(page, scripted, "Completed with problems")
    expect(page.get_by_role("cell", name="The new lighthouse")).to_be_visible()

    sample.faults.clear()
    page.get_by_role("button", name="Retry failed").click()
    page.wait_for_url("**/jobs/3/")
    wait_for(page, scripted, "Completed")

    expect(page.get_by_role("button", name="Retry failed")).to_have_count(0)
    page.goto(f"{site.url}/jobs/2/")
    expect(page.get_by_text("Completed with problems")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_decisions_is_wider_than_a_small_screen(open_page, site, sample, gone, scheme):
    page = open_page(viewport={"width": 400, "height": 800}, color_scheme=scheme)
    page.goto(f"{site.url}/takedown/")
    assert_fits(page, "Take items down")
    page.get_by_label("Items", exact=True).fill(photographs(sample)[-1].handle + "\n123456789/nowhere-" + "x" * 60)
    page.get_by_role("button", name="Continue").click()
    assert_fits(page, "Take these items down?")
    page.get_by_label("Exclude these items, too").check()
    page.get_by_label("Reason").fill("Asked for by " + "x" * 60)
    page.get_by_role("button", name="Yes, take them down").click()
    assert_fits(page, "Excluded items")
    page.goto(f"{site.url}/jobs/2/")
    assert_fits(page, f"Import of {PHOTOGRAPHS}")
    page.goto(f"{site.url}/items/1/")
    assert_fits(page, gone[0])
    page.goto(f"{site.url}/missing/")
    assert_fits(page, "Missing at source")
    page.get_by_label("All items of this list (4)").check()
    page.get_by_role("button", name="Remove").click()
    assert_fits(page, "Remove these items?")
    page.goto(f"{site.url}/repositories/1/")
    page.get_by_text("More options").click()
    page.get_by_label("Estimate first").check()
    open_tab(page, "Entire repository")
    page.locator("#panel-repository").get_by_role("button", name="Import").click()
    assert_fits(page, f"Import {sample.data.name}?")
