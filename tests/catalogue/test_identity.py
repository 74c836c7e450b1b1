"""Items keep their identity with any ids and handles of the source. No unique key is violated."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from connector.catalogue import store
from connector.catalogue.repository_context import RepositoryContext
from connector.catalogue.store import ITEM
from connector.dspace.records import Item
from connector.extensions import db, transaction
from connector.models.repositories import Repository

U1, U2, U3 = (f"{number}0000000-0000-4000-8000-000000000000" for number in (1, 2, 3))


@pytest.fixture
def repository(app):
    with app.app_context():
        with transaction():
            address = {"address_key": "a", "site_url": "https://a.example", "api_url": "https://a.example/rest"}
            repository = Repository(**address, endpoint="rest", generation=9, version="9.3")
            db.session.add(repository)
        yield RepositoryContext(repository.id, repository.server)


def item(id: str, handle: str | None) -> Item:
    return Item(id, handle, f"{id} {handle}", None, (), ())


def save(repository: RepositoryContext, *pairs: tuple[str, str | None], met: set[str] = frozenset()) -> list[str]:
    """Save items as one page; gives what became of each, new ones first."""
    with transaction():
        saved = store.save(repository, [item(*pair) for pair in pairs], lambda ids: set(ids) & met)
    return [s.outcome for s in saved]


def held() -> set[tuple[str, str | None]]:
    rows = {(row.source_id, row.handle) for row in db.session.execute(db.select(ITEM.c.source_id, ITEM.c.handle))}
    db.session.rollback()
    return rows


def test_two_items_of_a_page_with_the_same_handle_are_both_stored(repository):
    save(repository, (U1, "1/1"), (U2, "1/1"))

    assert held() == {(U1, "1/1"), (U2, "1/1")}
    assert save(repository, (U2, "1/1"), (U1, "1/1")) == ["unchanged", "unchanged"]


def test_a_second_item_with_a_handle_that_this_import_met_is_added(repository):
    save(repository, (U1, "1/1"))

    assert save(repository, (U2, "1/1"), met={U1}) == ["added"]
    assert held() == {(U1, "1/1"), (U2, "1/1")}


def test_an_item_with_a_new_id_and_the_old_handle_is_the_same_after_an_upgrade(repository):
    save(repository, ("12", "1/1"))

    assert save(repository, (U1, "1/1")) == ["updated"]
    assert held() == {(U1, "1/1")}


def test_a_reused_number_with_another_handle_is_a_new_item(repository):
    save(repository, ("12", "1/1"), ("13", "1/1"))

    assert save(repository, ("13", "1/2")) == ["added"]


def test_an_item_whose_handle_is_the_id_of_another_item_is_added(repository):
    save(repository, (U1, None), (U2, U1))

    assert held() == {(U1, None), (U2, U1)}
    assert save(repository, (U1, None), (U2, U1)) == ["unchanged", "unchanged"]


def test_items_that_swap_their_handles_stay_two_items(repository):
    save(repository, (U1, "1/1"), (U2, "1/2"))

    save(repository, (U1, "1/2"), (U2, "1/1"))

    assert held() == {(U1, "1/2"), (U2, "1/1")}


IDS = st.sampled_from([U1, U2, U3, "1", "2"])
HANDLES = st.sampled_from([None, "1/1", "1/2", U1, "1", "2"])
PAGES = st.lists(st.dictionaries(IDS, HANDLES, min_size=1), min_size=1, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(PAGES)
def test_no_page_ends_in_an_error_or_loses_an_item(repository, pages):
    with transaction():
        db.session.execute(db.delete(ITEM))
    for page in pages:
        outcomes = save(repository, *page.items())

        assert len(outcomes) == len(page)
        assert set(page.items()) <= held()
