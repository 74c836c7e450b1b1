"""No page and no poll of a job does more work in a larger instance."""

from __future__ import annotations

import shutil
from urllib.parse import urlsplit

import pytest

from connector import pagination
from connector.catalogue import counts, facets, search
from connector.extensions import db, utcnow
from connector.imports.files import file_downloads
from connector.imports.undo_effects import removed_items
from connector.web.catalogue import item_lists
from tests.conftest import app_at, let_go

from .large import JOBS, make
from .pages import API, PAGES, POLLS, UNDO
from .work import steps_of

# These are counted up to a limit.
COUNTED = (
    *("/items/", "/items/?after=400", "/items/?before=400", "/items/?sort=title", "/items/?sort=last-modified"),
    *("/item-sets/1/", "/jobs/5/", "/", "/live"),
)
# These may walk an index, but read no row that they do not show.
LISTS = (
    *("/items/?item_set=5", "/items/?job=1", "/items/?item_set=1", "/items/?repository=1", "/items/?kind=pdf"),
    *("/items/?item_set=1&job=1", "/items/?job=1&sort=title", "/items/filters?job=1", "/items/filters?q=harbour&job=1"),
    *("/items/?q=harbour", "/items/?q=harbour&after=200", "/items/?q=of"),
    "/item-sets/",
    "/missing/",
    "/missing/?before=last",
    "/sources/1/",
    "/jobs/5/preview/",
    "/audit/",
    *("/destinations/", "/destinations/1/conflicts/", "/jobs/7/adoption/", "/excluded/"),
)
SEARCHES = (
    "/items/?q=nothingatall",
    "/items/?q=nothingatall&item_set=1",
    "/items/?q=zz",
    "/items/?join=and&term=dcterms:title&op=is&value=report+7+on+harbour+7",
    # All items have these words in their abstracts or titles.
    "/items/?join=and&term=dcterms:title&op=contains&value=ships",
    "/items/?join=and&term=dcterms:title&op=starts&value=ships&join=or&term=dcterms:creator&op=is&value=ships",
    "/items/?join=not&term=dcterms:title&op=contains&value=report",
    "/items/?q=-harbour",
    # All items have the parts of these words, and none has the words.
    "/items/?q=%22as+the+port%22",
    "/items/?q=arbour*",
    "/items/?q=%22as+the+port%22&item_set=1",
)
STEPS_AN_ITEM = 60
# The benchmark does not ask for these.
DOWNLOADS = {
    *("admin.trail_csv", "missing.exclusions_csv", "repositories.crosswalk_as_csv", "exports.download"),
    *("imports.problems", "imports.request_log_text", "item_archive.download", "catalogue.file"),
}
OF_OTHER_SERVERS = {"destinations.edit", "destinations.new", "item_set.show", "repositories.scope_list"}
OF_ONE_THING = {
    *("viewer.view", "viewer.thumbnail", "viewer.manifest", "previews.sample_item", "item_sets.create", "static"),
    *("api.openapi", "help.index", "help.part", "health.alive", "health.ready"),
}
OF_ACCOUNTS = {
    *("accounts.account", "accounts.sign_in", "accounts.welcome", "two_step.page", "two_step.code"),
    *(
        "tokens.index",
        "tokens.revoke",
        "tokens.of_user",
        "tokens.revoke_of_user",
        "admin.users",
        "admin.ask_to_disable",
    ),
}


@pytest.fixture(scope="module")
def instances(template, tmp_path_factory):
    """Two apps, of which the second has four times as many items in its catalogue."""
    apps = []
    for items in (1000, 4000):
        folder = tmp_path_factory.mktemp("large") / "instance"
        shutil.copytree(template, folder)
        apps.append(app_at(folder))
        make(apps[-1], items)
    yield apps
    for app in apps:
        let_go(app)


def steps_in(instances, address):
    """Return the steps of SQLite for a page of each of these apps."""
    steps = []
    for app in instances:
        browser = app.test_client()
        assert browser.get(address).status_code == 200
        steps.append(steps_of(app, lambda browser=browser: browser.get(address)))
    return steps


def test_the_benchmark_asks_for_each_page_whose_work_may_grow_with_the_catalogue(instances):
    addresses = instances[0].url_map.bind("localhost")
    measured = {addresses.match(urlsplit(address).path)[0] for address in (*POLLS, *PAGES, *API, UNDO)}
    pages = {rule.endpoint for rule in instances[0].url_map.iter_rules() if "GET" in rule.methods}

    assert pages - measured == DOWNLOADS | OF_OTHER_SERVERS | OF_ONE_THING | OF_ACCOUNTS


@pytest.mark.parametrize("address", JOBS)
def test_the_work_of_a_job_page_does_not_grow_with_the_number_of_items(instances, address):
    small, large = steps_in(instances, address)

    assert large <= 1.1 * small + 1000


@pytest.mark.parametrize("address", SEARCHES)
def test_a_search_reads_only_items_that_it_finds_and_counts(instances, address, monkeypatch):
    monkeypatch.setattr(item_lists, "FOUND_COUNTED", 300)
    monkeypatch.setattr(search, "SHORT", 300)
    monkeypatch.setattr(search, "MEDIUM", 300)
    monkeypatch.setattr(search, "LONG", 400)
    monkeypatch.setattr(search, "CHECKED", 300)
    monkeypatch.setattr(search, "TEXTS", 300)
    small, large = steps_in(instances, address)

    assert large <= 1.1 * small + 1000


@pytest.mark.parametrize("address", LISTS)
def test_a_list_takes_few_steps_for_each_item_that_it_does_not_show(instances, address, monkeypatch):
    monkeypatch.setattr(facets, "COUNTED", 300)
    monkeypatch.setattr(item_lists, "FOUND_COUNTED", 300)
    monkeypatch.setattr(search, "SHORT", 300)
    monkeypatch.setattr(search, "MEDIUM", 300)
    monkeypatch.setattr(search, "LONG", 400)
    small, large = steps_in(instances, address)

    assert large - small <= STEPS_AN_ITEM * 3000


@pytest.mark.parametrize("address", COUNTED)
def test_a_list_is_not_counted_beyond_a_limit(instances, address, monkeypatch):
    monkeypatch.setattr(pagination, "COUNTED", 300)
    monkeypatch.setattr(facets, "COUNTED", 300)
    for app in instances:
        with app.app_context():
            counts.count_if_changed(utcnow() + 2 * counts.LONGEST)
    small, large = steps_in(instances, address)

    assert large <= 1.1 * small + 1000


@pytest.mark.parametrize(
    ("first", "deep"),
    [
        ("/items/", "/items/?after=40"),
        ("/item-sets/1/", "/item-sets/1/?before=last"),
        ("/missing/", "/missing/?before=last"),
        ("/jobs/5/preview/", "/jobs/5/preview/?before=last"),
        ("/audit/", "/audit/?after=40"),
    ],
)
def test_a_page_deep_in_a_list_costs_as_much_as_the_first(instances, first, deep, monkeypatch):
    monkeypatch.setattr(pagination, "COUNTED", 30)
    steps = [steps_in(instances[1:], address)[0] for address in (first, deep)]

    assert steps[1] <= 1.1 * steps[0] + 1000


def test_the_first_titles_of_an_undo_are_found_without_reading_the_others(instances):
    steps = []
    for app in instances:
        with app.app_context():
            titles = removed_items(1).limit(20)
            steps.append(steps_of(app, lambda titles=titles: db.session.scalars(titles).all()))

    assert steps[1] <= 1.1 * steps[0] + 1000


def test_the_search_for_remaining_files_takes_constant_steps_for_each_item(instances, monkeypatch):
    monkeypatch.setattr(file_downloads, "ITEMS", 50)

    def walk() -> list[int]:
        found, last = [], 0
        while ids := file_downloads.seen_items(1, 2, last):
            found, last = [*found, *ids], ids[-1]
        return found

    steps = []
    for app, items in zip(instances, (1000, 4000), strict=True):
        with app.app_context():
            assert walk() == list(range(items // 2 + 1, items + 1))
            steps.append(steps_of(app, walk))

    assert steps[1] <= 5 * steps[0]
