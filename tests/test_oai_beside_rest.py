"""Imports over OAI-PMH beside REST: the catalogue holds what REST alone gives, for a part of its requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.extensions import db
from connector.imports.results import request_log
from connector.jobs import lifecycle
from connector.models.repositories import Repository
from tests.library import Library
from tests.pages import words
from tests.sample import SampleRepository
from tests.sample.model import Repository as SampleData

ITEMS = 520
LAZY = ("source_id", "page_link")  # completed by later runs


def filled(number: int = ITEMS, generation: int = 9) -> SampleRepository:
    """A repository with so many items, the last of which changed long ago."""
    data = SampleData()
    start = datetime(2025, 1, 1, tzinfo=UTC)
    ticks = iter(range(10**6))
    data.clock = lambda: start + timedelta(minutes=next(ticks))
    community = data.add_community("Community")
    homes = [data.add_collection(f"Collection {n}", community) for n in range(2)]
    for n in range(number):
        title = f"Item {n} <of> “many” & more" if n % 3 else f"Item {n}"
        item = data.add_item(homes[n % 2], [("dc.title", [title]), ("dc.subject", ["a", "b"])])
        data.add_file(item, f"file {n}.txt", f"content {n}".encode())
    return SampleRepository(generation, data=data)


@pytest.fixture
def sample():
    with filled() as sample:
        yield sample


def set_oai(app, uses: bool) -> None:
    with app.app_context():
        db.session.scalars(db.select(Repository)).one().uses_oai = uses
        db.session.commit()


def without_lazy(records: dict) -> dict:
    return {handle: {k: v for k, v in record.items() if k not in LAZY} for handle, record in records.items()}


def item_pages(sample: SampleRepository) -> int:
    """The number of requests for items with their files over REST."""
    return sum("embed=bundles" in target for _method, target in sample.requests)


def test_a_first_import_over_oai_is_what_rest_gives_with_a_fraction_of_its_lists(app, sample):
    library = Library(app, sample)
    job = library.run(files=False)
    over_oai, pages = library.records(), item_pages(sample)
    library.undo(job.id)
    set_oai(app, False)
    sample.reset()
    library.run(files=False)

    assert len(over_oai) == ITEMS
    assert without_lazy(over_oai) == without_lazy(library.records())
    assert any(record["source_id"] == handle for handle, record in over_oai.items())
    assert pages <= 6 < item_pages(sample) / 3


def test_the_job_and_the_import_options_say_that_items_came_over_oai(app, client, sample):
    library = Library(app, sample)

    job = library.run(files=False)
    set_oai(app, False)
    alone = library.run(files=False, full=True)

    assert f"{ITEMS} items were read over OAI-PMH. The REST API confirmed each of them" in job.message
    assert "OAI-PMH" not in alone.message
    set_oai(app, True)
    assert "DSpace 9.3 at server/api; OAI-PMH at server/oai/request" in words(client.get("/repositories/1/"))


def test_changes_since_the_index_come_with_the_first_import_and_later_ones_with_the_next(app, sample):
    library, data = Library(app, sample), sample.data
    sample.oai.freeze()
    items = list(data.items.values())
    data.clock = lambda: datetime.now(UTC) - timedelta(days=1)
    data.edit(items[3], "dc.title", ["Changed since"])
    data.withdraw(items[4])
    data.restrict(items[5])
    data.delete(items[6])
    added = data.add_item(items[0].collection, [("dc.title", ["Added since"])])

    first = library.run(files=False)
    held = library.records()
    data.clock = lambda: datetime.now(UTC)
    data.edit(items[7], "dc.title", ["Changed later"])
    data.make_private(items[8])
    second = library.run(files=False)

    assert (first.counts["seen"], first.expected, first.clean) == (ITEMS - 2, ITEMS - 2, True)
    assert (held[items[3].handle]["title"], held[added.handle]["title"]) == ("Changed since", "Added since")
    assert not held.keys() & {items[4].handle, items[5].handle, items[6].handle}
    assert (second.counts["updated"], second.counts["vanished"], second.counts["added"]) == (1, 1, 0)
    assert library.records()[items[7].handle]["title"] == "Changed later"


def test_an_index_older_than_all_compared_items_is_left_out_once_and_used_when_it_is_fresh(app, sample):
    library, data = Library(app, sample), sample.data
    sample.oai.freeze()
    data.clock = lambda: datetime.now(UTC) - timedelta(days=1)
    for item in data.items.values():
        data.edit(item, "dc.subject", ["changed"])

    stale = library.run(files=False)
    with app.app_context():
        log = request_log.text(lifecycle.get(stale.id), "")
    library.undo(stale.id)
    sample.oai.freeze()
    fresh = library.run(files=False)

    assert "All items that were compared have changed since its index was updated." in log
    assert (stale.clean, stale.counts["added"], "OAI-PMH" in stale.message) == (True, ITEMS, False)
    assert f"{ITEMS} items were read over OAI-PMH." in fresh.message


def test_a_failure_of_oai_in_the_middle_costs_nothing_and_stands_in_the_request_log(app, sample):
    library = Library(app, sample)
    sample.faults.add("resumptionToken=xoai%2F%2F%2F%2F400", times=None, status=403)

    job = library.run(files=False)

    with app.app_context():
        log = request_log.text(lifecycle.get(job.id), "")
    assert (job.clean, job.counts["seen"], job.counts["failed"]) == (True, ITEMS, 0)
    assert "OAI-PMH could not be used, so the items were read over REST." in log
