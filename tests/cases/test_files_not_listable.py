"""The list of files of one item fails always, and so does every answer that embeds it. Its metadata can be read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.dspace.records import ScopeKind
from connector.imports import retry_failed
from connector.jobs import lifecycle, report
from connector.models.jobs import Kind
from connector.repositories import discovery, service
from tests.imports.guest import Guest
from tests.sample import SampleRepository
from tests.sample.answers import Answer

TITLE = "The Aldermouth Gazette, No. 1 (5 March 1887)"
GENERATIONS = [6, 7, 9]


@pytest.fixture(params=GENERATIONS)
def guest(request, app):
    with SampleRepository(request.param) as sample:
        yield Guest(app, sample)


def break_files(guest: Guest, title: str = TITLE) -> None:
    """Answer 500 to every request that brings the files of this item."""
    uuid = str(guest.sample.data.named(title).uuid)

    def broken(answer: Answer) -> Answer:
        body = b"" if answer.body is None else answer.body
        return replace(answer, status=500, body=b"{}") if uuid.encode() in body else answer

    guest.sample.faults.add(lambda target: is_of_files(uuid, target), times=None, status=500)
    guest.sample.faults.add(brings_files, times=None, change=broken)


def is_of_files(uuid: str, target: str) -> bool:
    return f"items/{uuid}/bundles" in target or (f"items/{uuid}" in target and brings_files(target))


def brings_files(target: str) -> bool:
    query = target.partition("?")[2]
    return "embed=bundles" in query or ("expand=" in query and "bitstreams" in query)


def asked_for_files(guest: Guest, title: str = TITLE) -> int:
    """Return how often the files of the item were asked for by themselves."""
    uuid = str(guest.sample.data.named(title).uuid)
    return sum(is_of_files(uuid, target) for _, target in guest.sample.requests)


def problems(guest: Guest, job_id: int) -> list[dict]:
    with guest.app.app_context():
        return [one for one in report.problems(lifecycle.get(job_id)) if one["title"] == TITLE]


def without_ids(record: dict) -> dict:
    return {name: value for name, value in record.items() if name not in ("id", "jobs")}


def test_the_item_comes_with_its_metadata_and_the_job_names_it(guest):
    break_files(guest)

    job = guest.run()

    records = guest.records()
    assert records[TITLE]["metadata"]
    assert records[TITLE]["files"] == []
    assert sum(len(record["files"]) for record in records.values()) > 10
    assert (job.state, job.clean, job.counts["failed"]) == ("completed", False, 0)
    assert "The files of 1 item could not be listed." in job.message
    (problem,) = problems(guest, job.id)
    assert problem["reason"].startswith("Its files could not be listed")


def test_its_files_are_asked_for_twice_at_most(guest):
    plain = guest.run(files=False).counts["requests"]
    guest.undo(1)
    break_files(guest)
    guest.sample.reset()

    job = guest.run(files=False)

    assert asked_for_files(guest) <= 2
    assert job.counts["requests"] <= plain + 25


def test_a_later_import_that_can_list_the_files_downloads_them(guest):
    break_files(guest)
    guest.run()
    guest.sample.faults.clear()

    job = guest.run()

    assert job.clean, job.message
    assert job.counts["updated"] == 1
    assert [file["fate"] for file in guest.records()[TITLE]["files"]].count("stored") > 0


def test_each_run_tries_again_and_names_it_again_without_an_update(guest):
    break_files(guest)
    guest.run(files=False)
    guest.sample.reset()

    job = guest.run(files=False)

    assert asked_for_files(guest) > 0
    assert (job.counts["added"], job.counts["updated"], job.counts["vanished"], job.clean) == (0, 0, 0, False)
    assert len(problems(guest, job.id)) == 1


@pytest.mark.parametrize("full", [False, True])
def test_the_files_of_an_earlier_import_stay_as_they_are(guest, full):
    guest.run(files=False)
    before = without_ids(guest.records()[TITLE])
    guest.sample.data.edit(guest.sample.data.named(TITLE), "dc.subject", ["maps"])
    break_files(guest)

    job = guest.run(files=False, full=full)

    record = guest.records()[TITLE]
    assert record["files"] == before["files"] != []
    assert "maps" in [value["value"] for value in record["metadata"]]
    assert (job.counts["updated"], job.clean) == (1, False)


def test_undo_puts_back_what_was_before(guest):
    guest.run(files=False)
    before = without_ids(guest.records()[TITLE])
    guest.sample.data.edit(guest.sample.data.named(TITLE), "dc.subject", ["maps"])
    break_files(guest)
    job = guest.run(files=False)

    guest.undo(job.id)

    assert without_ids(guest.records()[TITLE]) == before


def test_undo_removes_an_item_that_came_without_its_files(guest):
    break_files(guest)
    job = guest.run(files=False)

    guest.undo(job.id)

    assert guest.records() == {}


def test_a_retry_lists_only_the_files_of_this_item(guest):
    break_files(guest)
    job = guest.run(files=False)
    guest.sample.faults.clear()
    guest.sample.reset()
    with guest.app.app_context():
        assert retry_failed.can_retry(lifecycle.get(job.id))
        retry = guest._worked(retry_failed.retry(job.id))

    assert retry.counts["updated"] == 1
    assert guest.records()[TITLE]["files"]


def test_a_preview_names_the_item(guest):
    break_files(guest)
    with guest.app.app_context():
        scope = discovery.find(guest.repository_id, ScopeKind.REPOSITORY, "").scope
        job = guest._worked(lifecycle.create(service.source_for(guest.repository_id, scope), {}, kind=Kind.PREVIEW))

    assert (job.state, job.clean, job.counts["failed"]) == ("completed", False, 0)
    assert "The files of 1 item could not be listed." in job.message
    assert len(problems(guest, job.id)) == 1


def test_an_import_of_this_item_alone_brings_its_metadata(guest):
    break_files(guest)
    with guest.app.app_context():
        item = guest.sample.data.named(TITLE)
        scope = discovery.find(guest.repository_id, ScopeKind.ITEM, item.handle).scope
        job = guest._worked(lifecycle.create(service.source_for(guest.repository_id, scope), {}))

    assert (job.counts["added"], job.counts["failed"], job.clean) == (1, 0, False)
    assert guest.records()[TITLE]["metadata"]
