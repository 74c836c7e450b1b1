"""One API under several addresses: the site, its /server, its HAL browser."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from connector.dspace.records import Scope, ScopeKind
from connector.extensions import db
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import lifecycle
from connector.models.repositories import Repository
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.sample import Repository as Data, SampleRepository, grow

from .web_site import redirect, web_site

ALL_NEW, NOTHING_NEW = {"added": 4, "unchanged": 0}, {"added": 0, "unchanged": 4}


@pytest.fixture
def sample():
    data = Data()
    with SampleRepository(9, data=data) as sample:
        grow(data, items=4)
        yield sample


def imported(url: str) -> dict[str, int]:
    """Import the entire repository at an address; return how many items were added and left as they were."""
    repository_id = discovery.connect(url, "rest", None).repository_id
    job_id = queueing.create(service.source_for(repository_id, Scope(ScopeKind.REPOSITORY)), ImportOptions())
    assert carry_out(job_id)
    job = lifecycle.get(job_id)
    return {"added": job.counts["added"], "unchanged": job.counts["unchanged"]}


def repository_count() -> int:
    return db.session.scalar(select(func.count()).select_from(Repository))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/server",
        "/server/api",
        "/server/#/server/api",
        "/server/#{url}/server/api/core/items?page=2",
        "/home",
        "//server/",
    ],
)
def test_every_address_of_an_api_is_the_same_repository(app, sample, path):
    with app.app_context():
        first = imported(sample.url)
        second = imported(sample.url + path.format(url=sample.url))

        assert (first, second) == (ALL_NEW, NOTHING_NEW)
        assert repository_count() == 1
        [repository] = db.session.scalars(select(Repository))
        assert (repository.site_url, repository.api_url) == (sample.url, f"{sample.url}/server/api")


def test_an_address_that_is_redirected_to_an_api_is_the_same_repository(app, sample):
    with (
        web_site(lambda path: redirect(f"{sample.url}{path}"), host="127.0.0.2") as old,
        app.app_context(),
    ):
        imported(sample.url)
        again = imported(old.url)

        assert (again, repository_count()) == (NOTHING_NEW, 1)


def test_a_repository_that_was_known_before_its_redirect_stays_the_same(app, sample):
    with app.app_context():
        imported(sample.url)
        with web_site(lambda path: redirect(f"{sample.url}{path}"), host="127.0.0.2") as old:
            [repository] = db.session.scalars(select(Repository))
            repository.address_key = f"{old.url.removeprefix('http://')}/server/api"
            db.session.commit()

            again = imported(old.url)

        [repository] = db.session.scalars(select(Repository))
        assert (again, repository.api_url) == (NOTHING_NEW, f"{sample.url}/server/api")
