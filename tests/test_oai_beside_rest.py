"""Imports over OAI-PMH beside REST: the catalogue holds what REST alone gives, for a part of its requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connector.dspace.hal import HalClient
from connector.dspace.records import Scope, ScopeKind
from connector.extensions import db
from connector.imports.import_options import ImportOptions
from connector.imports.results import request_log
from connector.imports.start import queueing
from connector.jobs import lifecycle
from connector.jobs.attempt import stop_here
from connector.models.catalogue import CatalogueItem
from connector.models.repositories import Repository
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.faults.world import hurried
from tests.library import Library
from tests.pages import words
from tests.sample import SampleRepository
from tests.sample.model import Repository as SampleData

ITEMS, LEAST = 80, 60
RECORDS = "verb=ListRecords"
LAZY = ("source_id", "page_link")  # completed by later runs


@pytest.fixture
def sample(monkeypatch) -> Iterator[SampleRepository]:
    """A repository that is large enough for OAI-PMH, whose items changed long ago."""
    monkeypatch.setitem(HalClient.__init__.__kwdefaults__, "least_items_for_oai", LEAST)
    data = SampleData()
    minutes = iter(range(10**6))
    data.clock = lambda: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=next(minutes))
    community = data.add_community("Community")
    homes = [data.add_collection(f"Collection {number}", community) for number in range(2)]
    for number in range(ITEMS):
        title = f"Item {number} <of> “many” & more" if number % 3 else f"Item {number}"
        item = data.add_item(homes[number % 2], [("dc.title", [title]), ("dc.subject", ["a", "b"])])
        data.add_file(item, f"file {number}.txt", f"content {number}".encode())
    with SampleRepository(9, data=data) as sample:
        sample.oai.page_size = 20
        sample.oai.freeze()
        yield sample


@pytest.fixture
def library(app, sample) -> Library:
    return Library(app, sample)


def set_oai(app, uses: bool) -> None:
    with app.app_context():
        repository_of().uses_oai = uses
        db.session.commit()


def repository_of() -> Repository:
    return db.session.scalars(db.select(Repository)).one()


def without_lazy(records: dict) -> dict:
    return {handle: {k: v for k, v in record.items() if k not in LAZY} for handle, record in records.items()}


def asked(sample: SampleRepository, part: str) -> int:
    """The number of requests with this part in their address."""
    return sum(part in target for _method, target in sample.requests)


def over_rest(library: Library, job) -> dict:
    """The catalogue of REST alone, after an undo of the job."""
    library.undo(job.id)
    set_oai(library.app, False)
    library.sample.reset()
    library.run(files=False)
    return without_lazy(library.records())


def log_of(library: Library, job) -> str:
    with library.app.app_context():
        return request_log.text(lifecycle.get(job.id), "")


def test_a_first_import_over_oai_is_what_rest_gives_with_a_fraction_of_its_lists(library, sample):
    job = library.run(files=False)
    found, lists = library.records(), asked(sample, "embed=bundles")

    assert (len(found), job.expected, job.counts["seen"], job.counts["added"]) == (ITEMS, ITEMS, ITEMS, ITEMS)
    assert sum(record["source_id"] == handle for handle, record in found.items()) > ITEMS / 2
    assert without_lazy(found) == over_rest(library, job)
    assert lists < asked(sample, "embed=bundles")


def test_what_an_old_index_does_not_show_comes_over_rest(library, sample):
    data, items = sample.data, list(sample.data.items.values())
    data.edit(items[3], "dc.title", ["Edited since"])
    data.restrict(items[10])
    data.withdraw(items[20])
    data.make_private(items[30])
    data.delete(items[40])
    new = data.add_item(items[0].collection, [("dc.title", ["New since"])])

    job = library.run(files=False)

    found = library.records()
    assert len(found) == ITEMS - 3
    assert found[items[3].handle]["title"] == "Edited since"
    assert new.handle in found
    assert without_lazy(found) == over_rest(library, job)


def test_later_runs_complete_the_ids_without_a_change_of_any_item(library, sample):
    library.app.config["RECHECK_RUNS"] = 1
    library.run(files=False)
    before = library.records()

    again = library.run(files=False)

    after = library.records()
    assert (again.counts["added"], again.counts["updated"], again.counts["unchanged"]) == (0, 0, ITEMS)
    assert without_lazy(after) == without_lazy(before)
    assert {record["source_id"] for record in after.values()} == sample.data.items.keys()
    with library.app.app_context():
        links = db.session.scalars(db.select(CatalogueItem.page_link)).all()
    assert {link.rpartition("/")[2] for link in links} == sample.data.items.keys()


def test_changes_after_an_import_over_oai_come_with_the_next_one(library, sample):
    library.run(files=False)
    edited, hidden, *_others, last = sample.data.items.values()
    sample.data.clock = lambda: datetime.now(UTC) + timedelta(seconds=1)
    sample.data.edit(edited, "dc.title", ["Edited"])
    sample.data.edit(last, "dc.title", ["Edited"])
    sample.data.make_private(hidden)

    again = library.run(files=False)

    assert (again.counts["added"], again.counts["updated"], again.counts["vanished"]) == (0, 2, 1)
    records = library.records()
    for item in (edited, last):
        assert (records[item.handle]["title"], records[item.handle]["source_id"]) == ("Edited", item.uuid)


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 403}, {"body": "<html>Please wait</html>"}, {"cut": 900}],
    ids=["500", "403", "html", "cut"],
)
def test_an_oai_that_fails_in_the_middle_leads_back_to_rest_and_the_job_says_so(library, sample, fault):
    sample.faults.add("resumptionToken=xoai%2F%2F%2F%2F40", None, **fault)
    sample.faults.add("verb=GetRecord", None, **fault)

    job = library.run(files=False)

    sample.faults.clear()
    assert (job.counts["seen"], job.counts["added"]) == (ITEMS, ITEMS)
    assert "OAI-PMH could not be used" in log_of(library, job)
    with library.app.app_context():
        assert repository_of().uses_oai
    assert without_lazy(library.records()) == over_rest(library, job)


@pytest.mark.parametrize("offset", [20, 60])
def test_an_import_that_is_stopped_over_oai_goes_on_and_can_be_undone(library, sample, offset):
    for item in list(sample.data.items.values())[::7]:
        sample.data.edit(item, "dc.title", ["Edited since"])

    def stop(target: str) -> bool:
        if f"%2F%2F{offset}" in target:
            stop_here(1)
        return False

    sample.faults.add(stop, None)
    with library.app.app_context():
        found = discovery.connect(sample.url, "rest", None)
        source_id = service.source_for(found.repository_id, Scope(ScopeKind.REPOSITORY))
        job_id = queueing.create(source_id, ImportOptions(item_set_from_collection=True))
        carry_out(job_id)
        stopped = lifecycle.get(job_id).state
        sample.faults.clear()
        lifecycle.resume(job_id)
        carry_out(job_id)
        db.session.rollback()
        job = lifecycle.get(job_id)

    assert (stopped, job.state, job.clean) == ("stopped", "completed", True)
    assert (job.counts["seen"], job.counts["added"], job.expected) == (ITEMS, ITEMS, ITEMS)
    assert without_lazy(library.records()) == over_rest(library, job)


def test_an_oai_that_hangs_leads_back_to_rest(library, sample):
    sample.faults.add("resumptionToken=xoai%2F%2F%2F%2F40", None, hang=True)

    with hurried(library.app, 60):
        job = library.run(files=False)

    sample.faults.clear()
    assert "OAI-PMH could not be used" in log_of(library, job)
    assert without_lazy(library.records()) == over_rest(library, job)


def test_a_run_in_which_every_item_changed_is_read_over_oai(library, sample):
    library.run(files=False)
    sample.data.clock = lambda: datetime.now(UTC) + timedelta(seconds=1)
    for item in sample.data.items.values():
        sample.data.edit(item, "dc.title", ["Edited"])
    sample.oai.freeze()
    sample.reset()

    again = library.run(files=False)

    assert (again.counts["updated"], again.counts["seen"]) == (ITEMS, ITEMS)
    assert asked(sample, RECORDS) >= ITEMS / sample.oai.page_size
    assert {record["title"] for record in library.records().values()} == {"Edited"}


def test_a_field_that_differs_comes_over_rest_and_the_request_log_names_it(library, sample):
    items = list(sample.data.items.values())
    for item in items[::4]:
        sample.data.edit(item, "dc.type", ["odd\uffffvalue"])
    sample.oai.freeze()

    job = library.run(files=False)

    assert "gives other values than REST in these fields, so their items were read over REST: dc.type" in log_of(
        library, job
    )
    over_oai = {handle for handle, record in library.records().items() if record["source_id"] == handle}
    assert over_oai == {item.handle for item in items} - {item.handle for item in items[::4]}
    assert without_lazy(library.records()) == over_rest(library, job)


def test_an_oai_that_leaves_out_a_field_is_switched_off_and_the_job_says_why(library, sample):
    def without_subjects(answer):
        body = answer.body.replace(b'<element name="subject">', b'<element name="format">')
        answer.body = body
        return answer

    sample.faults.add(RECORDS, None, change=without_subjects)

    job = library.run(files=False)

    assert "OAI-PMH is switched off for this repository" in log_of(library, job)
    assert "dc.subject" in log_of(library, job)
    with library.app.app_context():
        assert not repository_of().uses_oai
    sample.faults.clear()
    assert without_lazy(library.records()) == over_rest(library, job)
    sample.reset()
    library.run(files=False)
    assert asked(sample, "/oai/") == 0


def test_the_job_and_the_import_options_say_that_items_came_over_oai(app, client, library, sample):
    job = library.run(files=False)
    set_oai(app, False)
    alone = library.run(files=False, full=True)

    assert f"{ITEMS} items were read over OAI-PMH, and each of them was confirmed" in job.message
    assert "OAI-PMH" not in alone.message
    set_oai(app, True)
    found = "DSpace 9.3 at server/api; OAI-PMH at server/oai/request, newest record of 2025-01-01"
    assert found in words(client.get("/repositories/1/"))


def test_an_index_older_than_all_compared_items_is_left_out_once_and_used_when_it_is_fresh(library, sample):
    sample.data.clock = lambda: datetime.now(UTC) - timedelta(days=1)
    for item in sample.data.items.values():
        sample.data.edit(item, "dc.subject", ["changed"])

    stale = library.run(files=False)
    library.undo(stale.id)
    sample.oai.freeze()
    fresh = library.run(files=False)

    assert "All items that were compared have changed since its index was updated." in log_of(library, stale)
    assert (stale.clean, stale.counts["added"], "OAI-PMH" in stale.message) == (True, ITEMS, False)
    assert f"{ITEMS} items were read over OAI-PMH" in fresh.message


def test_items_whose_order_across_languages_is_unknown_come_over_rest(library, sample):
    items = list(sample.data.items.values())
    for item in items[:8]:
        sample.data.edit(item, "dc.subject", [("Hafen", "de"), ("port", "en"), ("Schiff", "de")])
    for item in items[8:]:
        sample.data.edit(item, "dc.subject", [("port", "en"), ("Hafen", "de")])
    sample.oai.freeze()

    job = library.run(files=False)

    found = library.records()
    over_oai = {handle for handle, record in found.items() if record["source_id"] == handle}
    assert over_oai == {item.handle for item in items[8:]}
    assert without_lazy(found) == over_rest(library, job)


def test_an_item_whose_own_collection_is_closed_is_in_the_item_sets_that_rest_gives(library, sample):
    data, items = sample.data, list(sample.data.items.values())
    closed = data.add_collection("Closed", items[0].collection.parent)
    data.move(items[5], closed)
    data.map_to(items[5], items[0].collection)
    closed.readable = False
    sample.oai.freeze()

    job = library.run(files=False, is_clean=False)

    assert without_lazy(library.records()) == over_rest(library, job)


def test_a_search_for_handles_that_the_site_refuses_leads_to_rest_alone(library, sample):
    sample.faults.add(lambda target: "query=handle" in target or "lastModified" in target, None, status=403)

    job = library.run(files=False)

    sample.faults.clear()
    assert (job.counts["added"], len(library.records())) == (ITEMS, ITEMS)
    assert "OAI-PMH could not be used" in log_of(library, job)
