"""On PostgreSQL, too, a page of a job reads no more in a larger instance, apart from deeper indexes."""

from __future__ import annotations

import pytest

from connector import pagination
from connector.catalogue import counts
from connector.extensions import db
from connector.storage.instance import prepare
from tests import signed_in
from tests.conftest import app_at
from tests.postgresql import create_database
from tests.tools import needs

from .large import JOBS, make
from .work import blocks_of, plans_of

pytestmark = needs("postgresql")
FEW = 250  # blocks: of a small table, PostgreSQL may read all


@pytest.fixture(scope="module")
def instances(tmp_path_factory, postgresql_server):
    """Two apps, of which the second has four times as many items in its catalogue."""
    apps = []
    for items in (1000, 4000):
        address = create_database(postgresql_server, f"items_{items}")
        apps.append(app_at(tmp_path_factory.mktemp("large"), CONNECTOR_DATABASE_URL=address))
        prepare(apps[-1])
        signed_in.admit(apps[-1])
        make(apps[-1], items)
    yield apps
    for app in apps:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.mark.parametrize("address", [*JOBS, "/"])
def test_a_job_page_does_not_read_more_in_a_larger_instance(instances, address):
    assert_reads_no_more(instances, address)


@pytest.mark.parametrize("address", ["/jobs/1/", "/jobs/4/"])
def test_the_problems_of_a_job_are_found_without_reading_all_changes(instances, address):
    plans = plans_of(instances[1], lambda: instances[1].test_client().get(address))

    assert "ix_change_job" in str(plans)
    assert "pk_change" not in str(plans)


@pytest.mark.parametrize(
    "address",
    ["/items/?q=nothingatall", "/items/?q=nothingatall&item_set=1", "/items/?q=report+997", "/items/?q=zz"],
)
def test_a_search_reads_only_items_that_it_finds(instances, address):
    assert_reads_no_more(instances, address)


def test_the_last_page_of_a_list_reads_no_more_than_the_first(instances, monkeypatch):
    monkeypatch.setattr(pagination, "COUNTED", 30)
    browser = instances[1].test_client()
    for address in ("/items/", "/missing/", "/item-sets/1/", "/audit/"):
        first, last = (
            blocks_of(instances[1], lambda url=url: browser.get(url)) for url in (address, f"{address}?before=last")
        )
        assert last <= 1.5 * first + FEW


def test_the_catalogue_is_counted_as_on_sqlite(instances):
    with instances[0].app_context():
        [found] = counts.totals(with_restricted=False)[1]

    # Each hundredth item is hidden, each 25th restricted. One of two files of each item is stored.
    assert (found.items, found.files, found.bytes) == (960, 960, 959_040)
    assert (found.years[1900], found.types["Type 1"]) == (7, 34)


def assert_reads_no_more(instances, address):
    small, large = (blocks_of(app, lambda app=app: app.test_client().get(address)) for app in instances)

    assert large <= 1.5 * small + FEW
