"""The pages of sources: their items, their jobs and their schedule."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from connector.dspace.records import SourceState
from connector.extensions import db, transaction, utcnow
from connector.imports.import_options import ImportOptions
from connector.imports.start import scheduling
from connector.jobs import creation, lifecycle, permitted_hours
from connector.jobs.schedule import Schedule
from connector.models.catalogue import CatalogueItem
from connector.models.jobs import Job, Kind
from connector.models.repositories import Repository, Source
from tests.pages import links, words

WEEKLY = {"every": "weekly", "weekday": "6", "day": "1", "at": "23:30"}
NIGHT = {"limited": "y", "since": "22:00", "until": "06:00"}


@pytest.fixture
def source_id(importer):
    importer.app.config["TIMEZONE"] = ZoneInfo("Europe/Berlin")
    for number in range(3):
        importer.dspace.add(f"i{number}", files={"a.txt": b"a"})
    return importer.run(files=True).source_id


def test_the_page_counts_items_that_are_missing_at_the_source(importer, client, source_id):
    with importer.app.app_context(), transaction():
        db.session.get(CatalogueItem, 1).source_state = SourceState.DELETED.value

    page = client.get(f"/sources/{source_id}/")

    assert "3 items held, 1 of them missing at source" in words(page)
    assert "/missing/?repository=1" in links(page)


def test_a_source_that_was_never_imported_offers_no_rerun(importer, client, source_id):
    with importer.app.app_context():
        never = importer.job(importer.create("c2")).source_id

    assert "Import again" not in words(client.get(f"/sources/{never}/"))
    assert "Import again" in words(client.get(f"/sources/{source_id}/"))


@pytest.mark.parametrize(("generation", "is_said"), [(4, True), (6, False), (9, False)])
def test_the_page_of_a_source_of_dspace_4_explains_what_an_import_reads(
    importer, client, source_id, generation, is_said
):
    with importer.app.app_context(), transaction():
        db.session.get(Repository, importer.repository_id).generation = generation

    assert (
        "reads an item again if its time of change has moved" in words(client.get(f"/sources/{source_id}/"))
    ) is is_said


def kept(importer, source_id):
    with importer.app.app_context():
        source = db.session.get(Source, source_id)
        return Schedule.from_json(source.schedule), source.due_at


def last_job(importer):
    with importer.app.app_context():
        return importer.job(db.session.scalar(db.select(db.func.max(Job.id))))


def test_the_page_of_a_source_shows_its_items_imports_and_missing_schedule(importer, client, source_id):
    page = client.get(f"/sources/{source_id}/")

    assert "Collection c1" in words(page)
    assert "3 items held" in words(page)
    assert "No schedule. Imports of this source are started by hand." in words(page)
    assert "/jobs/1/" in links(page)


def test_jobs_and_past_imports_link_to_the_source(client, source_id):
    assert f"/sources/{source_id}/" in links(client.get("/jobs/1/"))
    assert "/sources/" in links(client.get("/jobs/"))
    assert f"/sources/{source_id}/" in links(client.get("/sources/"))


def test_the_page_of_an_unknown_source_is_not_found(client):
    assert client.get("/sources/7/").status_code == 404
    assert client.post("/sources/7/import").status_code == 404
    assert client.post("/sources/7/schedule", data=WEEKLY).status_code == 404


def test_a_schedule_that_is_saved_is_shown_with_its_next_time_in_the_zone_of_the_server(importer, client, source_id):
    page = client.post(f"/sources/{source_id}/schedule", data=WEEKLY | NIGHT, follow_redirects=True)

    schedule, due = kept(importer, source_id)
    assert str(schedule) == "Weekly on Sunday at 23:30, only between 22:00 and 06:00"
    assert f"{schedule}. Next: " in words(page)
    assert f"{due:%Y-%m-%dT%H:%M:%S}Z".encode() in page.data
    assert f"{due.replace(tzinfo=ZoneInfo('UTC')).astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" == "23:30"
    assert "(Europe/Berlin)" in words(page)
    assert str(schedule) in words(client.get("/sources/"))


def test_the_schedule_form_shows_the_current_settings_and_removes_the_schedule(importer, client, source_id):
    client.post(f"/sources/{source_id}/schedule", data=WEEKLY | NIGHT | {"every": "monthly", "day": "last"})
    page = client.get(f"/sources/{source_id}/").get_data(as_text=True)
    assert '<option selected value="monthly">' in page
    assert '<option selected value="last">' in page
    assert 'value="23:30"' in page

    shown = client.post(f"/sources/{source_id}/schedule", data=WEEKLY | {"every": ""}, follow_redirects=True)

    assert "The schedule was removed." in words(shown)
    assert kept(importer, source_id) == (None, None)


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"at": "25:00"}, "at", "Give a time from 00:00 to 23:59"),
        ({"at": "12:00"} | NIGHT, "at", "which is not between 22:00 and 06:00"),
        (NIGHT | {"until": "22:00"}, "until", "begin and end at the same time"),
        (NIGHT | {"since": "late"}, "since", "Give a time from 00:00 to 23:59"),
        ({"every": "hourly"}, "every", "Not a valid choice"),
        ({"day": "31", "every": "monthly"}, "day", "Not a valid choice"),
    ],
)
def test_an_invalid_schedule_is_refused_at_its_field_and_changes_nothing(
    importer, client, source_id, typed, field, says
):
    page = client.post(f"/sources/{source_id}/schedule", data=WEEKLY | typed)

    assert page.status_code == 422
    assert says in words(page)
    assert f'id="{field}-error"'.encode() in page.data
    assert kept(importer, source_id) == (None, None)


def test_import_again_takes_the_settings_of_the_last_import(importer, client, source_id):
    assert client.post(f"/sources/{source_id}/import").location == "/jobs/2/"
    assert last_job(importer).options == {"files": True}
    with importer.app.app_context():
        lifecycle.stop(2)

    client.post(f"/sources/{source_id}/import", data={"full": "yes"})

    assert last_job(importer).options == {"files": True, "full": True}


def test_a_waiting_job_shows_its_next_start_and_can_be_stopped_or_resumed(importer, client, source_id):
    opens = datetime(2030, 1, 1, 21)
    with importer.app.app_context(), transaction():
        job_id = creation.add(db.session.get(Source, source_id), Kind.IMPORT, ImportOptions(), scheduled=True)
        values = {
            "state": "stopped",
            "resume_at": opens,
            "message": permitted_hours.waiting(opens, ZoneInfo("Europe/Berlin")),
        }
        db.session.execute(db.update(Job).where(Job.id == job_id).values(values))

    page = client.get(f"/jobs/{job_id}/")

    assert "Waiting until 22:00 Stop Resume" in words(page)
    assert "The job then continues automatically" in words(page)
    assert "Waiting until 22:00" in words(client.get("/jobs/"))
    client.post(f"/jobs/{job_id}/stop")
    assert (last_job(importer).state, last_job(importer).resume_at) == ("stopped", None)


def test_the_page_of_a_scheduled_job_says_that_it_was_scheduled(importer, client, source_id):
    client.post(f"/sources/{source_id}/schedule", data=WEEKLY)
    with importer.app.app_context():
        with transaction():
            db.session.execute(db.update(Source).values(due_at=utcnow()))
        (job_id,) = scheduling.start_due()

    assert "by schedule" in words(client.get(f"/jobs/{job_id}/"))
    assert "by schedule" in words(client.get("/jobs/"))
    assert "by schedule" not in words(client.get("/jobs/1/"))


def flask(importer, *args):
    """A command in this process: its exit code, stdout and stderr."""
    with importer.app.app_context():
        result = importer.app.test_cli_runner().invoke(args=args)
    return result.exit_code, result.stdout, result.stderr


def test_the_command_line_lists_sources_with_their_schedule_and_sets_it(importer, source_id):
    assert flask(importer, "sources")[1] == f"Source {source_id}, Collection c1 (repo.example.org): No schedule.\n"

    code, out, _ = flask(
        importer, "schedule", "1/c1", "--weekly", "Sunday", "--at", "23:30", "--between", "22:00-06:00"
    )

    schedule, due = kept(importer, source_id)
    assert (code, str(schedule)) == (0, "Weekly on Sunday at 23:30, only between 22:00 and 06:00")
    assert out.startswith(f"{schedule}. Next: 20") and out.endswith(" 23:30 (Europe/Berlin).\n")
    assert flask(importer, "schedule", "1/c1")[1] == out
    assert json.loads(flask(importer, "sources", "--json")[1]) == [
        {
            "source": source_id,
            "repository": "repo.example.org",
            "kind": "collection",
            "handle": "1/c1",
            "name": "Collection c1",
            "schedule": {
                "every": "weekly",
                "at": "23:30",
                "weekday": 6,
                "day": 1,
                "window": ["22:00", "06:00"],
                "owner": "local operator",
            },
            "due": f"{due.isoformat()}Z",
        }
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--daily"], "Daily at 02:00"),
        (["--monthly", "last", "--at", "4:05"], "Monthly on the last day at 04:05"),
        (["--monthly", "28"], "Monthly on day 28 at 02:00"),
    ],
)
def test_the_command_line_sets_weekly_and_monthly_schedules(importer, source_id, options, words):
    assert flask(importer, "schedule", str(source_id), *options)[1].startswith(f"{words}. Next: ")


def test_the_option_off_ends_the_schedule(importer, source_id):
    flask(importer, "schedule", "1/c1", "--daily")

    assert flask(importer, "schedule", "1/c1", "--off")[:2] == (0, "No schedule.\n")
    assert kept(importer, source_id) == (None, None)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["1/c9", "--daily"], "names no source"),
        (["1/c1", "--daily", "--off"], "Give one of"),
        (["1/c1", "--at", "03:00"], "Give one of"),
        (["1/c1", "--weekly", "Caturday"], "no day of the week"),
        (["1/c1", "--monthly", "31"], "1 to 28"),
        (["1/c1", "--monthly", "first"], "1 to 28"),
        (["1/c1", "--daily", "--at", "24:00"], "00:00 to 23:59"),
        (["1/c1", "--daily", "--between", "22:00"], "22:00-06:00"),
        (["1/c1", "--daily", "--at", "12:00", "--between", "22:00-06:00"], "not between 22:00 and 06:00"),
    ],
)
def test_an_invalid_schedule_command_prints_a_sentence_and_exits_with_2(importer, source_id, args, says):
    code, out, err = flask(importer, "schedule", *args)

    assert (code, out) == (2, "")
    assert says in err
    assert kept(importer, source_id) == (None, None)
