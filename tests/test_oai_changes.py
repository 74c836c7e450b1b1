"""Imports over OAI-PMH again after changes at the source, with faults, and their undo."""

from __future__ import annotations

import pytest

from connector.dspace.records import Scope, ScopeKind
from connector.repositories import discovery
from tests.library import Library
from tests.sample import SampleRepository


@pytest.fixture(params=[5, 9])
def library(request, app):
    with SampleRepository(request.param, has_rest=False) as sample:
        sample.oai.page_size = 30
        yield Library(app, sample)


def test_a_second_import_updates_and_marks_items_and_can_be_undone(library):
    first = library.run()
    before = library.records()
    data = library.sample.data
    gazette = data.named("Aldermouth Gazette")
    items = [item for item in data.items.values() if item.collection is gazette]
    edited, filed, unfiled, withdrawn, private, deleted = items[:6]
    data.edit(edited, "dc.title", ["A new title"])
    data.add_file(filed, "new.txt", b"new bytes")
    data.remove_file(unfiled, unfiled.bitstreams[0])
    data.withdraw(withdrawn)
    data.make_private(private)
    data.delete(deleted)
    added = data.add_item(gazette, [("dc.title", ["Quite new"])])

    second = library.run()

    after = library.records()
    states = {handle: record["source_state"] for handle, record in after.items() if record["source_state"] != "present"}
    assert states == {withdrawn.handle: "hidden", private.handle: "hidden", deleted.handle: "vanished"}
    assert (second.counts["added"], second.counts["updated"], second.counts["vanished"]) == (1, 3, 3)
    assert second.counts["unchanged"] == first.counts["seen"] - 6
    assert (second.clean, second.expected, second.counts["failed"]) == (True, second.counts["seen"], 0)
    assert after[edited.handle]["title"] == "A new title"
    assert len(after[unfiled.handle]["files"]) == len(before[unfiled.handle]["files"]) - 1
    assert added.handle in after

    library.undo(second.id)
    assert library.records() == before


def test_an_unreliable_repository_loses_and_duplicates_nothing(library):
    faults = library.sample.faults
    faults.add("ListRecords", times=1, status=500)
    faults.add("ListRecords", times=1, cut=900)
    faults.add("ListRecords", times=1, status=429, headers={"Retry-After": "1"})
    faults.add("ListRecords", times=1, body="<html>maintenance</html>", headers={"Content-Type": "text/html"})
    faults.add(lambda path: "/bitstream" in path, times=1, cut=3)
    library.sample.oai.expired.add("xoai////60")

    job = library.run()

    shown = {one.handle for one in library.sample.data.items.values() if one.readable and one.in_archive}
    shown -= {one.handle for one in library.sample.data.items.values() if not one.discoverable}
    assert set(library.records()) == shown
    assert (job.clean, job.counts["seen"], job.counts["failed"], job.expected) == (True, len(shown), 0, len(shown))
    assert job.files["damaged"] == job.files["failed"] == 0


def test_a_record_that_cannot_be_read_is_a_problem_with_its_handle_and_comes_with_a_retry(library, app):
    sample = library.sample
    bad = next(
        item for item in sample.data.items.values() if item.collection is sample.data.named("Aldermouth Gazette")
    )
    sample.faults.add("ListRecords", times=None, status=500)
    sample.faults.add(lambda path: path.endswith(f"%3A{bad.handle.replace('/', '%2F')}"), times=None, status=500)

    job = library.run(is_clean=False, files=False)
    sample.faults.clear()

    held = library.records()
    assert (job.clean, job.counts["failed"]) == (False, 1)
    assert bad.handle not in held
    again = library.run(retry=job.id, files=False)
    assert again.counts["added"] == 1
    assert library.records()[bad.handle]["title"] == bad.name


def test_the_size_of_an_import_is_estimated_from_the_first_page(library, app):
    with app.app_context():
        found = discovery.connect(library.sample.url, "rest", None)
        library.sample.reset()
        estimate = discovery.estimate(found.repository_id, Scope(ScopeKind.REPOSITORY), bundles=["ORIGINAL"])

    assert estimate.items > 90
    assert estimate.files > 0
    assert len(library.sample.requests) <= 4


@pytest.mark.parametrize("order", [(False, True, False), (True, False, True)], ids=["opened", "closed"])
def test_a_source_is_imported_again_after_the_rest_api_was_closed_or_opened(library, order):
    sample = library.sample
    home = sample.data.named("Harbour photographs")
    number = sum(item.collection is home for item in sample.data.items.values())

    for has_rest in order:
        sample.has_rest = has_rest
        job = library.rerun(ScopeKind.COLLECTION, home.handle)
        assert (job.clean, job.counts["seen"], job.counts["vanished"]) == (True, number, 0)
        assert job.counts["added"] == (number if job.id == 1 else 0)
    assert set(library.records()) == {item.handle for item in sample.data.items.values() if item.collection is home}
