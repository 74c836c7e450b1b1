"""The counts of files cover all items that the source holds, at every moment and end of a job."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import select

from connector.errors import NotFoundError, ServerError
from connector.extensions import db
from connector.imports.files import file_downloads
from connector.imports.reading import page_processor
from connector.imports.results import import_kinds
from connector.jobs import lifecycle
from connector.jobs.attempt import stop_here
from connector.models.catalogue import CatalogueFile, Holding
from connector.models.jobs import Job

from ..steps import set_counts


def counted(job: Job) -> dict[str, int]:
    return {status: number for status, number in job.files.items() if number}


def held(source_id: int = 1) -> dict[str, int]:
    """The files of what a source holds, by status."""
    items = select(Holding.item_id).where(Holding.source_id == source_id, Holding.left_at.is_(None))
    return dict(Counter(db.session.scalars(select(CatalogueFile.status).where(CatalogueFile.item_id.in_(items)))))


def downloads(job: Job) -> list[int]:
    """Return the files that a job had to download and those that it tried, and the same in bytes."""
    names = import_kinds.DOWNLOADS
    tried = sum(job.counts[name] for name in names.finished)
    return [job.counts[names.files], tried, job.counts[names.bytes], job.counts[names.finished_bytes]]


def test_a_job_knows_how_many_files_it_has_to_download_before_it_begins(importer, dspace, monkeypatch):
    monkeypatch.setattr(file_downloads, "FILES_PER_QUERY", 2)
    for n in range(5):
        dspace.add(f"i{n}", files={"a.txt": bytes([n]) * (n + 1)})
    dspace.page_size, dspace.width, begun = 5, 1, []
    dspace.before_download = lambda: begun.append(Counter(importer.job(1).counts))

    job = importer.run(files=True)

    assert [begun[0][name] for name in ("due_files", "due_bytes", "tried_bytes")] == [5, 15, 0]
    assert downloads(job) == [5, 5, 15, 15]
    assert downloads(importer.run(files=True)) == [0, 0, 0, 0]


def test_a_job_that_goes_on_counts_the_files_that_are_left_again(importer, dspace):
    for n in range(3):
        dspace.add(f"i{n}", files={"a.txt": b"four"[n:]})
    dspace.width = 1
    dspace.before_download = lambda: len(dspace.downloads) == 2 and stop_here(1)
    importer.run(files=True)
    dspace.before_download = lambda: None

    job = importer.resume(1)

    assert downloads(job) == [3, 3, 9, 9]


def test_files_that_failed_count_as_tried_with_their_status(importer, dspace):
    dspace.add("i0", files={"a.txt": b"four", "b.txt": b"five!", "c.txt": b"c"})
    dspace.file_errors["i0/a.txt"] = ServerError("status 500")
    dspace.file_errors["i0/b.txt"] = NotFoundError("It is not there.")

    job = importer.run(files=True)

    assert downloads(job) == [3, 3, 10, 10]
    assert [job.counts[f"tried_{status}"] for status in ("stored", "failed", "missing")] == [1, 1, 1]


@pytest.fixture
def page_by_page(monkeypatch):
    monkeypatch.setattr(page_processor, "FULL_PAGE", 1)


@pytest.fixture
def compared(importer, dspace, page_by_page):
    """Compares the two before each page; gives what was seen."""
    seen = []

    def compare(number: int) -> None:
        with importer.app.app_context():
            job_id = db.session.scalar(select(Job.id).order_by(Job.id.desc()).limit(1))
            job = lifecycle.get(job_id)
            seen.append(counted(job))
            assert seen[-1] == held(job.source_id)

    dspace.before_page = compare
    return seen


def test_an_import_that_ends_with_a_question_has_right_file_counts(importer, dspace):
    importer.app.config["MAX_MISSING_PERCENT"] = 20
    for number in range(10):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    importer.run()
    for number in range(4):
        del dspace.items[f"i{number}"]

    job = importer.run(files=True)

    assert job.asks
    assert counted(job) == {"stored": 6, "linked": 4}


def test_an_import_that_fails_half_way_has_right_file_counts(importer, dspace, page_by_page):
    for number in range(6):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    importer.run()
    for number in range(6):
        dspace.edit(f"i{number}", title="Another title")
    dspace.before_page = lambda number: setattr(dspace, "down", number == 1)

    job = importer.run(files=True)

    assert job.state == "failed"
    assert counted(job) == {"stored": 3, "linked": 3}


def test_file_counts_are_right_during_an_import(importer, dspace, compared):
    for number in range(12):
        dspace.add(f"i{number}", collections=("c1", "c2"), files={"a.txt": f"bytes {number}".encode()})
    dspace.file_errors = {"i9/a.txt": ServerError("It answered with 500.")}
    importer.run("c2")
    first = importer.run("c1")  # what another source holds already
    dspace.edit("i1", collections=("c2",))
    importer.run("c1")
    dspace.edit("i1", collections=("c1", "c2"))
    dspace.edit("i2", files={"a.txt": b"bytes 2", "b.txt": b"more"})
    dspace.edit("i3", files={})
    dspace.edit("i4", files={"a.txt": b"other bytes"})
    dspace.add("i12", files={"a.txt": b"bytes 12"})
    compared.clear()

    job = importer.run("c1", files=True)

    assert counted(first) == {"linked": 12}
    assert counted(job) == {"stored": 12, "failed": 1}
    assert compared[0] == {"linked": 11}
    assert len(compared) == 5


def test_an_attempt_that_takes_over_counts_files_again(importer, dspace, compared):
    for number in range(4):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    importer.run()
    job_id = importer.create(files=True)
    set_counts(importer, job_id, files_linked=-3)

    importer.work(job_id)

    assert counted(importer.job(job_id)) == {"stored": 4}
    assert compared[-2:] == [{"linked": 4}, {"stored": 3, "linked": 1}]
