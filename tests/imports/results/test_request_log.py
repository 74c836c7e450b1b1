"""The request log of a job lists requests, failures and the reactions of the app in plain words."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

from connector.dspace.records import ScopeKind
from connector.extensions import db, transaction
from connector.imports.import_options import ImportOptions
from connector.imports.results import request_log
from connector.imports.results.missing_questions import Answer
from connector.imports.start import queueing
from connector.jobs import lifecycle
from connector.models.jobs import Job
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.faults.clock import SkippingClock
from tests.faults.world import pauses_skipped

from ..steps import set_counts


def imported(app, sample) -> int:
    """An import of the Gazette; gives the id of its job."""
    with app.app_context():
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        found = discovery.find(repository_id, ScopeKind.COLLECTION, sample.data.named("Aldermouth Gazette").handle)
        job_id = queueing.create(service.source_for(repository_id, found.scope), ImportOptions())
        assert carry_out(job_id)
        return job_id


def told(app, job_id: int, contact: str = "") -> str:
    with app.app_context():
        text = request_log.text(lifecycle.get(job_id), contact)
        db.session.rollback()
        return text


def test_the_request_log_of_a_good_import_lists_requests_and_says_that_all_were_answered(app, sample):
    job_id = imported(app, sample)

    text = told(app, job_id, "library@example.org")

    assert f"job {job_id}" in text
    assert sample.url in text
    assert "DSpace-Connector 0.1.0, library@example.org" in text
    with app.app_context():
        requests = lifecycle.get(job_id).counts["requests"]
    assert f"Requests: {requests}, including those for connecting. Received: " in text
    assert "on average," in text
    assert "The repository answered all requests." in text
    assert "45 items: 45 added" in text


def test_a_job_without_requests_does_not_say_that_all_were_answered(app, importer, dspace):
    dspace.add("a")
    undo = importer.undo(importer.run().id)

    text = told(app, undo.id)

    assert "No requests were sent to the repository." in text
    assert "The repository answered all requests." not in text


def test_the_request_log_counts_bad_responses_by_kind_with_our_reaction(app, sample):
    sample.faults.add(lambda path: "dsoType=item" in path, times=2, status=503)

    with pauses_skipped(SkippingClock()):
        text = told(app, imported(app, sample))

    assert "- status 503: 2 times" in text
    assert "The app waited 2 times" in text


def test_the_request_log_shows_received_bytes_in_readable_units(app, importer, dspace):
    dspace.traffic.add(requests=1, bytes=1000)
    dspace.add("a")
    job = importer.run()
    with app.app_context():
        text = request_log.text(lifecycle.get(job.id), "")
        db.session.rollback()

    assert f"Requests: {job.counts['requests']}, including those for connecting. Received: 1.0 kB." in text


def test_the_request_log_uses_the_configured_time_zone(app, importer, dspace):
    app.config["TIMEZONE"] = ZoneInfo("Asia/Tokyo")
    dspace.add("a")
    job = importer.run()

    begun = job.started_at.replace(tzinfo=UTC).astimezone(ZoneInfo("Asia/Tokyo"))

    assert f"Started: {begun:%Y-%m-%d %H:%M:%S} JST" in told(app, job.id)


def test_the_request_log_says_that_a_job_only_connected(app, importer, dspace):
    dspace.add("a")
    job = importer.run()
    with app.app_context():
        db.session.execute(db.update(Job).values(traffic=None))
        db.session.commit()
    set_counts(importer, job.id, requests=1234)

    assert "Requests: 1,234, including those for connecting.\n" in told(app, job.id)


def test_the_page_offers_the_request_log_as_a_text_file(app, client, sample):
    job_id = imported(app, sample)

    answer = client.get(f"/jobs/{job_id}/request-log.txt")

    assert answer.mimetype == "text/plain"
    assert f'filename="request-log-of-job-{job_id}.txt"' in answer.headers["Content-Disposition"]
    assert f"/jobs/{job_id}/request-log.txt" in client.get(f"/jobs/{job_id}/").text


def test_the_request_log_contains_the_question_and_its_answer(importer, dspace):
    for number in range(4):
        dspace.add(f"i{number}")
    importer.run()
    importer.app.config["MAX_MISSING_PERCENT"] = 20
    dspace.items.clear()
    asking = importer.run()
    before = told(importer.app, asking.id)
    importer.resume(asking.id, Answer.LEAVE)

    assert "did not show 4 of the 4 items that are held" in before
    assert "There is no answer yet." in before
    assert "The answer: no, leave them as they are." in told(importer.app, asking.id)


def test_a_settled_question_about_empty_lists_is_not_called_unanswered(app, sample):
    job_id = imported(app, sample)
    with app.app_context(), transaction():
        question = {"unseen": 30, "held": 30, "unlisted": True, "settled_by": job_id + 1}
        db.session.get_one(Job, job_id).question = question

    text = told(app, job_id)

    assert "asked whether that is right. A later job has settled this." in text
