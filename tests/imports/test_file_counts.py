"""The counts of files are those of all items that the source holds, at every moment of a job and however it ends."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import select

from connector.errors import ServerError
from connector.extensions import db
from connector.imports import page_processor
from connector.jobs import lifecycle
from connector.models.catalogue import CatalogueFile, Holding
from connector.models.jobs import Job

from .steps import set_counts


def counted(job: Job) -> dict[str, int]:
    return {status: number for status, number in job.files.items() if number}


def held(source_id: int = 1) -> dict[str, int]:
    """The files of what a source holds, by status."""
    items = select(Holding.item_id).where(Holding.source_id == source_id, Holding.left_at.is_(None))
    return dict(Counter(db.session.scalars(select(CatalogueFile.status).where(CatalogueFile.item_id.in_(items)))))


@pytest.fixture
def page_by_page(monkeypatch):
    monkeypatch.setattr(page_processor, "FULL_PAGE", 1)


@pytest.fixture
def watched(desk, dspace, page_by_page):
    """Compares the two before each page; gives what was seen."""
    seen = []

    def compare(number: int) -> None:
        with desk.app.app_context():
            job_id = db.session.scalar(select(Job.id).order_by(Job.id.desc()).limit(1))
            job = lifecycle.get(job_id)
            seen.append(counted(job))
            assert seen[-1] == held(job.source_id)

    dspace.before_page = compare
    return seen


def test_an_import_that_ends_with_a_question_has_right_file_counts(desk, dspace):
    desk.app.config["MAX_MISSING_PERCENT"] = 20
    for number in range(10):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    desk.run()
    for number in range(4):
        del dspace.items[f"i{number}"]

    job = desk.run(files=True)

    assert job.asks
    assert counted(job) == {"stored": 6, "linked": 4}


def test_an_import_that_fails_half_way_has_right_file_counts(desk, dspace, page_by_page):
    for number in range(6):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    desk.run()
    for number in range(6):
        dspace.edit(f"i{number}", title="Another title")
    dspace.before_page = lambda number: setattr(dspace, "down", number == 1)

    job = desk.run(files=True)

    assert job.state == "failed"
    assert counted(job) == {"stored": 3, "linked": 3}


def test_file_counts_are_right_during_an_import(desk, dspace, watched):
    for number in range(12):
        dspace.add(f"i{number}", collections=("c1", "c2"), files={"a.txt": f"bytes {number}".encode()})
    dspace.file_errors = {"i9/a.txt": ServerError("It answered with 500.")}
    desk.run("c2")
    first = desk.run("c1")  # what another source holds already
    dspace.edit("i1", collections=("c2",))
    desk.run("c1")
    dspace.edit("i1", collections=("c1", "c2"))
    dspace.edit("i2", files={"a.txt": b"bytes 2", "b.txt": b"more"})
    dspace.edit("i3", files={})
    dspace.edit("i4", files={"a.txt": b"other bytes"})
    dspace.add("i12", files={"a.txt": b"bytes 12"})
    watched.clear()

    job = desk.run("c1", files=True)

    assert counted(first) == {"linked": 12}
    assert counted(job) == {"stored": 12, "failed": 1}
    assert watched[0] == {"linked": 11}
    assert len(watched) == 5


def test_an_attempt_that_takes_over_counts_files_again(desk, dspace, watched):
    for number in range(4):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    desk.run()
    job_id = desk.create(files=True)
    set_counts(desk, job_id, files_linked=-3)

    desk.work(job_id)

    assert counted(desk.job(job_id)) == {"stored": 4}
    assert watched[-2:] == [{"linked": 4}, {"stored": 3, "linked": 1}]
