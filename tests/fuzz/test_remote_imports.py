"""Whole imports from a repository that answers wrongly: each job ends, and all its pages open."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import HealthCheck, given, settings

from connector.dspace.records import ScopeKind
from connector.extensions import db
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs.attempt import INTERNAL_ERROR
from connector.models.catalogue import CatalogueItem
from connector.models.jobs import Job, State
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.conftest import app_at, let_go
from tests.thoroughness import share

from .mutations import Mutant, Mutation, mutations

EACH = share(60, part=8)


@pytest.fixture(scope="module", params=[6, 9], ids=lambda generation: f"DSpace {generation}")
def world(request, tmp_path_factory, template):
    """A repository that will answer wrongly, the app, and the source of one of its collections."""
    instance = tmp_path_factory.mktemp("fuzz") / "instance"
    shutil.copytree(template, instance)
    app = app_at(instance)
    app.config.update(WTF_CSRF_ENABLED=False, MAX_OUTAGE_SECONDS=1)
    with Mutant(request.param) as repository:
        repository.begin(None)
        with app.app_context():
            known = discovery.connect(repository.url, "rest", None).repository_id
            handle = repository.data.named("Odd metadata").handle
            scope = discovery.find(known, ScopeKind.COLLECTION, handle).scope
            source_id = service.source_for(known, scope)
        yield repository, app, source_id
    let_go(app)


@settings(
    max_examples=EACH,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(mutation=mutations)
def test_jobs_end_and_their_pages_open_after_every_response(world, mutation: Mutation):
    repository, app, source_id = world
    repository.begin(mutation)
    with app.app_context():
        job_id = queueing.create(source_id, ImportOptions(files=True, full=True))
        carry_out(job_id)
        job = db.session.get(Job, job_id)
        shown = db.session.scalars(db.select(CatalogueItem.id).order_by(CatalogueItem.id.desc()).limit(3)).all()
        state, message, asks = job.state, job.message, job.asks

    assert state in (State.COMPLETED, State.FAILED) or asks
    assert message != INTERNAL_ERROR
    browser = app.test_client()
    for page in (
        f"/jobs/{job_id}/",
        f"/jobs/{job_id}/problems.csv",
        "/jobs/",
        "/items/",
        *(f"/items/{n}/" for n in shown),
    ):
        assert browser.get(page, buffered=True).status_code == 200, page
