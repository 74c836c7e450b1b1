"""Publishing while an import runs: items follow page by page, and neither job disturbs the other."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import parse_qsl, urlsplit

import pytest

from connector.dspace.records import ScopeKind
from connector.extensions import db, transaction
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import lifecycle
from connector.jobs.attempt import stop_here
from connector.models.catalogue import CatalogueFile, CatalogueItem
from connector.models.jobs import Job, State
from connector.models.publishing import FileMode, PublishedItem
from connector.publishing import publish_jobs, publisher
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.command_line import CommandLine
from tests.pages import words
from tests.sample import grow
from tests.waiting import until

from .conftest import added
from .steps import begin_long_ago, identifiers

SECRET_KEY = "a key for the processes of this test only"
ITEMS = 120  # a page, and some more


@pytest.fixture
def app(app):
    app.config["SECRET_KEY"] = SECRET_KEY
    with app.app_context():
        yield app


@pytest.fixture
def library(app, omeka) -> int:
    return added(omeka, files=FileMode.UPLOAD)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(publisher, "IMPORT_SECONDS", 0.05)


def queued_import(sample, library: int, **options) -> int:
    """Queue the import of a large collection. Its last items are not given before the faults are cleared."""
    home = grow(sample.data, ITEMS, files=1 if options.get("files") else 0)
    repository_id = discovery.connect(sample.url, "rest", None).repository_id
    scope = discovery.find(repository_id, ScopeKind.COLLECTION, home.handle).scope
    job_id = queueing.create(service.source_for(repository_id, scope), ImportOptions(publish_to=library, **options))

    def is_late(target: str) -> bool:
        asked = dict(parse_qsl(urlsplit(target).query))
        return int(asked.get("page", 0)) * int(asked.get("size", 0)) >= 100

    sample.faults.add(is_late, times=None, hang=True)
    return job_id


def job_of(job_id: int) -> Job:
    db.session.rollback()
    return lifecycle.get(job_id)


def publishing_jobs(job_id: int) -> list[Job]:
    db.session.rollback()  # otherwise SQLite shows what was there before
    return list(publish_jobs.of_import(lifecycle.get(job_id)))


@contextmanager
def in_thread(app, job_id: int) -> Iterator[None]:
    """Work on a job in a thread. Stop the job if the block fails."""

    def work() -> None:
        with app.app_context():
            carry_out(job_id)
            db.session.remove()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    except BaseException:
        stop_here(job_id)
        raise
    finally:
        thread.join()


@contextmanager
def both_at_work(app, omeka, job_id: int) -> Iterator[int]:
    """Run an import and its publishing job until items stand at the site. Yield the id of the publishing job."""
    with in_thread(app, job_id):
        until(lambda: bool(publishing_jobs(job_id)))
        publishing = publishing_jobs(job_id)[0].id
        with in_thread(app, publishing):
            until(lambda: job_of(publishing).counts["added"] > 0)
            yield publishing


def assert_all_published(omeka, job_id: int) -> None:
    job = job_of(job_id)
    assert (job.state, job.counts["added"]) == (State.COMPLETED, ITEMS)
    jobs = publishing_jobs(job_id)
    assert {one.state for one in jobs} == {State.COMPLETED}
    assert sum(one.counts["added"] for one in jobs) == ITEMS
    assert len(set(identifiers(omeka))) == len(identifiers(omeka)) == ITEMS


def test_items_are_published_while_the_import_still_reads(app, sample, omeka, library):
    job_id = queued_import(sample, library)

    with both_at_work(app, omeka, job_id) as publishing:
        assert job_of(job_id).state == State.RUNNING
        sample.faults.clear()

    assert_all_published(omeka, job_id)
    job = job_of(publishing)
    assert (job.counts["seen"], job.counts["unchanged"], job.expected, job.clean) == (ITEMS, 0, ITEMS, True)
    assert f"Job {publishing} publishes the items." in job_of(job_id).message


def test_items_wait_for_their_files(app, sample, omeka, library):
    job_id = queued_import(sample, library, files=True)
    held = sample.faults.add("/content", times=None, hang=True)

    with in_thread(app, job_id):
        until(lambda: bool(publishing_jobs(job_id)) and job_of(job_id).counts["seen"] > 0)
        [publishing] = publishing_jobs(job_id)
        with in_thread(app, publishing.id):
            until(lambda: "Waiting for the next items" in job_of(publishing.id).status_text)
            assert not omeka.all_of("items")
            sample.faults.clear()

    assert held.over.is_set()
    assert_all_published(omeka, job_id)
    stored = db.session.scalars(db.select(CatalogueFile.sha256).where(CatalogueFile.sha256.is_not(None))).all()
    assert sorted(raw["o:sha256"] for raw in omeka.all_of("media")) == sorted(stored)
    assert job_of(publishing.id).counts["files_sent"] == ITEMS


def test_an_import_that_begins_again_starts_no_second_job_beside_one_that_has_sent_nothing_yet(
    app, sample, omeka, library
):
    job_id = queued_import(sample, library, files=True)
    sample.faults.add("/content", times=None, hang=True)

    with in_thread(app, job_id):
        until(lambda: bool(publishing_jobs(job_id)) and job_of(job_id).counts["seen"] > 0)
        [publishing] = publishing_jobs(job_id)
        with in_thread(app, publishing.id):
            until(lambda: "Waiting for the next items" in job_of(publishing.id).status_text)
            assert publish_jobs.create_with(job_id, library) == publishing.id
            sample.faults.clear()

    assert_all_published(omeka, job_id)


def test_the_finished_items_of_a_stopped_import_are_published_and_the_rest_after_it_goes_on(
    app, sample, omeka, library
):
    job_id = queued_import(sample, library)
    with both_at_work(app, omeka, job_id) as publishing:
        lifecycle.stop(job_id)

    stopped, first = job_of(job_id), job_of(publishing)
    assert (stopped.state, first.state) == (State.STOPPED, State.COMPLETED)
    assert first.counts["added"] == stopped.counts["added"] == len(omeka.all_of("items")) < ITEMS
    assert f"Import job {job_id} has not completed." in first.message

    sample.faults.clear()
    lifecycle.resume(job_id)
    assert carry_out(job_id)
    [_, second] = publishing_jobs(job_id)
    assert carry_out(second.id)

    assert_all_published(omeka, job_id)


def test_an_item_that_changes_again_during_the_import_is_sent_again_and_counts_once(app, sample, omeka, library):
    job_id = queued_import(sample, library)

    with both_at_work(app, omeka, job_id) as publishing:
        with transaction():
            first = db.session.scalars(db.select(PublishedItem.item_id).limit(1)).one()
            db.session.execute(db.update(CatalogueItem).where(CatalogueItem.id == first).values(is_hidden=True))
        sample.faults.clear()

    assert_all_published(omeka, job_id)
    assert [raw["o:is_public"] for raw in omeka.all_of("items")].count(False) == 1
    counts = job_of(publishing).counts
    assert (counts["seen"], counts["added"], counts["updated"]) == (ITEMS, ITEMS, 0)


def test_an_unreachable_site_does_not_touch_the_import(app, sample, omeka, library):
    job_id = queued_import(sample, library)
    sample.faults.clear()
    omeka.__exit__()
    try:
        with in_thread(app, job_id):
            until(lambda: bool(publishing_jobs(job_id)))
            [publishing] = publishing_jobs(job_id)
            with in_thread(app, publishing.id):
                until(lambda: not job_of(job_id).is_active)
                waits = job_of(publishing.id).is_active
                lifecycle.stop(publishing.id)
    finally:
        omeka.__enter__()

    imported = job_of(job_id)
    assert (imported.state, imported.clean, imported.counts["added"]) == (State.COMPLETED, True, ITEMS)
    assert waits


def test_a_publishing_job_leaves_the_worker_to_its_import_while_both_are_queued(app, sample, omeka, library):
    job_id = queued_import(sample, library)
    publishing = publish_jobs.create_with(job_id, library)

    assert not carry_out(publishing)

    assert (job_of(publishing).state, job_of(publishing).attempt) == (State.QUEUED, 0)


def test_a_publishing_job_returns_to_the_queue_when_its_import_does(app, sample, omeka, library):
    job_id = queued_import(sample, library)
    with both_at_work(app, omeka, job_id) as publishing:
        # as after the end of the worker of the import
        with transaction():
            db.session.execute(db.update(Job).where(Job.id == job_id).values(state=State.QUEUED.value))
        until(lambda: job_of(publishing).state == State.QUEUED)

    sample.faults.clear()
    assert carry_out(job_id)
    assert carry_out(publishing)
    assert_all_published(omeka, job_id)


@pytest.mark.parametrize("workers", [(1,), (2,), (1, 1)], ids=["one thread", "two threads", "two processes"])
def test_workers_of_any_number_end_both_jobs(app, tmp_path, sample, omeka, library, workers):
    job_id = queued_import(sample, library)
    sample.faults.clear()

    with ExitStack() as running:
        for threads in workers:
            running.enter_context(worker(tmp_path, threads))
        until(lambda: bool(jobs := publishing_jobs(job_id)) and not jobs[0].is_active)

    assert_all_published(omeka, job_id)


def test_a_killed_worker_leaves_nothing_twice_and_both_jobs_go_on(app, tmp_path, sample, omeka, library):
    job_id = queued_import(sample, library)
    with worker(tmp_path, 2) as process:
        until(lambda: len(omeka.all_of("items")) > 20)
        process.send_signal(signal.SIGKILL)
    sample.faults.clear()
    begin_long_ago()

    with worker(tmp_path, 2):
        until(lambda: not publishing_jobs(job_id)[-1].is_active)

    assert_all_published(omeka, job_id)


@contextmanager
def worker(tmp_path, threads: int) -> Iterator:
    settings = {"CONNECTOR_SECRET_KEY": SECRET_KEY, "CONNECTOR_MAX_OUTAGE_SECONDS": "600"}
    process = CommandLine(tmp_path / "instance").start("worker", "--threads", str(threads), **settings)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def test_the_pages_of_both_jobs_link_to_each_other(app, sample, library):
    job_id = queued_import(sample, library)
    publishing = publish_jobs.create_with(job_id, library)
    client = app.test_client()

    first, second = client.get(f"/jobs/{job_id}/"), client.get(f"/jobs/{publishing}/")

    assert f"Publishing Job {publishing} , queued" in words(first)
    assert f"Import Job {job_id}" in words(second)
    assert f'href="/jobs/{publishing}/"' in first.text
    assert f'href="/jobs/{job_id}/"' in second.text
