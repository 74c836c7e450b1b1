"""Viewers see no content that a login at the source brought, on any page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from connector.accounts import passwords
from connector.catalogue import problem_files, thumbnails
from connector.catalogue.export import as_csv
from connector.catalogue.search import Selection
from connector.dspace.records import SourceState
from connector.extensions import db, transaction
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import counters, lifecycle, notifications, report
from connector.models.accounts import Role
from connector.models.catalogue import CatalogueFile, CatalogueItem, FileStatus, Holding, Membership
from connector.models.changes import Action, Change
from connector.models.jobs import Job, Kind, State, WaitReason, wait_columns
from tests.pages import words

from .conftest import QUICK, Office


@dataclass
class Closed:
    """An item of the stocked catalogue that is restricted, and an open one with a restricted picture, gone there."""

    item: int
    title: str
    file: int
    item_set: int
    picture: int
    owner: int


@pytest.fixture
def office(stocked_app, monkeypatch) -> Office:
    monkeypatch.setattr(passwords, "_hasher", QUICK)
    office = Office(stocked_app)
    office.add("vera")
    office.add("ed", Role.EDITOR)
    yield office


@pytest.fixture
def restricted_files(office) -> Closed:
    with office.app.app_context(), transaction():
        pictures = select(CatalogueFile).where(
            CatalogueFile.status == FileStatus.STORED, CatalogueFile.media_type == "image/png"
        )
        first, second = db.session.scalars(pictures.order_by(CatalogueFile.item_id.desc()).limit(2))
        assert first.item_id != second.item_id
        item, second.content_is_restricted = first.item, True
        item.is_restricted, item.source_state = True, SourceState.DELETED.value
        item.title = "The closed letters"
        item_set = db.session.scalar(select(Membership.item_set_id).where(Membership.item_id == item.id))
        return Closed(item.id, item.title, first.id, item_set, second.id, second.item_id)


def pages(restricted_files: Closed) -> list[str]:
    return [
        "/items/",
        f"/item-sets/{restricted_files.item_set}/",
        "/missing/",
        f"/items/?item_set={restricted_files.item_set}",
    ]


def shown(browser: FlaskClient, path: str) -> str:
    return browser.get(path, buffered=True).get_data(as_text=True)


def test_no_list_shows_restricted_items_to_a_viewer(office, restricted_files):
    viewer = office.enter("vera")

    assert [path for path in pages(restricted_files) if restricted_files.title in shown(viewer, path)] == []


def test_only_editors_can_tick_missing_items(office, restricted_files):
    with office.app.app_context(), transaction():
        db.session.get(CatalogueItem, restricted_files.owner).source_state = SourceState.DELETED.value
    pages = [shown(office.enter(name), "/missing/") for name in ("vera", "ed")]

    assert [f"/items/{restricted_files.owner}/" in page for page in pages] == [True, True]
    assert ["checkbox" in page for page in pages] == [False, True]


def test_all_lists_show_restricted_items_to_an_editor(office, restricted_files):
    editor = office.enter("ed")

    assert [path for path in pages(restricted_files) if restricted_files.title not in shown(editor, path)] == []


def test_the_count_of_an_item_set_includes_only_visible_items(office, restricted_files):
    viewer, editor = words(office.enter("vera").get("/item-sets/")), words(office.enter("ed").get("/item-sets/"))

    assert viewer != editor


@pytest.mark.parametrize("path", ["/items/{item}/", "/files/{file}/name", "/files/{picture}/name"])
def test_a_restricted_item_and_file_are_refused_to_a_viewer_with_a_sentence_and_open_to_an_editor(
    office, restricted_files, path
):
    path = path.format(**vars(restricted_files))
    refused = office.enter("vera").get(path)

    assert refused.status_code == 403
    assert "restricted at source" in words(refused)
    assert office.enter("ed").get(path, buffered=True).status_code == 200


def test_a_viewer_sees_the_name_of_a_restricted_picture_without_a_link_or_thumbnail(office, restricted_files):
    with office.app.app_context():
        thumbnails.make_due()
    addresses = [f"/{place}/{restricted_files.picture}" for place in ("viewer", "thumbnails")]
    viewer, editor = office.enter("vera"), office.enter("ed")
    item, items = f"/items/{restricted_files.owner}/", "/items/?size=100"

    assert [address in shown(viewer, item) for address in addresses] == [False, False]
    assert [address in shown(viewer, items) for address in addresses] == [False, False]
    assert [address in shown(editor, item) for address in addresses] == [True, True]
    assert [address in shown(editor, items) for address in addresses] == [False, True]


@pytest.mark.parametrize("login", ["somebody@example.org", False, None])
def test_viewers_do_not_see_problems_of_a_job_with_login(office, login):
    """False: some attempts at it were signed in, and others not."""
    with office.app.app_context(), transaction():
        job = db.session.get(Job, 1)
        job.cursor = {"login": login}
        change = {"job_id": 1, "action": Action.FAILED.value, "source_key": "1/9", "title": "The sealed will"}
        db.session.add(Change(**change, reason="It could not be read."))
    viewer, editor = office.enter("vera"), office.enter("ed")

    seen = ["The sealed will" in shown(viewer, path) for path in ("/jobs/1/", "/jobs/1/live", "/jobs/1/problems.csv")]

    assert seen == [login is None] * 3
    assert viewer.get("/jobs/1/problems.csv").status_code == (200 if login is None else 403)
    assert "The sealed will" in shown(editor, "/jobs/1/")


@pytest.mark.parametrize("login", ["somebody@example.org", False, None])
@pytest.mark.parametrize("tells", ["status_text", "message"])
def test_viewers_do_not_see_activity_and_messages_of_a_job_with_login(office, login, tells):
    """A message, too, names the file that was fetched when the worker of a job died."""
    with office.app.app_context(), transaction():
        job = db.session.get(Job, 1)
        job.cursor, job.state = {"login": login}, State.RUNNING.value
        setattr(job, tells, "Fetching The sealed will.pdf (3 MB)")
    viewer, editor = office.enter("vera"), office.enter("ed")
    pages = ("/jobs/1/", "/jobs/1/live", "/jobs/1/row", "/jobs/", "/jobs/1/request-log.txt", "/sources/1/")

    seen, told = ({path for path in pages if "The sealed will" in shown(who, path)} for who in (viewer, editor))

    assert seen == (told if login is None else set())
    assert "/jobs/1/live" in told


def test_a_viewer_sees_the_state_of_a_job_with_login_and_why_details_are_missing(office):
    with office.app.app_context(), transaction():
        job = db.session.get(Job, 1)
        job.cursor, job.state = {"login": "somebody@example.org"}, State.RUNNING.value
        columns = wait_columns(WaitReason.REPOSITORY, "It answered with an error (503).", datetime(2026, 1, 5, 14, 5))
        for name, value in columns.items():
            setattr(job, name, value)
    viewer = office.enter("vera")
    page = viewer.get("/jobs/1/")

    assert "Waiting for the repository since 2026-01-05 " in words(page)
    assert "503" not in words(page)
    assert "Editors and administrators can read them" in words(page)
    assert "/jobs/1/request-log.txt" not in page.get_data(as_text=True)
    assert viewer.get("/jobs/1/request-log.txt").status_code == 403
    assert "/jobs/1/request-log.txt" in shown(office.enter("ed"), "/jobs/1/")


def test_a_viewer_gets_no_link_to_preview_rows(office):
    with office.app.app_context():
        source_id = db.session.get(Job, 1).source_id
        job_id = queueing.create(source_id, ImportOptions(), kind=Kind.PREVIEW)
        with transaction():
            counters.replace(db.session.connection(), job_id, {"added": 3})

    assert f"/jobs/{job_id}/preview/" in shown(office.enter("ed"), f"/jobs/{job_id}/")
    assert f"/jobs/{job_id}/preview/" not in shown(office.enter("vera"), f"/jobs/{job_id}/")
    assert office.enter("vera").get(f"/jobs/{job_id}/preview/").status_code == 403


@dataclass
class HalfClosed:
    """An open item with a value and, if wanted, a title that are restricted."""

    item: int
    secret: str = "Submitted by Ann (ann@example.org)"


@pytest.fixture
def restricted_value(office) -> HalfClosed:
    with office.app.app_context(), transaction():
        item = db.session.scalar(select(CatalogueItem).order_by(CatalogueItem.id.desc()).limit(1))
        found = HalfClosed(item.id)
        value = {"field": "dc.description.provenance", "value": found.secret, "language": None, "authority": None}
        item.source_metadata = [*item.source_metadata, value | {"confidence": None, "restricted": True}]
        mapped = {"value": found.secret, "language": None, "restricted": True}
        item.mapped_values = item.mapped_values | {"dcterms:provenance": [mapped]}
        item.restricted_search_text = found.secret.lower()
        return found


def test_a_restricted_value_of_a_public_item_is_shown_only_to_editors(office, restricted_value):
    viewer, editor = office.enter("vera"), office.enter("ed")
    path = f"/items/{restricted_value.item}/"

    assert restricted_value.secret not in shown(viewer, path)
    assert "Provenance" not in words(viewer.get(path))
    assert f"{restricted_value.secret} restricted" in words(editor.get(path))


def test_a_viewer_does_not_find_an_item_by_a_restricted_value(office, restricted_value):
    viewer, editor = office.enter("vera"), office.enter("ed")

    assert "No items match" in words(viewer.get("/items/?q=ann@example.org"))
    assert "1 item" in words(editor.get("/items/?q=ann@example.org"))


def test_a_restricted_title_is_shown_only_to_editors(office, restricted_value):
    with office.app.app_context(), transaction():
        item = db.session.get(CatalogueItem, restricted_value.item)
        item.title, item.title_is_restricted = "The sealed will", True
        item.source_state = SourceState.DELETED.value
    viewer, editor = office.enter("vera"), office.enter("ed")
    paths = ("/items/", f"/items/{restricted_value.item}/", "/missing/")

    assert [path for path in paths if "The sealed will" in shown(viewer, path)] == []
    assert [path for path in paths if "The sealed will" not in shown(editor, path)] == []


@dataclass
class NamedFile:
    """A file of an open item that failed, and whose name is restricted."""

    item: int
    file: int
    name: str = "sealed will.png"


@pytest.fixture
def named_file(office) -> NamedFile:
    with office.app.app_context(), transaction():
        file = db.session.scalar(
            select(CatalogueFile)
            .where(CatalogueFile.is_stored, CatalogueFile.media_type == "image/png")
            .order_by(CatalogueFile.item_id.desc())
            .limit(1)
        )
        found = NamedFile(file.item_id, file.id)
        file.name, file.description, file.name_is_restricted = found.name, "About the sealed will", True
        file.status, file.item.restricted_search_text = FileStatus.DAMAGED.value, found.name
        db.session.flush()
        problem_files.mark([file.item_id])
        [source] = db.session.scalars(select(Holding).where(Holding.item_id == file.item_id))
        db.session.get(Job, 1).cursor = {}
        source.last_seen_job_id = 1
        return found


@pytest.mark.parametrize(
    "path",
    ["/items/{item}/", "/jobs/1/", "/jobs/1/live", "/jobs/1/problems.csv"],
)
def test_the_name_of_a_file_that_only_a_login_lists_is_shown_only_to_editors(office, named_file, path):
    path = path.format(**vars(named_file))
    viewer, editor = shown(office.enter("vera"), path), shown(office.enter("ed"), path)

    assert "sealed will" not in unquote(viewer)
    assert "sealed will" in unquote(editor)


def test_only_exports_with_restricted_values_have_them(office, restricted_value, named_file):
    with office.app.app_context():
        for_viewers, for_editors = ("".join(as_csv(Selection(with_restricted=each))) for each in (False, True))
    secrets = (restricted_value.secret, "dcterms:provenance", named_file.name)

    assert [secret for secret in secrets if secret in for_viewers] == []
    assert [secret for secret in secrets if secret not in for_editors] == []


def test_a_viewer_neither_finds_nor_opens_a_file_that_only_a_login_lists(office, named_file):
    viewer = office.enter("vera")
    refused = viewer.get(f"/files/{named_file.file}/x.png")

    assert "No items match" in words(viewer.get("/items/?q=sealed+will"))
    assert (refused.status_code, "sealed will" in refused.get_data(as_text=True)) == (403, False)


def test_notifications_name_no_file_that_only_a_login_lists(office, named_file):
    with office.app.app_context():
        job = lifecycle.get(1)
        told = [reason["reason"] for reason in report.as_dict(job, with_restricted=False)["problems"]]
        all_told = [reason["reason"] for reason in report.as_dict(job)["problems"]]
        notice = notifications._JobNotification(job)

    assert not any(named_file.name in reason for reason in told)
    assert any(named_file.name in reason for reason in all_told)
    assert named_file.name not in notice.text + json.dumps(notice.data)
