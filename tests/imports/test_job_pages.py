"""The page of a job, and the list of past imports."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from connector.dspace.records import ScopeKind
from connector.errors import RequestRejectedError, RestrictedError, ServerError
from connector.extensions import db, transaction
from connector.imports import undo_effects
from connector.imports.importer import run as run_import
from connector.imports.reading import page_writer
from connector.imports.results import request_log
from connector.imports.start import source_queries
from connector.jobs import creation, lifecycle, report
from connector.jobs.attempt import work
from connector.models.accounts import Account
from connector.models.jobs import Job, WaitReason, wait_columns
from tests.pages import links, neighbours, ways, words

from .steps import set_counts


def with_items(dspace, number, **values):
    for n in range(number):
        dspace.add(f"i{n}", title=f"Title {n}", **values)


def set_state(app, job_id, **values):
    with app.app_context(), transaction():
        db.session.execute(db.update(Job).where(Job.id == job_id).values(**values))


def test_a_waiting_job_polls_every_second_and_can_be_stopped(importer, client):
    job_id = importer.create()

    page = client.get(f"/jobs/{job_id}/")

    assert "Queued" in words(page)
    assert f'hx-get="/jobs/{job_id}/live" hx-trigger="every 1s"'.encode() in page.data
    assert f"/jobs/{job_id}/stop".encode() in page.data
    assert b"/rerun" not in page.data


def test_a_job_whose_source_lists_nothing_does_not_count_of_zero_items(app, importer, client):
    job_id = importer.create()
    set_state(app, job_id, state="stopped", expected=0, question={"unseen": 30, "held": 30})

    page = words(client.get(f"/jobs/{job_id}/"))

    assert "Yes, mark 30 as missing" in page
    assert "of 0 items" not in page


def test_a_running_job_shows_its_progress_and_activity(app, importer, client):
    job_id = importer.create()
    set_state(
        app,
        job_id,
        state="running",
        worked_seconds=10.0,
        expected=1020,
        status_text="Reading <Theses>",
    )
    set_counts(importer, job_id, seen=20, added=20)

    page = client.get(f"/jobs/{job_id}/live")

    assert b'<progress aria-label="Items" value="20" max="1020"' in page.data
    assert "20 of 1,020 items · 2.0 items a second · about 8 min 20 s left Reading <Theses>" in words(page)
    assert b"<html" not in page.data


def test_a_job_that_waits_for_the_repository_shows_start_and_reason(app, importer, client):
    job_id = importer.create()
    app.config["TIMEZONE"] = ZoneInfo("America/New_York")
    detail = "example.org asks for fewer requests. The app waits 5 minutes between attempts."
    wait = wait_columns(WaitReason.REPOSITORY, detail, datetime(2026, 1, 5, 19, 5))
    set_state(app, job_id, state="running", status_text="Reading", **wait)

    page, row = words(client.get(f"/jobs/{job_id}/live")), words(client.get(f"/jobs/{job_id}/row"))

    assert page.startswith("Waiting for the repository since 2026-01-05 14:05 ")
    assert " example.org asks for fewer requests. The app waits 5 minutes between attempts." in page
    assert page.count("14:05") == 2  # once in the title
    assert "Waiting for the repository since 2026-01-05 14:05 " in row
    assert "Running" not in page + row


def test_a_job_that_is_stopping_no_longer_shows_a_wait(app, importer, client):
    job_id = importer.create()
    wait = wait_columns(WaitReason.REPOSITORY, "example.org is busy.", datetime(2026, 1, 5, 19, 5))
    set_state(app, job_id, state="stopping", **wait)

    assert words(client.get(f"/jobs/{job_id}/live")).startswith("Stopping ")


DOWNLOADS = {"due_files": 30, "due_bytes": 12_000_000, "tried_stored": 16, "tried_missing": 1, "tried_bytes": 6_800_000}


def test_while_files_are_downloaded_a_job_shows_their_bar_and_no_rate_of_items(app, importer, client):
    job_id = importer.create(files=True)
    set_state(app, job_id, state="running", worked_seconds=20.0, expected=30)
    set_counts(importer, job_id, seen=30, added=30, **DOWNLOADS, download_milliseconds=10_000)

    page = client.get(f"/jobs/{job_id}/live")

    assert b'<progress aria-label="Items" value="30" max="30"' in page.data
    assert b'<progress aria-label="Files" value="6800000" max="12000000"' in page.data
    assert "30 of 30 items 17 of 30 files · 6.8 MB of 12.0 MB · about 8 s left" in words(page)
    assert "a second" not in words(page)
    assert words(page).startswith("56 % · Import of Collection c1 ")


def test_the_bytes_of_a_file_that_is_being_downloaded_move_the_progress(app, importer, client):
    job_id = importer.create(files=True)
    set_state(app, job_id, state="running", worked_seconds=20.0, expected=1)
    set_counts(importer, job_id, seen=1, due_files=1, due_bytes=4_000_000, arriving_bytes=1_000_000)
    set_counts(importer, job_id, download_milliseconds=10_000)

    page = words(client.get(f"/jobs/{job_id}/live"))

    assert "0 of 1 file · 1.0 MB of 4.0 MB · about 30 s left" in page


def test_between_two_pages_of_items_the_files_do_not_lower_the_rate_of_the_items(app, importer, client):
    job_id = importer.create(files=True)
    set_state(app, job_id, state="running", worked_seconds=20.0, expected=200)
    counts = DOWNLOADS | {"tried_stored": 29, "tried_bytes": 12_000_000}
    set_counts(importer, job_id, seen=100, added=100, **counts, download_milliseconds=10_000)

    page = words(client.get(f"/jobs/{job_id}/live"))

    assert "100 of 200 items · 10.0 items a second · about 20 s left 30 of 30 files" in page


@pytest.mark.parametrize("files", [0, 30])
def test_while_a_job_waits_it_shows_no_rate_and_no_time_left(app, importer, client, files):
    job_id = importer.create(files=True)
    wait = wait_columns(WaitReason.REPOSITORY, "example.org is busy.", datetime(2026, 1, 5, 19, 5))
    set_state(app, job_id, state="running", worked_seconds=20.0, expected=300, **wait)
    set_counts(importer, job_id, seen=30, **DOWNLOADS | {"due_files": files}, download_milliseconds=10_000)

    page = words(client.get(f"/jobs/{job_id}/live"))

    assert "30 of 300 items" in page
    assert "a second" not in page
    assert " left" not in page


def test_less_than_a_second_is_not_shown_as_time_left(app, importer, client):
    job_id = importer.create()
    set_state(app, job_id, state="running", worked_seconds=10.0, expected=101)
    set_counts(importer, job_id, seen=100)

    page = words(client.get(f"/jobs/{job_id}/live"))

    assert "100 of 101 items · 10.0 items a second" in page
    assert " left" not in page


def test_a_queued_job_has_no_bar_and_links_to_the_job_ahead(app, importer, client):
    running, next_in_line, last = importer.create(), importer.create("c2"), importer.create("c3")
    set_state(app, running, state="running")

    pages = [client.get(f"/jobs/{job_id}/live") for job_id in (running, next_in_line, last)]

    assert [b"<progress" in page.data for page in pages] == [True, False, False]
    sentence = "Starts when job 1 of the same repository has ended."
    assert [sentence in words(page) for page in pages] == [False, True, True]
    assert "/jobs/1/" in links(pages[2])
    set_state(app, running, state="completed")
    assert "/jobs/2/" in links(client.get(f"/jobs/{last}/live"))
    assert "Starts when" not in words(client.get(f"/jobs/{next_in_line}/live"))


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({"state": "queued"}, "Queued"),
        ({"state": "running", "expected": 8}, "12 %"),
        ({"state": "running", "expected": 1}, "99 %"),
        ({"state": "running"}, "Running"),
        ({"state": "stopping", "expected": 8}, "Stopping"),
        ({"state": "completed", "clean": False, "expected": 8}, "Completed with problems"),
    ],
)
def test_the_title_of_the_page_tells_the_state_of_the_job(app, importer, client, values, title):
    job_id = importer.create()
    set_state(app, job_id, **values)
    set_counts(importer, job_id, seen=1, unchanged=1)

    wanted = f"<title>{title} · Import of Collection c1 · DSpace Connector</title>"
    assert wanted in client.get(f"/jobs/{job_id}/").get_data(as_text=True)
    assert wanted in client.get(f"/jobs/{job_id}/live").get_data(as_text=True)


def test_a_re_run_asks_before_it_starts(importer, dspace, client):
    with_items(dspace, 1)
    job = importer.run()
    page = client.get(f"/jobs/{job.id}/")

    asked = client.get(f"/jobs/{job.id}/rerun")

    assert f"/jobs/{job.id}/rerun" in links(page)
    assert "Import Collection c1 again?" in words(asked)
    assert "Re-run job 1" in words(asked)
    assert client.get("/jobs/2/").status_code == 404


def test_a_clean_job_offers_the_retry_of_unavailable_files_as_a_minor_button(app, importer, dspace, client):
    with_items(dspace, 1, files={"a.txt": b"abc"})
    dspace.file_errors["i0/a.txt"] = RestrictedError("It is not public.")
    job = importer.run(files=True)

    page = client.get(f"/jobs/{job.id}/")

    assert job.clean
    assert b'<button id="retry" class="secondary"' in page.data


def test_a_failed_job_keeps_addresses_and_statuses_below_technical_details(app, importer, client):
    url = "https://repo.example.org/server/api/core/items/17"
    error = RequestRejectedError(f"{url} does not accept the request.", url)
    error.status = 400
    job_id = importer.create()

    def fail(run):
        raise error

    with app.app_context():
        work(job_id, fail)
    page = client.get(f"/jobs/{job_id}/")

    assert f" repo.example.org does not accept the request. Technical details {url} Status 400 " in words(page)
    client.post(f"/jobs/{job_id}/resume")
    with app.app_context():
        work(job_id, lambda run: (True, "Done."))
    assert "Technical details" not in words(client.get(f"/jobs/{job_id}/"))


def test_after_a_download_the_job_shows_that_it_reads_items(importer, dspace):
    with_items(dspace, 2 * page_writer.FULL_PAGE, files={"a.txt": b"aaa"})
    dspace.page_size, said = page_writer.FULL_PAGE, []

    def runner(run):
        dspace.before_page = lambda number: said.append(run.status_text)
        return run_import(run, dspace.connect)

    job_id = importer.create(files=True)
    with importer.app.app_context():
        work(job_id, runner)

    assert said == ["Reading Collection c1"] * 2


def test_missing_items_are_shown_with_the_numbers_of_an_import(app, importer, dspace, client):
    with_items(dspace, 6)
    first = importer.run()
    for gone in ("i1", "i2"):
        del dspace.items[gone]
    job = importer.run()

    with app.app_context():
        line, text = report.line(lifecycle.get(job.id), "Collection c1"), request_log.text(lifecycle.get(job.id), "")
        before = report.line(lifecycle.get(first.id), "Collection c1")
        db.session.rollback()
    page, row = client.get(f"/jobs/{job.id}/"), client.get(f"/jobs/{job.id}/row")

    assert "4 items: 0 added, 0 updated, 4 unchanged, 0 failed, 2 missing at source." in line
    assert line in text
    assert "gone" not in before
    assert "Missing at source 2" in words(page)
    assert "Missing at source: 2" in words(row)
    assert "/missing/?repository=1" in links(page)
    assert "/missing/?repository=1" in links(row)
    assert "Missing at source" not in words(client.get(f"/jobs/{first.id}/row"))


@pytest.mark.parametrize(
    ("options", "heading", "before"),
    [
        ({}, "Import of Collection c1", ""),
        ({"retry": 6, "files": True}, "Retry of job 6: Collection c1", "Retry of job 6: "),
        ({"only": 6}, "Chosen items of Collection c1", "Chosen items: "),
        ({"test": 2}, "Test import of Collection c1", "Test import: "),
    ],
)
def test_an_import_of_ticked_items_is_named_as_such(app, importer, client, options, heading, before):
    job_id = importer.create(**options)

    with app.app_context():
        line = report.line(lifecycle.get(job_id), "Collection c1")
        db.session.rollback()
    page, row = words(client.get(f"/jobs/{job_id}/")), words(client.get(f"/jobs/{job_id}/row"))

    assert f" {heading} Job {job_id} " in page
    assert row.startswith(f"{job_id} {before}Collection c1 ")
    assert line.startswith(f"Job {job_id}: {heading}. Queued.")


def test_the_last_import_of_a_source_is_one_of_the_whole_scope(app, importer, dspace):
    with_items(dspace, 4)
    job = importer.run()
    importer.run(only=6)
    importer.run(retry=job.id)

    with app.app_context():
        last = source_queries.last_imports(importer.repository_id)[ScopeKind.COLLECTION, "c1"]
        db.session.rollback()

    assert (last.job_id, last.seen) == (job.id, 4)


def test_one_item_is_shown_in_the_singular(app, importer, dspace, client):
    dspace.add("i0")
    job = importer.run()

    with app.app_context():
        line = report.line(lifecycle.get(job.id), "Collection c1")
        db.session.rollback()

    assert "1 of 1 item " in words(client.get(f"/jobs/{job.id}/live"))
    assert ". Completed. 1 item: 1 added," in line


def test_an_ended_job_no_longer_polls(importer, dspace, client):
    with_items(dspace, 3)
    dspace.items["i0"].files = {"a.txt": b"abc", "b.txt": b"defghi"}
    job = importer.run(files=True)

    page = client.get(f"/jobs/{job.id}/live")

    assert b"hx-trigger" not in page.data
    assert "Completed Re-run Preview import Undo 3 of 3 items" in words(page)
    assert "Added 3 Updated 0 Unchanged 0 Failed 0" in words(page)
    assert "Files 2 stored Downloaded 9 bytes" in words(page)
    assert f"/items/?job={job.id}" in links(page)


def test_problems_are_listed_item_by_item_with_reason_and_as_csv(importer, dspace, client):
    with_items(dspace, 2)
    dspace.items["i0"].files = {"a.txt": b"abc"}
    dspace.add("broken", title="=Broken", fails=True)
    dspace.file_errors["i0/a.txt"] = ServerError("status 500")
    job = importer.run(files=True)

    page = client.get(f"/jobs/{job.id}/")
    rows = list(csv.reader(io.StringIO(client.get(f"/jobs/{job.id}/problems.csv").get_data(as_text=True))))

    assert "Completed with problems" in words(page)
    assert "=Broken it is broken 1/broken" in words(page)
    assert "Title 0 File “a.txt”" in words(page)
    assert "https://repo.example.org/items/broken" in links(page)
    assert [row[2] for row in rows] == ["title", "'=Broken", "Title 0"]


def test_the_first_50_problems_are_shown_and_the_file_has_all(importer, dspace, client):
    with_items(dspace, 51, fails=True)
    job = importer.run()

    page = client.get(f"/jobs/{job.id}/")
    lines = client.get(f"/jobs/{job.id}/problems.csv").get_data(as_text=True).splitlines()

    assert words(page).count("it is broken") == 50
    assert "The first 50 are shown." in words(page)
    assert len(lines) == 52


def test_the_buttons_stop_resume_and_rerun_a_job(app, importer, dspace, client):
    with_items(dspace, 2)
    job_id = importer.create()

    assert client.post(f"/jobs/{job_id}/stop").location == f"/jobs/{job_id}/#status"
    assert importer.job(job_id).state == "stopped"
    assert "Resume" in words(client.get(f"/jobs/{job_id}/"))
    assert client.post(f"/jobs/{job_id}/resume").location == f"/jobs/{job_id}/#status"
    assert importer.job(job_id).state == "queued"
    assert "Stopped" not in words(client.get(f"/jobs/{job_id}/"))
    importer.work(job_id)
    rerun = client.post(f"/jobs/{job_id}/rerun")
    assert rerun.location == f"/jobs/{job_id + 1}/"
    assert importer.job(job_id + 1).reruns_id == job_id


@pytest.mark.parametrize("action", ["stop", "resume"])
def test_refused_actions_are_explained_on_the_page_of_the_job(importer, dspace, client, action):
    with_items(dspace, 1)
    job = importer.run()

    page = client.post(f"/jobs/{job.id}/{action}")

    assert page.status_code == 409
    assert b'role="alert"' in page.data
    assert "Import of Collection c1" in words(page)


def test_undo_shows_its_effects_in_numbers_before_and_after(importer, dspace, client):
    with_items(dspace, 3, files={"a.txt": b"abc"})
    dspace.add("both", collections=("c1", "c2"))
    job = importer.run(files=True, item_set="New")
    importer.run("c2")

    asked = client.get(f"/jobs/{job.id}/undo")
    answer = client.post(f"/jobs/{job.id}/undo")
    undo_id = int(answer.location.split("/")[2])
    importer.work(undo_id)

    assert "Items removed 3 Items restored 0 Items kept 1" in words(asked)
    assert "Removed 3 Restored 0 Kept 1" in words(client.get(f"/jobs/{undo_id}/"))
    undone = words(client.get(f"/jobs/{job.id}/"))
    assert "Undone Re-run Preview import 4 of 4 items 3 of 3 files " in undone
    assert f" Undo: job {undo_id} , completed." in undone


def test_before_an_undo_files_are_counted_up_to_a_limit(importer, dspace, client, monkeypatch):
    with_items(dspace, 3, files={"a.txt": b"abc"})
    job = importer.run(files=True)
    monkeypatch.setattr(undo_effects, "FILES_COUNTED", 2)

    page = words(client.get(f"/jobs/{job.id}/undo"))

    assert "Items removed 3 " in page
    assert "Files removed more than 2 " in page


@pytest.mark.parametrize("is_one_of_several", [True, False])
def test_before_an_undo_the_items_that_it_removes_are_named(importer, dspace, client, is_one_of_several):
    dspace.add("mine", title="Only here")
    dspace.add("both", title="In two collections", collections=("c1", "c2"))
    job = importer.run()
    importer.run("c2")

    ticked = {"undo": str(job.id)}
    page = words(client.post("/jobs/", data=ticked) if is_one_of_several else client.get(f"/jobs/{job.id}/undo"))

    assert "These items are removed: Only here " in page
    assert "In two collections" not in page


def test_an_ended_job_shows_the_downloaded_bytes_once(importer, dspace, client):
    with_items(dspace, 1, files={"a.txt": b"abc", "b.txt": b"defghi"})
    dspace.file_errors["i0/b.txt"] = RestrictedError("It is not public.")

    page = words(client.get(f"/jobs/{importer.run(files=True).id}/"))

    assert "2 of 2 files Added" in page
    assert "Downloaded 3 bytes" in page


def test_undo_is_refused_while_a_job_of_the_repository_is_active(importer, dspace, client):
    with_items(dspace, 1)
    job = importer.run()
    busy = importer.create("c2")

    page = client.get(f"/jobs/{job.id}/undo")

    assert page.status_code == 409
    assert f"Job {busy} of this repository is still active" in words(page)


def test_past_imports_has_a_row_for_each_job_with_its_numbers(importer, dspace, client):
    with_items(dspace, 2)
    dspace.add("broken", fails=True)
    importer.run()

    page = client.get("/jobs/")

    head = "Undo Re-run Job ID DSpace collection Comment Items Date Status Owner"
    assert head in words(page)
    assert "Collection c1" in words(page)
    assert "Total: 3 Added: 2 in job 1 Updated: 0 Unchanged: 0 Failed: 1 in job 1" in words(page)
    assert [links(page).count(address) for address in ("/items/?job=1", "/jobs/1/#problems")] == [1, 1]
    assert '<a class="name" href="/jobs/1/"><bdi>Collection c1</bdi></a>' in page.get_data(as_text=True)
    assert "Completed with problems Command line" in words(page)
    assert "https://repo.example.org/collections/c1" in links(page)
    assert b"every 1s" not in page.data


def test_the_row_of_an_active_job_polls(importer, client):
    job_id = importer.create()

    row = client.get(f"/jobs/{job_id}/row")

    assert row.get_data(as_text=True).startswith(f'<tr id="job-{job_id}" hx-get="/jobs/{job_id}/row"')
    assert b'type="checkbox"' not in row.data


def queries_of(importer, client, address):
    """Return how many queries an answer sends to the database."""
    asked = []

    def note(connection, cursor, statement, *others):
        asked.extend([statement] * statement.startswith("SELECT"))

    with importer.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    client.get(address)
    event.remove(engine, "before_cursor_execute", note)
    return len(asked)


@pytest.mark.parametrize(("part", "most"), [("live", 5), ("row", 3)])
def test_a_poll_sends_few_database_queries(importer, dspace, client, part, most):
    job = importer.run()
    set_state(importer.app, job.id, state="running")

    assert 0 < queries_of(importer, client, f"/jobs/{job.id}/{part}") <= most


def test_the_last_poll_of_a_job_with_many_problems_sends_few_database_queries(importer, dspace, client):
    with_items(dspace, 60, fails=True)
    job = importer.run()

    assert 0 < queries_of(importer, client, f"/jobs/{job.id}/live") <= 14


def test_past_imports_are_paged_and_sorted(importer, dspace, client):
    with_items(dspace, 1)
    for _ in range(26):
        importer.run()
    set_state(importer.app, 9, state="failed")

    def first(query=""):
        return next(
            link for link in links(client.get(f"/jobs/{query}")) if link.startswith("/jobs/") and link[-1] == "/"
        )

    assert "1–25 of 26" in words(client.get("/jobs/"))
    assert first("?sort=date&order=desc") == first("") == first("?sort=nonsense")
    last = client.get(neighbours(client.get("/jobs/"))["Next"])
    assert [link for link in links(last) if link == "/jobs/1/"]
    oldest = client.get("/jobs/?sort=date&order=asc")
    assert links(oldest).index("/jobs/1/") < links(oldest).index("/jobs/2/")
    failed = client.get("/jobs/?sort=status&order=desc")
    assert links(failed).index("/jobs/9/") < links(failed).index("/jobs/26/")


def test_submit_acts_only_after_a_confirmation(importer, dspace, client):
    with_items(dspace, 2)
    job = importer.run()

    asked = client.post("/jobs/", data={"undo": job.id, "rerun": job.id})
    assert f"Undo job {job.id}: Import of Collection c1 Items removed 2" in words(asked)
    assert f"Run job {job.id} again" in words(asked)
    assert importer.job(job.id).undone_by == []

    done = client.post("/jobs/", data={"undo": job.id, "rerun": job.id, "confirmed": "yes"}, follow_redirects=True)
    assert f"Job {job.id} will be undone by job 2." in words(done)
    assert f"Job {job.id} will be run again by job 3." in words(done)


def test_submit_carries_out_possible_actions_and_reports_the_others(importer, dspace, client):
    with_items(dspace, 1)
    first, second = importer.run(), importer.run("c2")

    data = {"undo": [first.id, second.id, 99], "confirmed": "yes"}
    page = client.post("/jobs/", data=data, follow_redirects=True)

    assert f"Job {first.id} will be undone by job 3." in words(page)
    assert f"Job {second.id} was not undone: Job 3 of this repository is still active" in words(page)
    assert "Job 99 was not undone: There is no job 99." in words(page)


def test_submit_without_a_tick_asks_to_tick_jobs(client):
    assert "Tick Undo or Re-run of a job first." in words(client.post("/jobs/", follow_redirects=True))


def test_polling_of_an_unknown_job_ends_with_a_sentence(client):
    answer = client.get("/jobs/5/live", headers={"HX-Request-Type": "partial"})

    assert answer.status_code == 404
    assert words(answer) == "There is no job 5."


def test_an_undone_job_does_not_link_to_items(importer, dspace, client):
    with_items(dspace, 2)
    job_id = importer.run().id
    shown = links(client.get(f"/jobs/{job_id}/")), links(client.get("/jobs/"))
    with importer.app.app_context():
        undo = creation.create_undo(job_id)
    assert importer.work(undo)

    page, past = client.get(f"/jobs/{job_id}/"), client.get("/jobs/")

    leading = [f"/items/?job={job_id}" in each for each in (*shown, links(page), links(past))]
    assert leading == [True, True, False, False]
    assert "Total: 2 Added: 2 Updated: 0" in words(past)


def test_the_row_of_a_running_job_has_a_bar_and_a_stop_button(app, importer, client):
    job_id = importer.create(files=True)
    set_state(app, job_id, state="running", expected=40)
    set_counts(importer, job_id, seen=10)

    reading = client.get(f"/jobs/{job_id}/row")
    set_counts(importer, job_id, seen=40, **DOWNLOADS)
    downloading = client.get(f"/jobs/{job_id}/row")

    assert b'<progress aria-label="Items" value="10" max="40"' in reading.data
    assert "10 of 40 items" in words(reading)
    assert b'<progress aria-label="Files" value="6800000" max="12000000"' in downloading.data
    assert "17 of 30 files" in words(downloading)
    assert ways(reading) == [f"/jobs/{job_id}/stop"]
    assert b'<form id="row-actions" method="post">' in client.get("/jobs/").data
    set_state(app, job_id, state="completed")
    ended = client.get(f"/jobs/{job_id}/row")
    assert (b"<progress" in ended.data, ways(ended)) == (False, [])


@pytest.fixture
def jobs_of_each_status(app, importer, client):
    """Jobs of each status, by number."""
    states = [
        {"state": "running"},
        {"state": "stopped", "question": {"unseen": 4}, "owner": "Ada"},
        {"state": "failed"},
        {"state": "completed", "clean": True, "owner": "Ada"},
        {"state": "completed", "clean": False},
        {"state": "completed", "clean": True},
        {"state": "completed", "kind": "undo", "undoes_id": 6, "clean": True},
        {"state": "completed", "kind": "preview", "clean": True},
    ]
    for number, values in enumerate(states):
        set_state(app, importer.create(f"c{number}"), **values)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("status=active", [1]),
        ("status=answer", [2]),
        ("status=stopped", [2]),
        ("status=failed", [3]),
        ("status=completed", [8, 7, 4]),
        ("status=problems", [5]),
        ("status=undone", [6]),
        ("kind=undo", [7]),
        ("owner=Ada", [4, 2]),
        ("owner=Ada&status=completed", [4]),
        ("repository=1&kind=preview", [8]),
        ("repository=2", []),
        ("status=nonsense&kind=x&repository=y&owner=", [8, 7, 6, 5, 4, 3, 2, 1]),
    ],
)
def test_past_imports_shows_the_jobs_that_the_address_selects(jobs_of_each_status, client, query, numbers):
    page = client.get(f"/jobs/?{query}")

    assert [int(number) for number in re.findall(r'<tr id="job-(\d+)"', page.get_data(as_text=True))] == numbers
    assert ("No imports match." in words(page)) == (not numbers)


def test_sorting_paging_and_submitting_keep_the_filter(jobs_of_each_status, client):
    page = client.get("/jobs/?owner=Ada&status=completed")

    assert '<option value="Ada" selected dir="auto">Ada</option>' in page.get_data(as_text=True)
    assert "/jobs/?sort=status&order=desc&status=completed&owner=Ada" in links(page)
    submitted = client.post("/jobs/?owner=Ada&status=completed")
    assert submitted.location == "/jobs/?status=completed&owner=Ada"


def test_the_kinds_of_jobs_to_choose_from_are_in_the_order_of_their_names(jobs_of_each_status, client):
    text = client.get("/jobs/").get_data(as_text=True)

    kinds = re.findall(r"<option[^>]*>(\w+)[^<]*</option>", text.partition('name="kind"')[2].partition("</select>")[0])
    assert kinds[0] == "Any" and len(kinds) > 3
    assert kinds[1:] == sorted(kinds[1:])


def test_a_viewer_sees_no_columns_for_what_only_editors_may_do(jobs_of_each_status, client, app):
    with app.app_context(), transaction():
        db.session.execute(db.update(Account).values(role="viewer"))

    page = client.get("/jobs/")

    assert " Filter jobs Sources and their schedules Job ID DSpace collection " in words(page)
    assert b"checkbox" not in page.data
    assert b"/stop" not in page.data


def test_the_filter_of_past_imports_names_each_kind_of_job(jobs_of_each_status, client):
    page = client.get("/jobs/").get_data(as_text=True)

    assert '<option value="undo" dir="auto">Undo</option>' in page
    assert "%(" not in page
