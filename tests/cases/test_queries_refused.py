"""A firewall refuses addresses with a Solr query, and lets all others through."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from connector.dspace.records import Scope, ScopeKind
from connector.extensions import db
from connector.imports.import_options import ImportOptions
from connector.imports.results import request_log
from connector.imports.start import queueing
from connector.jobs import lifecycle
from connector.models.catalogue import CatalogueItem
from connector.models.repositories import Repository
from connector.repositories import credentials, discovery, service
from connector.tasks import carry_out
from tests.sample import Repository as Data, SampleRepository, grow, laboratory
from tests.sample.login import NAME, PASSWORD

PAGE = "<html>Request Rejected</html>"
REFUSALS = {
    "403 in JSON": {"status": 403, "body": "{}", "headers": {"Content-Type": "application/json"}},
    "403 with a page": {"status": 403, "body": PAGE},
    "a page with 200": {"status": 200, "body": PAGE, "headers": {"Content-Type": "text/html"}},
    "422": {"status": 422},
}


@pytest.fixture(params=REFUSALS.values(), ids=REFUSALS.keys())
def sample(request):
    data = Data()
    with SampleRepository(9, data=data) as sample:
        grow(data, items=12, files=1)
        sample.faults.add(lambda target: "query=" in target, None, **request.param)
        yield sample


def run(source_id: int, **options) -> lifecycle.Job:
    job_id = queueing.create(source_id, ImportOptions(**options))
    assert carry_out(job_id)
    return lifecycle.get(job_id)


def queries(sample: SampleRepository) -> int:
    return sum("query=" in target for _, target in sample.requests)


def test_imports_work_without_refused_queries_and_remember_the_refusal(app, sample):
    with app.app_context():
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        source_id = service.source_for(repository_id, Scope(ScopeKind.REPOSITORY))

        first = run(source_id, files=True)
        assert (first.state, first.clean, first.counts["added"]) == ("completed", True, 12)

        sample.reset()
        second = run(source_id)
        assert (second.state, second.clean, second.counts["unchanged"]) == ("completed", True, 12)
        assert 0 < queries(sample) <= 4  # a question is repeated once, in case that the answer was damaged
        assert "does not support these queries" in request_log.text(lifecycle.get(second.id), "")

        sample.reset()
        third = run(source_id)
        assert (third.state, third.clean, third.counts["unchanged"], queries(sample)) == ("completed", True, 12, 0)
        assert "does not support these queries" in request_log.text(lifecycle.get(third.id), "")
        assert db.session.scalar(select(Repository.unanswered)).keys() == {"changes", "part"}


def test_an_item_that_left_its_collection_is_found_elsewhere(app, sample):
    with app.app_context():
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        home = sample.data.named("Synthetic items")
        source_id = service.source_for(repository_id, Scope(ScopeKind.COLLECTION, home.uuid, home.handle, home.name))
        run(source_id)
        moved = next(iter(sample.data.items.values()))
        sample.data.move(moved, sample.data.add_collection("Other", home.parent))

        job = run(source_id)

        assert (job.state, job.counts["vanished"], job.clean) == ("completed", 1, True)


def test_public_items_are_found_by_the_list_of_a_signed_out_reader(app, sample):
    closed = next(iter(sample.data.items.values()))
    sample.data.restrict(closed)
    with app.app_context():
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        credentials.sign_in(repository_id, NAME, PASSWORD)
        source_id = service.source_for(repository_id, Scope(ScopeKind.REPOSITORY))

        job = run(source_id)

        assert (job.state, job.clean, job.counts["added"]) == ("completed", True, 12)
        restricted = db.session.scalars(select(CatalogueItem.source_id).where(CatalogueItem.is_restricted)).all()
        assert restricted == [closed.uuid]


def access_questions(sample: SampleRepository) -> int:
    return sum("accessStatus" in target for _, target in sample.requests)


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refused_query_for_file_access_is_remembered_and_reported(app, refusal):
    with SampleRepository(9, content=laboratory) as sample, app.app_context():
        sample.faults.add(lambda target: "accessStatus" in target, None, **refusal)
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        source_id = service.source_for(repository_id, Scope(ScopeKind.REPOSITORY))
        run(source_id, files=True)

        job = run(source_id, files=True, full=True)

        assert (job.state, job.clean) == ("completed", True), job.message
        assert "who may read the files of an item" in request_log.text(lifecycle.get(job.id), "")
        assert "access" in db.session.scalar(select(Repository.unanswered))
        assert any("/content" in target for _, target in sample.requests)

        sample.reset()
        run(source_id, files=True, full=True)
        assert access_questions(sample) == 0


def test_refused_files_of_an_item_are_no_refusal_of_the_query(app):
    with SampleRepository(9, content=laboratory) as sample, app.app_context():
        closed = sample.data.named("No file").uuid
        sample.data.add_file(sample.data.named("No file"), "a.txt", b"a")
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        source_id = service.source_for(repository_id, Scope(ScopeKind.REPOSITORY))
        run(source_id, files=True)
        sample.faults.add(f"/core/items/{closed}/bundles?", None, status=403)
        sample.reset()

        run(source_id, files=True, full=True)

        assert access_questions(sample) > 1
        assert "access" not in db.session.scalar(select(Repository.unanswered))
