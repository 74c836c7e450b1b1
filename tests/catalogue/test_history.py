"""The history of an item: which job changed what."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from connector.catalogue.job_changes import clear_before
from connector.extensions import db, transaction
from connector.models.accounts import Role
from connector.models.catalogue import CatalogueItem
from connector.models.changes import Change
from tests import signed_in
from tests.imports.sample_importer import SampleImporter
from tests.pages import words
from tests.sample import SampleRepository

TITLE = "No file"


@pytest.fixture
def importer(app):
    with SampleRepository(9) as sample:
        yield SampleImporter(app, sample)


@pytest.fixture
def address(importer):
    """The history of an item that a first job added and two more jobs changed."""
    for subjects in (["tides"], ["quays", "cranes"], ["docks"]):
        importer.sample.data.edit(importer.sample.data.named(TITLE), "dc.subject", subjects)
        importer.run(files=False)
    with importer.app.app_context():
        item_id = db.session.scalars(select(CatalogueItem.id).where(CatalogueItem.title == TITLE)).one()
    return f"/items/{item_id}/history"


def browser(app) -> FlaskClient:
    return signed_in.SignedIn(app)


def test_each_job_is_listed_with_what_it_changed_newest_first(importer, address):
    page = words(browser(importer.app).get(address))

    newest, middle, oldest = page.split("Job ")[1:4]
    assert all(word in newest for word in ("dc.subject", "quays", "cranes", "docks"))
    assert all(word in middle for word in ("dc.subject", "tides", "quays", "cranes"))
    assert "docks" not in middle
    assert "Added by this job" in oldest
    assert "tides" not in oldest


def test_an_undone_job_leaves_the_history(importer, address):
    importer.undo(3)

    page = words(browser(importer.app).get(address))

    assert "Job 2" in page
    assert "Job 3" not in page
    assert "docks" not in page


def test_the_history_says_what_is_no_longer_known(importer, address):
    with importer.app.app_context(), transaction():
        clear_before(Change.job_id == 2)

    page = words(browser(importer.app).get(address))

    assert page.count("What changed is no longer known.") == 1
    assert "docks" in page
    assert "tides" not in page


def test_the_item_leads_editors_to_its_history_and_viewers_do_not_see_it(importer, address):
    signed_in.admit(importer.app, "Vera", Role.VIEWER, "the session of Vera")
    viewer, kept = FlaskClient(importer.app), signed_in.cookie(importer.app, "the session of Vera")
    viewer.set_cookie(kept["name"], kept["value"])
    item = address.removesuffix("history")

    assert address in browser(importer.app).get(item).text
    assert viewer.get(item).status_code == 200
    assert address not in viewer.get(item).text
    assert viewer.get(address).status_code == 403
