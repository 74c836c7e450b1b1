"""After a retry, a job still lists what it could not read or download, with the result of the retry."""

from __future__ import annotations

import csv
import io

import pytest

from connector.errors import NotFoundError, RestrictedError, ServerError
from connector.extensions import db, transaction
from connector.imports.results import problem_outcomes
from connector.models.catalogue import CatalogueFile, FileStatus
from connector.models.changes import FileProblem
from tests.pages import links, words

from ..steps import retry

ADDRESS = "https://repository.example.org/bitstreams/0/content"


@pytest.fixture
def first(importer, dspace):
    """Job 1, which could not read two items and not download three files."""
    for number in range(5):
        dspace.add(f"i{number}", title=f"Title {number}", files={"a.txt": bytes([number])}, fails=number == 3)
    dspace.broken_in_full.add("i4")
    dspace.file_errors = {
        "i0/a.txt": ServerError(f"{ADDRESS} does not answer.", ADDRESS, status=500),
        "i1/a.txt": RestrictedError("Not for us."),
        "i2/a.txt": NotFoundError("It is not there."),
    }
    return importer.run(files=True)


@pytest.fixture
def retry_job(importer, dspace, first):
    """Job 2, which could read one of the items and download one of the files."""
    del dspace.file_errors["i0/a.txt"]
    dspace.items["i3"].fails = False
    return retry(importer, first.id)


def test_problems_are_counted_in_words(client, first):
    page = words(client.get("/jobs/1/"))

    assert "Problems 2 items failed, 1 file failed, 2 files not available " in page
    assert "Since then" not in page
    assert "still open" not in page


def test_after_a_retry_each_problem_has_its_outcome(client, retry_job):
    page = client.get("/jobs/1/")

    text = words(page)
    assert "3 of 5 still open. See job 2 ." in text
    assert "/jobs/2/" in links(page)
    assert "Title 0 File “a.txt”: repository.example.org does not answer. Downloaded by job 2." in text
    assert "Title 1 File “a.txt”: Not for us. Job 2: no access." in text
    assert "Title 2 File “a.txt”: It is not there. Job 2: missing." in text
    assert "Title 3 it is broken Read by job 2." in text
    assert "Title 4 it is broken Still open" in text


def test_a_problem_has_its_address_and_status_below_technical_details(client, first):
    page = client.get("/jobs/1/")

    reason = "File “a.txt”: download failed. repository.example.org does not answer."
    assert f"{reason} Technical details {ADDRESS} Status 500" in words(page)
    rows = list(csv.DictReader(io.StringIO(client.get("/jobs/1/problems.csv").get_data(as_text=True))))
    assert [row["technical_details"] for row in rows if row["title"] == "Title 0"] == [f"{ADDRESS} · Status 500"]
    assert f"Technical details {ADDRESS} Status 500" in words(client.get("/items/1/"))


def test_viewers_see_no_technical_details_of_problems(app, client, first):
    with app.app_context(), transaction():
        db.session.execute(db.text("UPDATE account SET role = 'viewer'"))

    for address in ("/jobs/1/", "/jobs/1/problems.csv", "/items/1/"):
        assert ADDRESS not in client.get(address).get_data(as_text=True)
    assert "repository.example.org does not answer." in words(client.get("/jobs/1/"))


def test_a_file_problem_of_an_earlier_version_has_no_reason(app, client, retry_job):
    with app.app_context(), transaction():
        db.session.execute(db.update(FileProblem).values(reason=None))

    assert "Title 0 File “a.txt” Downloaded by job 2." in words(client.get("/jobs/1/"))


def test_problems_that_an_import_of_another_source_solved_are_not_open(importer, client, first):
    with importer.app.app_context(), transaction():
        solved = db.update(CatalogueFile).values(status=FileStatus.STORED, last_tried_job_id=7)
        db.session.execute(solved.where(CatalogueFile.status == FileStatus.FAILED))

    assert "4 of 5 still open." in words(client.get("/jobs/1/"))


def test_many_problems_are_not_counted_for_the_page(client, retry_job, monkeypatch):
    monkeypatch.setattr(problem_outcomes, "COUNTED", 2)

    page = words(client.get("/jobs/1/"))

    assert "still open." not in page
    assert "See job 2 ." in page


def test_the_csv_of_problems_has_the_outcomes_too(client, retry_job):
    rows = list(csv.DictReader(io.StringIO(client.get("/jobs/1/problems.csv").get_data(as_text=True))))

    assert {row["title"]: row["outcome"] for row in rows} == {
        "Title 0": "Downloaded by job 2.",
        "Title 1": "Job 2: no access.",
        "Title 2": "Job 2: missing.",
        "Title 3": "Read by job 2.",
        "Title 4": "",
    }


def test_names_that_only_editors_may_see_are_left_out_of_the_outcomes(app, client, retry_job):
    with app.app_context(), transaction():
        db.session.execute(db.update(CatalogueFile).values(name_is_restricted=True))
        db.session.execute(db.text("UPDATE account SET role = 'viewer'"))

    assert "a.txt" not in words(client.get("/jobs/1/"))
    assert "a.txt" not in client.get("/jobs/1/problems.csv").get_data(as_text=True)


def test_the_counts_of_files_are_those_of_the_job(client, retry_job):
    page = words(client.get("/jobs/2/"))

    assert "Files 2 stored, 1 no access, 1 missing " in page
    assert "All files of this source 2 stored, 1 no access, 1 missing" in page


def test_an_undo_leaves_no_problems_of_the_items_that_it_removes(app, importer, first):
    importer.undo(first.id)

    with app.app_context():
        assert db.session.scalars(db.select(FileProblem)).all() == []
