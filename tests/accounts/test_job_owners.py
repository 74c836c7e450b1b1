"""Editors stop, resume, retry and undo only their own jobs, administrators all jobs. The audit trail records it."""

from __future__ import annotations

from datetime import time

import pytest

from connector.accounts import audit
from connector.actor import LOCAL
from connector.catalogue import takedown
from connector.dspace.records import ScopeKind
from connector.extensions import db, transaction, utcnow
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing, scheduling
from connector.jobs import creation, lifecycle
from connector.jobs.schedule import Every, Schedule
from connector.models.accounts import Role
from connector.models.catalogue import CatalogueItem, Exclusion
from connector.models.jobs import Job, Kind, State
from connector.models.repositories import Source
from connector.repositories import discovery, service
from tests import signed_in
from tests.pages import words

WEEKLY = {"every": "weekly", "weekday": "6", "day": "1", "at": "23:30"}
ACTS = ["stop", "resume", "answer", "retry", "undo"]


@pytest.fixture
def source(office, sample):
    """A source, by number, of a repository that was connected to on the command line."""
    with office.app.app_context():
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        scope = discovery.find(repository_id, ScopeKind.COLLECTION, sample.data.named("Harbour photographs").handle)
        return service.source_for(repository_id, scope.scope)


def job_of(office, source: int, owner: str, state: State = State.QUEUED) -> int:
    with office.app.app_context(), transaction():
        job_id = creation.add(db.session.get_one(Source, source), Kind.IMPORT, ImportOptions(), owner=owner)
        db.session.get_one(Job, job_id).state = state.value
        return job_id


def test_a_job_belongs_to_the_user_who_started_it(office, source):
    office.add("Anna", Role.EDITOR)
    anna = office.enter("Anna")

    answer = anna.post(f"/sources/{source}/import")

    assert "· Anna · from" in words(anna.get(answer.location))
    assert "Anna" in words(anna.get("/jobs/")).split("Owner", 1)[1]
    assert ("Anna", "import", "Harbour photographs") in office.trail()


@pytest.mark.parametrize("act", ACTS)
def test_an_editor_cannot_change_the_job_of_another_user(office, source, act):
    office.add("Anna", Role.EDITOR)
    job_id = job_of(office, source, "Bert", State.FAILED)

    answer = office.enter("Anna").post(f"/jobs/{job_id}/{act}")

    assert answer.status_code == 403
    assert "This job is Bert's" in words(answer)
    with office.app.app_context():
        assert db.session.scalars(db.select(Job.state)).all() == [State.FAILED]


@pytest.mark.parametrize(("name", "role"), [("Bert", Role.EDITOR), ("Anna", Role.ADMIN)])
def test_the_owner_and_admins_can_change_a_job(office, source, name, role):
    office.add(name, role)
    browser = office.enter(name)
    job_id = job_of(office, source, "Bert")

    stopped = browser.post(f"/jobs/{job_id}/stop")
    undo_page = browser.get(f"/jobs/{job_id}/undo")

    assert (stopped.status_code, undo_page.status_code) == (303, 200)
    assert (name, "stop", f"job {job_id}") in office.trail()


def test_an_owner_who_became_a_viewer_cannot_change_the_job(office, source):
    office.add("Bert", Role.VIEWER)
    job_id = job_of(office, source, "Bert")

    assert office.enter("Bert").post(f"/jobs/{job_id}/stop").status_code == 403


def test_ticking_the_job_of_another_user_does_not_undo_it(office, source):
    office.add("Anna", Role.EDITOR)
    job_id = job_of(office, source, "Bert", State.COMPLETED)

    anna = office.enter("Anna")
    assert anna.post("/jobs/", data={"undo": job_id}).status_code == 403
    anna.post("/jobs/", data={"undo": job_id, "confirmed": "yes"})

    assert f"Job {job_id} was not undone: This job is Bert's" in words(anna.get("/jobs/"))
    with office.app.app_context():
        assert len(db.session.scalars(db.select(Job)).all()) == 1


@pytest.mark.parametrize(
    ("role", "shown"),
    [(Role.VIEWER, []), (Role.EDITOR, ["Re-run"]), (Role.ADMIN, ["Re-run", "Undo"])],
)
def test_buttons_without_permission_are_not_shown(office, source, role, shown):
    office.add("Anna", role)
    browser = office.enter("Anna")
    job_id = job_of(office, source, "Bert", State.COMPLETED)

    page, row = words(browser.get(f"/jobs/{job_id}/live")), browser.get(f"/jobs/{job_id}/row").get_data(as_text=True)

    assert [button for button in ("Re-run", "Undo") if button in page] == shown
    ticks = [words.replace("-", "").lower() for words in shown]
    assert [name for name in ("rerun", "undo") if f'name="{name}"' in row] == ticks


def test_only_owner_or_admin_can_remove_preview_rows_and_the_removal_is_recorded(office, source):
    office.add("Anna", Role.EDITOR)
    office.add("Bert", Role.EDITOR)
    job_id = job_of(office, source, "Bert", State.COMPLETED)
    with office.app.app_context(), transaction():
        db.session.get_one(Job, job_id).kind = Kind.PREVIEW.value
    anna, bert = office.enter("Anna"), office.enter("Bert")

    assert anna.post(f"/jobs/{job_id}/done").status_code == 403
    assert [f"/jobs/{job_id}/done" in one.get(f"/jobs/{job_id}/preview/").text for one in (anna, bert)] == [False, True]
    assert bert.post(f"/jobs/{job_id}/done").status_code == 303
    assert ("Bert", "remove what was found", f"job {job_id}") in office.trail()


def schedule_of(office, source: int) -> dict | None:
    with office.app.app_context():
        return db.session.get_one(Source, source).schedule


def test_only_the_first_importer_the_owner_of_the_schedule_or_an_admin_sets_it(office, source):
    for name, role in (("Anna", Role.EDITOR), ("Bert", Role.EDITOR), ("Cleo", Role.ADMIN)):
        office.add(name, role)
    anna, bert, cleo = (office.enter(name) for name in ("Anna", "Bert", "Cleo"))
    page = f"/sources/{source}/"
    assert bert.post(page + "schedule", data=WEEKLY).status_code == 403  # nobody has imported it yet

    job_of(office, source, "Bert", State.COMPLETED)
    assert anna.post(page + "schedule", data=WEEKLY).status_code == 403
    assert [page + "schedule" in one.get(page).text for one in (anna, bert, cleo)] == [False, True, True]
    assert bert.post(page + "schedule", data=WEEKLY).status_code == 303
    assert "Set by Bert" in words(anna.get(page))

    refused = anna.post(page + "schedule", data=WEEKLY | {"every": ""})
    assert "Only the owner of the first import of Harbour photographs" in words(refused)
    assert schedule_of(office, source)["owner"] == "Bert"
    assert bert.post(page + "schedule", data=WEEKLY | {"every": ""}).status_code == 303
    assert schedule_of(office, source) is None
    assert cleo.post(page + "schedule", data=WEEKLY).status_code == 303
    assert bert.post(page + "schedule", data=WEEKLY).status_code == 303


def test_a_rerun_gives_no_right_to_set_the_schedule(office, source):
    for name in ("Anna", "Bert"):
        office.add(name, Role.EDITOR)
    anna, bert = (office.enter(name) for name in ("Anna", "Bert"))
    page = f"/sources/{source}/"
    job_of(office, source, "Anna", State.COMPLETED)

    assert bert.post(page + "import").status_code == 303

    assert bert.post(page + "schedule", data=WEEKLY).status_code == 403
    assert page + "schedule" not in bert.get(page).text
    assert anna.post(page + "schedule", data=WEEKLY).status_code == 303


def test_the_owner_of_a_schedule_can_change_it(office, source):
    for name in ("Anna", "Bert"):
        office.add(name, Role.EDITOR)
    job_of(office, source, "Anna", State.COMPLETED)
    with office.app.app_context(), transaction():
        schedule = Schedule(Every.WEEK, time(23, 30), weekday=6, owner="Bert")
        db.session.get_one(Source, source).schedule = schedule.to_json()

    assert office.enter("Bert").post(f"/sources/{source}/schedule", data=WEEKLY).status_code == 303


def test_a_scheduled_import_belongs_to_the_user_who_set_the_schedule(office, source):
    office.add("Anna", Role.EDITOR)
    office.add("Bert", Role.EDITOR)
    job_of(office, source, "Anna", State.COMPLETED)
    anna = office.enter("Anna")
    anna.post(f"/sources/{source}/schedule", data=WEEKLY)
    job_of(office, source, "Bert", State.COMPLETED)
    with office.app.app_context():
        with transaction():
            db.session.execute(db.update(Source).values(due_at=utcnow()))
        (job_id,) = scheduling.start_due()
        assert lifecycle.get(job_id).owner == "Anna"

    assert office.enter("Bert").post(f"/jobs/{job_id}/stop").status_code == 403
    assert anna.post(f"/jobs/{job_id}/stop").status_code == 303


def test_only_an_admin_can_remove_missing_items(office):
    office.add("Anna", Role.EDITOR)
    anna = office.enter("Anna")

    assert anna.post("/missing/", data={"do": "hide", "every": "yes"}).status_code == 303
    assert anna.post("/missing/", data={"do": "remove", "every": "yes"}).status_code == 403
    assert [entry[:2] for entry in office.trail()][-2:] == [("Anna", "hide"), ("Anna", "refused")]


def command(office, *args):
    with office.app.app_context():
        told = office.app.test_cli_runner().invoke(args=args)
    return told.exit_code, told.stderr


@pytest.mark.parametrize("act", ["undo", "retry"])
def test_a_command_for_an_editor_cannot_undo_the_job_of_another_user(office, source, act):
    office.add("Anna", Role.EDITOR)
    job_id = job_of(office, source, "Bert", State.FAILED)

    told = command(office, act, str(job_id), "--as", "Anna")

    assert told == (2, "Error: This job is Bert's: only they or an administrator may change it.\n")
    with office.app.app_context():
        assert db.session.scalars(db.select(Job.state)).all() == [State.FAILED]
    assert "undo" not in [what for _, what, _ in office.trail()]


@pytest.mark.parametrize(("name", "role"), [("Bert", Role.EDITOR), ("Anna", Role.ADMIN), (None, None)])
def test_commands_for_the_owner_an_admin_or_the_operator_undo_the_job(office, source, name, role):
    if name:
        office.add(name, role)
    job_id = job_of(office, source, "Bert", State.COMPLETED)

    assert command(office, "undo", str(job_id), *(["--as", name] if name else []))[0] == 0
    assert (name or "local operator", "undo", "Harbour photographs") in office.trail()


def test_an_editor_can_rerun_the_job_of_another_user(office, source):
    office.add("Anna", Role.EDITOR)
    job_id = job_of(office, source, "Bert", State.COMPLETED)

    assert command(office, "rerun", str(job_id), "--as", "Anna")[0] == 0
    assert ("Anna", "import", "Harbour photographs") in office.trail()


@pytest.mark.parametrize(
    "options", [("1/7", "--reason", "Asked", "--also-unknown"), ("--list-excluded",), ("--allow", "1/7")]
)
def test_a_takedown_for_an_editor_is_refused_on_the_command_line_as_on_the_pages(office, source, options):
    office.add("Anna", Role.EDITOR)
    with office.app.app_context():
        repository_id = str(db.session.get_one(Source, source).repository_id)
    page = office.enter("Anna").get("/takedown/")

    code, told = command(office, "takedown", repository_id, *options, "--as", "Anna")

    sentence = "Only admins may do this. Ask an administrator."
    assert (code, told) == (2, f"Error: {sentence}\n")
    assert (page.status_code, sentence in words(page)) == (403, True)
    with office.app.app_context():
        assert db.session.scalars(db.select(Exclusion)).all() == []


def test_a_takedown_command_for_an_admin_is_recorded_for_the_admin(office, source):
    office.add("Anna", Role.ADMIN)
    with office.app.app_context():
        repository_id = str(db.session.get_one(Source, source).repository_id)

    asked = ("takedown", repository_id, "1/7", "--reason", "Asked", "--also-unknown", "--as", "anna")

    assert command(office, *asked)[0] == 0
    with office.app.app_context():
        assert db.session.scalars(db.select(Exclusion.owner)).all() == ["Anna"]


def test_a_repository_with_a_login_is_moved_by_a_command_for_an_admin_only(office, source, sample):
    office.add("Anna", Role.EDITOR)
    with office.app.app_context(), transaction():
        repository = db.session.get_one(Source, source).repository
        repository.login_name = "harvester"
        number = str(repository.id)
    asked = ("import", sample.url, "--all", "--estimate", "--same-as", number)

    code, told = command(office, *asked, "--as", "Anna")

    assert (code, "Only admins may do this." in told) == (2, True)


def test_jobs_of_the_command_line_belong_to_the_local_operator(office, source):
    with office.app.app_context():
        job_id = queueing.create(source, ImportOptions())
        lifecycle.stop(job_id)

        assert lifecycle.get(job_id).owner == LOCAL
    assert [entry[:2] for entry in office.trail()] == [
        ("local operator", "connect"),
        ("local operator", "import"),
        ("local operator", "stop"),
    ]


def test_a_takedown_is_recorded_with_its_reason_and_items(office, source):
    with office.app.app_context():
        repository_id = db.session.get_one(Source, source).repository_id
        takedown.take_down(repository_id, takedown.Named((), ("123456789/77",)), "Asked by the author", True)
        entry = db.session.scalar(audit.entries(what="takedown"))

        assert (entry.who, entry.about) == ("local operator", "Asked by the author")
        assert entry.data == {"repository": repository_id, "not_held": ["123456789/77"]}


def test_an_exclusion_names_the_user_who_took_the_item_down(stocked_app, stocked_client):
    with stocked_app.app_context():
        item = db.session.scalar(db.select(CatalogueItem))
        form = {"repository": item.repository_id, "names": item.source_key, "reason": "Asked by the author"}
        key = item.source_key

    stocked_client.post("/takedown/", data=form | {"confirmed": "yes"})

    with stocked_app.app_context():
        assert db.session.scalars(db.select(Exclusion.owner)).all() == [signed_in.NAME]
        assert db.session.scalar(audit.entries(what="takedown")).data["items"] == [key]
