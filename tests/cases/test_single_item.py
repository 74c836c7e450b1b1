"""A source that is a single item: its title may be restricted, and its files are checked in each run."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from connector.dspace.records import ScopeKind
from connector.extensions import db, transaction
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs.attempt import JobAttempt
from connector.models.accounts import Role
from connector.models.catalogue import CatalogueItem
from connector.models.repositories import Source
from connector.repositories import discovery, service
from tests.accounts.conftest import Office
from tests.imports.sample_importer import SampleImporter
from tests.sample import SampleRepository, laboratory

TITLE = "Restricted item"


@pytest.fixture(params=[6, 9])
def importer(request, app):
    with SampleRepository(request.param, content=laboratory) as sample:
        yield SampleImporter(app, sample)


def import_item(importer, item):
    """Import one item by its handle. Return the job."""
    with importer.app.app_context():
        scope = discovery.find(importer.repository_id, ScopeKind.ITEM, item.handle).scope
        job_id = queueing.create(service.source_for(importer.repository_id, scope), ImportOptions(files=True))
        return importer._worked(job_id)


def pages_of(job) -> tuple[str, ...]:
    source = f"/sources/{job.source_id}/"
    return "/jobs/", f"/jobs/{job.id}/", f"/jobs/{job.id}/row", f"/jobs/{job.id}/live", "/sources/", source


def test_no_page_shows_a_viewer_the_title_of_a_restricted_item(importer):
    importer.sign_in()
    item = importer.sample.data.named(TITLE)
    job = import_item(importer, item)
    office = Office(importer.app)
    office.add("vera")
    office.add("eddie", role=Role.EDITOR)
    viewer, editor = office.enter("vera"), office.enter("eddie")

    shown = {page: viewer.get(page).text for page in pages_of(job)}

    assert job.counts["added"] == 1
    assert [page for page, text in shown.items() if TITLE in text] == []
    assert item.handle in shown["/jobs/"]
    assert TITLE in editor.get("/jobs/").text


def test_no_status_text_names_the_title_of_a_restricted_item(importer, monkeypatch):
    texts = []
    say = JobAttempt.say
    monkeypatch.setattr(JobAttempt, "say", lambda attempt, text: (texts.append(text), say(attempt, text)))
    importer.sign_in()
    item = importer.sample.data.named(TITLE)

    import_item(importer, item)

    assert any(item.handle in text for text in texts)
    assert [text for text in texts if TITLE in text] == []


def test_a_public_item_with_the_same_handle_does_not_reveal_the_title_of_a_restricted_one(importer):
    importer.sign_in()
    item = importer.sample.data.named(TITLE)
    job = import_item(importer, item)
    with importer.app.app_context(), transaction():
        held = db.session.scalar(select(CatalogueItem).where(CatalogueItem.handle == item.handle))
        values = {column.name: getattr(held, column.name) for column in CatalogueItem.__table__.columns}
        values |= {"id": None, "source_key": "other", "source_id": "other", "title": "Open item"}
        values["is_restricted"] = False
        db.session.add(CatalogueItem(**values))
    office = Office(importer.app)
    office.add("vera")

    text = office.enter("vera").get(f"/jobs/{job.id}/").text

    assert (TITLE in text, f"Item {item.handle}" in text) == (False, True)


def test_a_restricted_item_without_handle_does_not_hide_the_title_of_another(importer):
    item = importer.sample.data.named("No file")
    job = import_item(importer, item)
    with importer.app.app_context(), transaction():
        held = db.session.scalar(select(CatalogueItem).where(CatalogueItem.handle == item.handle))
        held.handle = db.session.get(Source, job.source_id).handle = None
        values = {column.name: getattr(held, column.name) for column in CatalogueItem.__table__.columns}
        values |= {"id": None, "source_key": "other", "source_id": "other", "title": "Closed item"}
        values["is_restricted"] = True
        db.session.add(CatalogueItem(**values))
    office = Office(importer.app)
    office.add("vera")

    assert "No file" in office.enter("vera").get(f"/jobs/{job.id}/").text


def test_no_request_log_shows_a_viewer_the_title_of_a_restricted_item(importer):
    importer.sign_in()
    item = importer.sample.data.named(TITLE)
    job = import_item(importer, item)
    with importer.app.app_context():
        queued = queueing.rerun(job.id)
    office = Office(importer.app)
    office.add("vera")
    office.add("eddie", role=Role.EDITOR)

    viewer, editor = (office.enter(name).get(f"/jobs/{queued}/request-log.txt").text for name in ("vera", "eddie"))

    assert (TITLE in viewer, item.handle in viewer) == (False, True)
    assert (TITLE in editor, f"Import of {TITLE}" in editor) == (True, True)


def test_pages_show_viewers_the_title_of_an_open_item(importer):
    item = importer.sample.data.add_item(importer.sample.data.named("Special files"), [("dc.title", ["An open item"])])
    job = import_item(importer, item)
    office = Office(importer.app)
    office.add("vera")

    assert "An open item" in office.enter("vera").get(f"/jobs/{job.id}/").text


def test_the_next_run_notices_a_file_that_was_closed(app):
    with SampleRepository(9, content=laboratory) as sample:
        importer = SampleImporter(app, sample)
        item = sample.data.add_item(sample.data.named("Special files"), [("dc.title", ["Own"])])
        file = sample.data.add_file(item, "t.txt", b"a thesis")
        import_item(importer, item)
        file.readable = False  # no index and no time stamp moves for this

        import_item(importer, item)

        assert importer.file("Own", "t.txt")["fate"] == "restricted"


@pytest.mark.parametrize("generation", [7, 9])
def test_the_next_run_downloads_a_file_that_was_opened(app, generation):
    with SampleRepository(generation, content=laboratory) as sample:
        importer = SampleImporter(app, sample)
        item = sample.data.add_item(sample.data.named("Special files"), [("dc.title", ["Own"])])
        file = sample.data.add_file(item, "t.txt", b"a thesis")
        file.readable = False
        import_item(importer, item)
        file.readable = True

        import_item(importer, item)

        assert importer.file("Own", "t.txt")["fate"] == "stored"
