"""A process that is killed while it publishes leaves no item, file or item set twice. Its job continues."""

from __future__ import annotations

import shutil
import signal
from collections import Counter

import pytest

from connector.extensions import db
from connector.jobs import lifecycle
from connector.models.catalogue import CatalogueFile, CatalogueItem
from connector.models.publishing import FileMode, PublishedItem
from connector.publishing import withdrawal_jobs
from connector.publishing.job_kind import DELETE_PUBLISHED, MAKE_PRIVATE
from tests.command_line import CommandLine
from tests.conftest import app_at, let_go

from .conftest import added
from .steps import begin_long_ago, run_and_kill

SECRET_KEY = "a key for the processes of this test only"
PUBLISH = ("publish", "--source", "Harbour photographs", "--to", "Library")
MOMENTS = [("/api/items", 1), ("/api/items", 3), ("/api/media", 1), ("/api/media", 3), ("/api/item_sets", 1)]


@pytest.fixture
def instance(stock, tmp_path, omeka):
    """A catalogue with a destination that gets files."""
    folder = tmp_path / "stocked"
    shutil.copytree(stock, folder)
    app = app_at(folder, CONNECTOR_SECRET_KEY=SECRET_KEY)
    app.config["SECRET_KEY"] = SECRET_KEY
    with app.app_context():
        added(omeka, files=FileMode.UPLOAD)
    let_go(app)
    return folder


@pytest.fixture
def flask(instance):
    """The command line."""
    flask = CommandLine(instance)
    flask.environment["CONNECTOR_SECRET_KEY"] = SECRET_KEY
    return flask


def forget_time_of_requests(instance) -> None:
    """Have the next process not wait until the requests of the killed one must have ended."""
    app = app_at(instance)
    with app.app_context():
        begin_long_ago()
    let_go(app)


def with_method(method):
    return lambda request: request.method == method


def is_upload(request) -> bool:
    return request.mimetype == "multipart/form-data"


@pytest.mark.parametrize(("path", "number"), MOMENTS)
def test_a_process_killed_after_a_write_leaves_nothing_twice(instance, flask, omeka, path, number):

    def is_write(request) -> bool:
        return request.method == "POST" and request.path == path and (path != "/api/media" or is_upload(request))

    ended = run_and_kill(flask, omeka, is_write, *PUBLISH, number=number)
    forget_time_of_requests(instance)
    code, result = flask.json(*PUBLISH)

    assert (ended.returncode, code) == (-signal.SIGKILL, 0)
    assert result["added"] == result["expected"] == len(omeka.all_of("items"))
    identifiers = Counter(item["dcterms:identifier"][-1]["@value"] for item in omeka.all_of("items"))
    files = Counter((media["o:item"]["o:id"], media["o:sha256"]) for media in omeka.all_of("media"))
    assert (max(identifiers.values()), max(files.values()), len(omeka.all_of("item_sets"))) == (1, 1, 1)

    flask("undo", str(result["job"]))

    assert omeka.resources == {}


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_file_that_left_the_source_after_the_process_was_killed_is_deleted_by_an_undo(
    instance, flask, omeka, goes_on
):
    run_and_kill(flask, omeka, is_upload, *PUBLISH)
    job_id = stop_the_job_of_the_killed_process(instance)
    delete_files_of_the_catalogue(instance)
    uploaded = len(omeka.all_of("media"))

    if goes_on:
        result = flask.json("resume", str(job_id))[1]
        assert result["files_sent"] == uploaded > 0
    flask("undo", str(job_id))

    assert omeka.resources == {}


def delete_files_of_the_catalogue(instance) -> None:
    app = app_at(instance)
    with app.app_context():
        db.session.execute(db.delete(CatalogueFile))
        db.session.commit()
    let_go(app)


def stop_the_job_of_the_killed_process(instance) -> int:
    """Stop the job, so that commands can resume and undo it. Return its id."""
    app = app_at(instance)
    with app.app_context():
        begin_long_ago()
        [job_id] = lifecycle.recover()
        lifecycle.stop(job_id)
    let_go(app)
    return job_id


def test_an_item_set_whose_creation_was_not_answered_is_deleted_by_the_undo_of_its_job(instance, flask, omeka):
    def is_creation(request) -> bool:
        return request.method == "POST" and request.path == "/api/item_sets"

    run_and_kill(flask, omeka, is_creation, *PUBLISH)
    first = stop_the_job_of_the_killed_process(instance)

    _, second = flask.json(*PUBLISH)
    flask("undo", str(second["job"]))
    assert len(omeka.all_of("item_sets")) == 1
    flask("undo", str(first))

    assert omeka.resources == {}


@pytest.mark.parametrize(("method", "number"), [("DELETE", 1), ("DELETE", 5), ("PATCH", 1)])
def test_an_undo_that_was_killed_after_a_write_goes_on_and_leaves_nothing(instance, flask, omeka, method, number):
    _, created = flask.json(*PUBLISH)
    change_titles(instance)
    _, changed = flask.json(*PUBLISH)
    first = changed if method == "PATCH" else created

    ended = run_and_kill(flask, omeka, with_method(method), "undo", str(first["job"]), number=number)
    code, result = flask.json("resume", str(changed["job"] + 1))
    if method == "PATCH":
        flask("undo", str(created["job"]))

    assert (ended.returncode, code) == (-signal.SIGKILL, 0)
    done = {"PATCH": ("restored", 2), "DELETE": ("removed", created["added"])}[method]
    assert (changed["updated"], result[done[0]]) == (2, done[1])
    assert omeka.resources == {}


def change_titles(instance) -> None:
    """Change the titles of two items of the catalogue."""
    app = app_at(instance)
    with app.app_context():
        for item in db.session.scalars(db.select(CatalogueItem).order_by(CatalogueItem.id).limit(2)):
            item.mapped_values = item.mapped_values | {"dcterms:title": [{"value": "New", "language": None}]}
        db.session.commit()
    let_go(app)


def test_a_change_that_was_sent_before_the_process_was_killed_is_put_back_by_an_undo(instance, flask, omeka):
    flask.json(*PUBLISH)
    before = sorted(item["dcterms:title"][0]["@value"] for item in omeka.all_of("items"))
    change_titles(instance)
    run_and_kill(flask, omeka, with_method("PATCH"), *PUBLISH)
    _, result = flask.json(*PUBLISH)
    changed = sorted(item["dcterms:title"][0]["@value"] for item in omeka.all_of("items"))

    _, undone = flask.json("undo", str(result["job"]))

    assert (changed.count("New"), result["updated"], undone["restored"]) == (2, 2, 2)
    assert sorted(item["dcterms:title"][0]["@value"] for item in omeka.all_of("items")) == before


@pytest.mark.parametrize(("method", "kind"), [("PATCH", MAKE_PRIVATE), ("DELETE", DELETE_PUBLISHED)])
def test_a_withdrawal_that_was_killed_after_a_write_goes_on_and_counts_each_item_once(instance, omeka, method, kind):
    flask = CommandLine(instance)
    flask.environment["CONNECTOR_SECRET_KEY"] = SECRET_KEY
    _, created = flask.json(*PUBLISH)
    job_id = queue_withdrawal(instance, kind)
    stop(instance, job_id)

    ended = run_and_kill(flask, omeka, with_method(method), "resume", str(job_id), number=3)
    code, result = flask.json("resume", str(job_id))

    assert (ended.returncode, code) == (-signal.SIGKILL, 0)
    if kind is DELETE_PUBLISHED:
        assert (result["removed"], result["gone"], omeka.all_of("items")) == (created["added"], 0, [])
        return
    assert (result["updated"], result["unchanged"]) == (created["added"], 0)
    assert not any(item["o:is_public"] for item in omeka.all_of("items"))
    _, undone = flask.json("undo", str(job_id))
    assert undone["restored"] == created["added"]
    assert all(item["o:is_public"] for item in omeka.all_of("items"))


def queue_withdrawal(instance, kind) -> int:
    """Queue the withdrawal of all published items, and return the id of the job."""
    app = app_at(instance)
    with app.app_context():
        [job_id] = withdrawal_jobs.create(db.select(PublishedItem.item_id), 1, kind)
    let_go(app)
    return job_id


def stop(instance, job_id) -> None:
    """Stop a queued job, so that a command can resume it."""
    app = app_at(instance)
    with app.app_context():
        lifecycle.stop(job_id)
    let_go(app)
