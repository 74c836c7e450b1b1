"""The dashboard: what runs, what needs a decision, what comes next and what ended."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from connector.catalogue import counts
from connector.extensions import db, transaction, utcnow
from connector.imports.import_options import ImportOptions
from connector.jobs import counters, creation
from connector.models.accounts import Account, Role
from connector.models.catalogue import CatalogueItem
from connector.models.jobs import Job, Kind, State
from connector.models.repositories import Repository, Source
from tests.bench.work import steps_of
from tests.pages import links, words
from tests.signed_in import NAME

QUESTION = {"unseen": 31, "total": 36}


def change(app, job_id, **values):
    with app.app_context(), transaction():
        db.session.execute(db.update(Job).where(Job.id == job_id).values(values))


def queued(app, source_id=1, **values):
    """Queue an import and return its id."""
    with app.app_context(), transaction():
        return creation.add(db.session.get_one(Source, source_id), Kind.IMPORT, ImportOptions(), **values)


def section(response, name):
    """Return the words of a section of the dashboard, or "" without it."""
    page = words(response)
    headings = ["Running now", "Problems", "Next imports", "Last jobs", "DSpace Connector 0"]
    if name not in page:
        return ""
    start = page.index(name)
    return page[start : min(page.find(other, start) for other in headings if page.find(other, start) > start)]


def test_an_empty_instance_offers_the_first_import(client):
    page = client.get("/")

    assert "Nothing has been imported yet." in words(page)
    assert "/repositories/" in links(page)


def test_a_running_job_shows_its_progress_and_the_page_polls(stocked_app, stocked_client):
    job_id = queued(stocked_app)
    change(stocked_app, job_id, state=State.RUNNING.value, started_at=utcnow(), claimed_at=utcnow(), expected=12)
    with stocked_app.app_context(), transaction():
        counters.add(db.session.connection(), job_id, {"seen": 5})

    page = stocked_client.get("/")

    assert "Import of Harbour photographs Running 5 of 12 items" in section(page, "Running now")
    assert f"/jobs/{job_id}/" in links(page)
    assert 'hx-get="/live"' in page.text
    assert "5 of 12 items" in words(stocked_client.get("/live"))


def test_a_job_that_downloads_files_shows_its_files_and_not_its_items(stocked_app, stocked_client):
    job_id = queued(stocked_app)
    change(stocked_app, job_id, state=State.RUNNING.value, started_at=utcnow(), claimed_at=utcnow(), expected=12)
    with stocked_app.app_context(), transaction():
        counters.add(db.session.connection(), job_id, {"seen": 12, "due_files": 30, "tried_stored": 17})

    running = section(stocked_client.get("/"), "Running now")

    assert "Import of Harbour photographs Running 17 of 30 files" in running


def test_the_page_does_not_poll_without_an_active_job(stocked_client):
    page = stocked_client.get("/")

    assert "No job is running." in words(page)
    assert "hx-get" not in page.text


def test_only_the_first_of_many_active_jobs_are_listed_and_the_others_counted(stocked_app, stocked_client):
    ids = [queued(stocked_app) for _ in range(20)]
    change(stocked_app, ids[-1], state=State.RUNNING.value, claimed_at=utcnow())

    running = section(stocked_client.get("/"), "Running now")

    assert running.startswith("Running now Import of Harbour photographs Running")
    assert running.count("Import of Harbour photographs") == 10
    assert "10 more active jobs" in running


def test_a_job_with_an_open_question_is_a_problem_until_it_is_answered(stocked_app, stocked_client):
    change(stocked_app, 1, state=State.STOPPED.value, question=QUESTION)
    assert "Import of Harbour photographs Waiting for your answer" in section(stocked_client.get("/"), "Problems")

    change(stocked_app, 1, question=QUESTION | {"settled_by": 3})
    assert "Harbour photographs" not in section(stocked_client.get("/"), "Problems")


@pytest.mark.parametrize("ending", [{"state": State.FAILED.value}, {"clean": False}])
def test_a_source_whose_last_import_had_problems_is_listed_until_a_later_import(stocked_app, stocked_client, ending):
    change(stocked_app, 1, **ending)
    assert "Import of Harbour photographs" in section(stocked_client.get("/"), "Problems")

    later = queued(stocked_app)
    change(stocked_app, later, state=State.COMPLETED.value, clean=True, ended_at=utcnow())
    assert "Import of Harbour photographs" not in section(stocked_client.get("/"), "Problems")


def test_a_problem_says_what_is_wrong(stocked_app, stocked_client):
    change(stocked_app, 1, clean=False, message="See below.")
    with stocked_app.app_context(), transaction():
        counters.add(db.session.connection(), 1, {"failed": 2, "tried_failed": 3, "tried_restricted": 1})
    change(stocked_app, 2, state=State.FAILED.value, message="The repository cannot be reached.")

    problems = section(stocked_client.get("/"), "Problems")

    assert "Completed with problems 2 items failed, 3 files failed, 1 file not available" in problems
    assert "Failed The repository cannot be reached." in problems


def test_a_viewer_does_not_read_the_message_of_a_job_that_was_signed_in(stocked_app, stocked_client):
    change(stocked_app, 1, state=State.FAILED.value, message="“A secret title” failed.", cursor={"login": 1})
    assert "A secret title" in words(stocked_client.get("/"))

    with stocked_app.app_context(), transaction():
        db.session.execute(db.update(Account).where(Account.name == NAME).values(role=Role.VIEWER.value))

    assert "A secret title" not in words(stocked_client.get("/"))
    assert "A secret title" not in words(stocked_client.get("/live"))


def test_scheduled_and_waiting_imports_are_next(stocked_app, stocked_client):
    change(stocked_app, 2, state=State.STOPPED.value, resume_at=utcnow() + timedelta(hours=3))
    with stocked_app.app_context(), transaction():
        db.session.get_one(Source, 1).due_at = utcnow() + timedelta(days=1)

    found = section(stocked_client.get("/"), "Next imports")

    assert found.index("Odd metadata") < found.index("Harbour photographs")


def test_the_last_jobs_are_listed_newest_first_with_what_they_did(stocked_client):
    found = section(stocked_client.get("/"), "Last jobs")

    assert found.index("Special files") < found.index("Odd metadata") < found.index("Harbour photographs")
    assert "Added: 12" in found


def test_the_dashboard_counts_the_items_of_each_repository_and_draws_charts(stocked_app, stocked_client):
    with stocked_app.app_context():
        counts.count_if_changed()

    page = stocked_client.get("/")

    assert re.search(r"Size Aldermouth Sample Repository 36 66 \S+ kB Counted", words(page))
    assert "/items/?repository=1" in links(page)
    assert "Image 12" in words(page)
    assert "2020 to 2029 21" in words(page)
    assert page.text.count('<svg class="chart" role="img"') == 3


def test_repositories_of_the_same_name_are_shown_with_their_hosts(stocked_app, stocked_client):
    with stocked_app.app_context():
        with transaction():
            first = db.session.get_one(Repository, 1)
            url = "https://other.example"
            how = {"endpoint": first.endpoint, "generation": first.generation, "version": first.version}
            db.session.add(Repository(address_key=url, site_url=url, api_url=f"{url}/api", name=first.name, **how))
            db.session.flush()
            db.session.execute(db.update(CatalogueItem).where(CatalogueItem.id == 1).values(repository_id=2))
        counts.count_if_changed()
        host = first.site_url.removeprefix("http://")

    held = words(stocked_client.get("/")).partition("In the catalogue")[2]

    assert f"Aldermouth Sample Repository ({host})" in held
    assert "Aldermouth Sample Repository (other.example)" in held


def test_viewers_see_the_numbers_without_restricted_items(stocked_app, stocked_client):
    with stocked_app.app_context():
        with transaction():
            db.session.execute(db.update(CatalogueItem).where(CatalogueItem.id == 1).values(is_restricted=True))
        counts.count_if_changed()
    assert "Sample Repository 36 66" in words(stocked_client.get("/"))

    with stocked_app.app_context(), transaction():
        db.session.execute(db.update(Account).where(Account.name == NAME).values(role=Role.VIEWER.value))
    assert "Sample Repository 35 65" in words(stocked_client.get("/"))


def test_before_the_first_counting_the_page_says_so(stocked_client):
    assert "The catalogue is being counted." in words(stocked_client.get("/"))


def test_the_last_imports_are_shown_with_changes_and_duration(stocked_client):
    page = words(stocked_client.get("/"))

    assert re.search(r"3 Import of Special files .*? 10 [^:]*s 2 Import of Odd metadata .*? 14 ", page)


def test_a_single_import_has_no_chart(stocked_app, stocked_client):
    with stocked_app.app_context(), transaction():
        db.session.execute(db.delete(Job).where(Job.id > 1))

    page = words(stocked_client.get("/"))

    assert "Last jobs" in page
    assert "Last imports" not in page


def test_the_work_of_the_dashboard_does_not_grow_with_the_number_of_past_jobs(stocked_app, stocked_client):
    columns = {"repository_id": 1, "kind": "'import'", "state": "'completed'", "clean": 1, "options": "'{}'"}
    columns |= {"owner": "'Tess Admin'", "comment": "''", "message": "''", "status_text": "''", "attempt": 1}
    columns |= {
        "worked_seconds": 1.0,
        "created_at": "'2026-01-02 03:04:05.000000'",
        "ended_at": "'2026-01-02 03:04:05.000000'",
    }
    columns |= {"source_id": "1 + n % 3"}
    steps = []
    for number in (500, 5_000):
        with stocked_app.app_context(), transaction():
            numbers = f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number})"
            values = ", ".join(str(value) for value in columns.values())
            db.session.execute(
                db.text(f"INSERT INTO job ({', '.join(columns)}) {numbers} SELECT {values} FROM numbers")
            )
        steps.append(steps_of(stocked_app, lambda: stocked_client.get("/")))

    assert steps[1] <= 1.1 * steps[0] + 1000
