"""Imports over OAI-PMH from a repository without `xoai` records, and from another context than that with all items."""

from __future__ import annotations

import pytest

from tests.library import Library
from tests.sample import SampleRepository

FORMATS_WITHOUT_XOAI = ("dim", "oai_dc")


@pytest.fixture(params=[6, 9])
def library(request, app):
    with SampleRepository(request.param, has_rest=False) as sample:
        sample.oai.page_size = 30
        yield Library(app, sample)


def values_of(record: dict, generation: int) -> list[tuple]:
    """The values that `dim` gives."""
    return [
        (value["field"], value["value"], value["language"])
        for value in record["metadata"]
        if generation >= 7 or value["field"].startswith("dc.")
    ]


def test_dim_brings_the_values_and_the_job_says_what_is_unknown(library):
    generation = library.sample.generation
    whole = library.run(files=False)
    expected = library.records()
    library.undo(whole.id)
    library.sample.oai.formats = FORMATS_WITHOUT_XOAI

    job = library.run(is_clean=False)

    found = library.records()
    assert found.keys() == expected.keys()
    for handle, record in found.items():
        assert values_of(record, generation) == values_of(expected[handle], generation), handle
    assert not any(record["files"] for record in found.values())
    assert not job.clean
    assert f"The files of {len(found)} items are unknown" in job.message
    again = library.run(is_clean=False)
    assert (again.counts["added"], again.counts["updated"]) == (0, 0)


def test_files_come_as_soon_as_the_repository_gives_xoai_and_stay_when_it_does_not(library):
    oai = library.sample.oai
    oai.formats = FORMATS_WITHOUT_XOAI
    library.run(is_clean=False)

    oai.formats = ("xoai", *FORMATS_WITHOUT_XOAI)
    job = library.run()
    files = {handle: record["files"] for handle, record in library.records().items()}
    assert job.counts["updated"] >= sum(map(bool, files.values())) > 0

    oai.formats = FORMATS_WITHOUT_XOAI
    library.run(is_clean=False)
    assert {handle: record["files"] for handle, record in library.records().items()} == files


def test_an_import_of_another_context_says_that_it_may_be_a_part(library):
    sample = library.sample
    sample.oai.other_context = "openaire"
    sample.faults.add(sample.oai.path, times=None, status=404)

    job = library.run(endpoint=sample.oai.path.replace("request", "openaire").lstrip("/"))

    assert "Only the OAI-PMH context “request” of DSpace gives all items and unchanged values." in job.message
    sample.faults.clear()
    assert 0 < len(library.records()) < len(sample.oai._index())
