"""The list of files of one item always fails, as does every answer that embeds it. Its metadata can be read."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from connector.dspace.records import ScopeKind
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing, retry_failed
from connector.jobs import lifecycle, report
from connector.models.jobs import Kind
from connector.repositories import discovery, service
from tests.imports.sample_importer import SampleImporter
from tests.sample import SampleRepository
from tests.sample.answers import Answer

TITLE = "The Aldermouth Gazette, No. 1 (5 March 1887)"
GENERATIONS = [6, 7, 9]


@pytest.fixture(params=GENERATIONS)
def importer(request, app):
    with SampleRepository(request.param) as sample:
        yield SampleImporter(app, sample)


def break_files(importer: SampleImporter, title: str = TITLE) -> None:
    """Answer 500 to every request that brings the files of this item."""
    uuid = str(importer.sample.data.named(title).uuid)

    def broken(answer: Answer) -> Answer:
        body = b"" if answer.body is None else answer.body
        return replace(answer, status=500, body=b"{}") if uuid.encode() in body else answer

    importer.sample.faults.add(lambda target: is_of_files(uuid, target), times=None, status=500)
    importer.sample.faults.add(brings_files, times=None, change=broken)


def is_of_files(uuid: str, target: str) -> bool:
    return f"items/{uuid}/bundles" in target or (f"items/{uuid}" in target and brings_files(target))


def brings_files(target: str) -> bool:
    query = target.partition("?")[2]
    return "embed=bundles" in query or ("expand=" in query and "bitstreams" in query)


def asked_for_files(importer: SampleImporter, title: str = TITLE) -> int:
    """Return how often the files of the item were asked for by themselves."""
    uuid = str(importer.sample.data.named(title).uuid)
    return sum(is_of_files(uuid, target) for _, target in importer.sample.requests)


def lists(importer: SampleImporter) -> int:
    """Return the number of requests that are not for one item. Measured times decide whether each item needs one."""
    return sum(re.search(r"/items/[0-9a-f-]{36}", target) is None for _, target in importer.sample.requests)


def problems(importer: SampleImporter, job_id: int) -> list[dict]:
    with importer.app.app_context():
        return [one for one in report.problems(lifecycle.get(job_id)) if one["title"] == TITLE]


def without_ids(record: dict) -> dict:
    return {name: value for name, value in record.items() if name not in ("id", "jobs")}


def test_the_item_comes_with_its_metadata_and_the_job_names_it(importer):
    break_files(importer)

    job = importer.run()

    records = importer.records()
    assert records[TITLE]["metadata"]
    assert records[TITLE]["files"] == []
    assert sum(len(record["files"]) for record in records.values()) > 10
    assert (job.state, job.clean, job.counts["failed"]) == ("completed", False, 0)
    assert "The files of 1 item could not be listed." in job.message
    (problem,) = problems(importer, job.id)
    assert problem["reason"].startswith("Its files could not be listed")


def test_its_files_are_asked_for_twice_at_most(importer):
    importer.sample.reset()
    importer.run(files=False)
    plain = lists(importer)
    importer.undo(1)
    break_files(importer)
    importer.sample.reset()

    importer.run(files=False)

    assert asked_for_files(importer) <= 2
    assert lists(importer) <= plain + 25


def test_a_later_import_that_can_list_the_files_downloads_them(importer):
    break_files(importer)
    importer.run()
    importer.sample.faults.clear()

    job = importer.run()

    assert job.clean, job.message
    assert job.counts["updated"] == 1
    assert [file["fate"] for file in importer.records()[TITLE]["files"]].count("stored") > 0


def test_each_import_retries_the_file_list_and_reports_the_problem_without_an_update(importer):
    break_files(importer)
    importer.run(files=False)
    importer.sample.reset()

    job = importer.run(files=False)

    assert asked_for_files(importer) > 0
    assert (job.counts["added"], job.counts["updated"], job.counts["vanished"], job.clean) == (0, 0, 0, False)
    assert len(problems(importer, job.id)) == 1


@pytest.mark.parametrize("full", [False, True])
def test_the_files_of_an_earlier_import_stay_unchanged(importer, full):
    importer.run(files=False)
    before = without_ids(importer.records()[TITLE])
    importer.sample.data.edit(importer.sample.data.named(TITLE), "dc.subject", ["maps"])
    break_files(importer)

    job = importer.run(files=False, full=full)

    record = importer.records()[TITLE]
    assert record["files"] == before["files"] != []
    assert "maps" in [value["value"] for value in record["metadata"]]
    assert (job.counts["updated"], job.clean) == (1, False)


def test_undo_restores_the_earlier_state(importer):
    importer.run(files=False)
    before = without_ids(importer.records()[TITLE])
    importer.sample.data.edit(importer.sample.data.named(TITLE), "dc.subject", ["maps"])
    break_files(importer)
    job = importer.run(files=False)

    importer.undo(job.id)

    assert without_ids(importer.records()[TITLE]) == before


def test_undo_removes_an_item_whose_files_could_not_be_listed(importer):
    break_files(importer)
    job = importer.run(files=False)

    importer.undo(job.id)

    assert importer.records() == {}


def test_a_retry_lists_only_the_files_of_this_item(importer):
    break_files(importer)
    job = importer.run(files=False)
    importer.sample.faults.clear()
    importer.sample.reset()
    with importer.app.app_context():
        assert retry_failed.can_retry(lifecycle.get(job.id))
        retry = importer._worked(retry_failed.retry(job.id))

    assert retry.counts["updated"] == 1
    assert importer.records()[TITLE]["files"]


def test_a_preview_names_the_item(importer):
    break_files(importer)
    with importer.app.app_context():
        scope = discovery.find(importer.repository_id, ScopeKind.REPOSITORY, "").scope
        job = importer._worked(
            queueing.create(service.source_for(importer.repository_id, scope), ImportOptions(), kind=Kind.PREVIEW)
        )

    assert (job.state, job.clean, job.counts["failed"]) == ("completed", False, 0)
    assert "The files of 1 item could not be listed." in job.message
    assert len(problems(importer, job.id)) == 1


def test_an_import_of_this_item_alone_brings_its_metadata(importer):
    break_files(importer)
    with importer.app.app_context():
        item = importer.sample.data.named(TITLE)
        scope = discovery.find(importer.repository_id, ScopeKind.ITEM, item.handle).scope
        job = importer._worked(queueing.create(service.source_for(importer.repository_id, scope), ImportOptions()))

    assert (job.counts["added"], job.counts["failed"], job.clean) == (1, 0, False)
    assert importer.records()[TITLE]["metadata"]
