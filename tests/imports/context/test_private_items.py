"""Imports from DSpace 7 and later that an administrator's login lets search for private items, too."""

from __future__ import annotations

import pytest

from connector.extensions import db
from connector.imports.results import request_log
from connector.jobs import lifecycle
from connector.models.repositories import Repository, Source
from tests.sample import SampleRepository, laboratory

from ..sample_importer import SampleImporter

PRIVATE, WITHDRAWN = "Private item", "Withdrawn item"


@pytest.fixture(params=[7, 9])
def admin(request, app):
    with SampleRepository(request.param, content=laboratory) as sample:
        importer = SampleImporter(app, sample)
        importer.app.config["RECHECK_RUNS"] = 0
        importer.sign_in()
        yield importer


def proof(importer: SampleImporter) -> dict:
    with importer.app.app_context():
        return db.session.scalar(db.select(Source.completeness_proof))


def test_private_items_are_imported_as_restricted_and_withdrawn_items_are_not(admin):
    job = admin.run()

    assert job.clean, job.message
    assert admin.records()[PRIVATE]["restricted"] is True
    assert WITHDRAWN not in admin.records()
    assert (job.expected, job.counts["seen"], job.counts["added"]) == (len(admin.records()),) * 3


def test_an_unchanged_run_is_proven_by_counts_without_withdrawn_items(admin):
    admin.run()
    admin.sample.reset()

    again = admin.run()

    assert (again.counts["unchanged"], again.counts["updated"], again.clean) == (len(admin.records()), 0, True)
    assert len([path for _, path in admin.sample.requests if "/discover/search" in path]) <= 5


def test_an_item_that_becomes_private_stays_and_is_restricted(admin):
    admin.run()
    admin.sample.data.make_private(admin.sample.data.named("No file"))

    job = admin.run()

    assert admin.records()["No file"]["restricted"] is True
    assert (job.counts["vanished"], job.clean) == (0, True)


def test_a_withdrawn_item_is_marked_and_no_longer_counted(admin):
    admin.run()
    admin.sample.data.withdraw(admin.sample.data.named("No file"))

    job = admin.run()

    assert admin.records()["No file"]["source_state"] == "withdrawn"
    assert (job.counts["vanished"], job.clean) == (1, True), job.message


def test_a_login_without_administrator_rights_gets_the_items_it_can_find(admin):
    admin.sample.logins.is_administrator = False

    job = admin.run()

    assert job.clean, job.message
    assert {PRIVATE, WITHDRAWN}.isdisjoint(admin.records())
    assert "Restricted item" in admin.records()


def test_a_repository_that_refuses_the_search_of_administrators_is_read_without_it(admin):
    admin.sample.faults.add(lambda target: "administrativeView" in target, None, status=403)

    first = admin.run()
    admin.sample.reset()
    again = admin.run()

    assert (first.clean, again.clean) == (True, True), first.message
    assert PRIVATE not in admin.records()
    assert not [path for _, path in admin.sample.requests if "administrativeView" in path]
    with admin.app.app_context():
        assert "administrativeView" in request_log.text(lifecycle.get(first.id), "")


def test_a_proof_without_private_items_is_not_used_with_them(admin):
    admin.sample.faults.add(lambda target: "administrativeView" in target, 2, status=403)
    admin.run()
    without = proof(admin)
    with admin.app.app_context():
        db.session.scalar(db.select(Repository)).unanswered = {}
        db.session.commit()
    admin.sample.data.delete(admin.sample.data.named("No file"))  # so that the numbers agree

    admin.run()

    assert PRIVATE in admin.records()
    assert (without["private"], proof(admin)["private"]) == (False, True)


def test_a_signed_out_import_asks_for_no_private_items(admin):
    admin.sign_out()

    admin.run()

    assert PRIVATE not in admin.records()
    assert not [path for _, path in admin.sample.requests if "administrativeView" in path]
