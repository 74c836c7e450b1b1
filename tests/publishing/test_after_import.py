"""Publishing after an import, as its options ask for."""

from __future__ import annotations

import pytest

from connector.extensions import db
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing, scheduling
from connector.models.jobs import Job, State
from connector.models.repositories import Source
from connector.publishing import destinations, publish_jobs
from connector.tasks import carry_out
from tests.pages import words

from .conftest import added
from .steps import held, identifiers, job_of, source


@pytest.fixture
def app(stocked_app):
    with stocked_app.app_context():
        yield stocked_app


def publishing_jobs() -> list[Job]:
    db.session.expire_all()
    return list(db.session.scalars(db.select(Job).where(Job.kind == "publish").order_by(Job.id)))


def imported(library: int) -> Job:
    job_id = queueing.create(source("Odd metadata"), ImportOptions(publish_to=library))
    assert carry_out(job_id)
    return job_of(job_id)


def test_an_import_publishes_its_source_at_the_chosen_destination(library, omeka):
    job = imported(library)

    [publishing] = publishing_jobs()
    assert (job.state, f"Job {publishing.id} publishes the items." in job.message) == (State.COMPLETED, True)
    carry_out(publishing.id)
    assert len(identifiers(omeka)) == held()


def test_a_scheduled_import_publishes_too_and_its_job_counts_as_scheduled(library):
    imported(library)
    carry_out(publishing_jobs()[0].id)
    job_id = scheduling.import_again(source("Odd metadata"))
    db.session.execute(db.update(Job).where(Job.id == job_id).values(scheduled=True))
    db.session.commit()

    carry_out(job_id)

    assert [job.scheduled for job in publishing_jobs()] == [False, True]


def test_an_import_that_goes_on_after_a_crash_has_one_publishing_job(library):
    job_id = queueing.create(source("Odd metadata"), ImportOptions(publish_to=library))

    made = {publish_jobs.create_with(job_id, library) for _ in range(2)}

    assert made == {job.id for job in publishing_jobs()}


def test_an_import_says_that_the_destination_was_removed(library):
    destinations.remove(library)

    job = imported(library)

    assert (job.state, job.clean, publishing_jobs()) == (State.COMPLETED, False, [])
    assert "the destination was removed" in job.message


def test_the_import_options_offer_destinations_only_where_there_are_any(app, omeka):
    repository = db.session.get_one(Source, source("Odd metadata")).repository_id
    client = app.test_client()

    without = words(client.get(f"/repositories/{repository}/"))
    added(omeka)

    assert "Also publish to" not in without
    assert "Also publish to" in words(client.get(f"/repositories/{repository}/"))


def test_an_import_keeps_the_chosen_destination_for_the_next_one(app, library):
    known = db.session.get_one(Source, source("Odd metadata"))
    scope, repository_id = f"{known.kind}:{known.scope_key}", known.repository_id
    client = app.test_client()

    answer = client.post(
        f"/repositories/{repository_id}/", data={"scope": scope, "item_set": "", "publish_to": str(library)}
    )
    wrong = client.post(f"/repositories/{repository_id}/", data={"scope": scope, "item_set": "", "publish_to": "99"})

    assert (answer.status_code, wrong.status_code) == (303, 422)
    db.session.expire_all()
    assert db.session.get_one(Source, known.id).options["publish_to"] == library
    assert "Also publish to Library" in words(client.get(f"/sources/{known.id}/")).replace(": ", " ")
