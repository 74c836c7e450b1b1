"""Searches use an index, and find the same items as a search of all items."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import delete, func, select, text, update

from connector.catalogue import search
from connector.catalogue.property_search import Criterion, Join, Operator
from connector.catalogue.search import Selection, find, newest_first
from connector.dspace.records import SourceState
from connector.extensions import db, transaction
from connector.models.catalogue import CatalogueItem
from connector.models.item_facets import Facet
from connector.storage import search_index
from connector.word_search import search_text

ITEM = CatalogueItem.__table__
WORDS = [
    "herring",
    "erri",
    "HERRING boats",
    '"boats leaving"',
    '"s l"',
    "in",
    "of 50",
    "日本",
    "港",
    "50%",
    "a_b",
    'say "hi',
    "strand 1884",
    "日本の",
]


@pytest.fixture
def catalogue(stocked_app):
    """The app with a catalogue in which some items have words that are hard to find."""
    with stocked_app.app_context():
        with transaction():
            for item_id, title in enumerate(("50% of a_b", 'say "hi" in 日本の港', "herring"), 31):
                searched = {"search_text": search_text(title, {}, [])}
                db.session.execute(update(ITEM).where(ITEM.c.id == item_id).values(searched))
            closed = {"search_text": "open", "restricted_search_text": "herring by login"}
            db.session.execute(update(ITEM).where(ITEM.c.id == 34).values(closed))
        yield


def found(selection):
    return sorted(db.session.scalars(selection.ids()))


def found_by_reading_all(selection):
    return sorted(db.session.scalars(selection.query(CatalogueItem.id)))


def plan_of(selection):
    """Return the steps of SQLite for the newest ids of a selection."""
    query = newest_first(selection.ids()).compile(db.engine, compile_kwargs={"literal_binds": True})
    return [step.detail for step in db.session.execute(text(f"EXPLAIN QUERY PLAN {query}"))]


def is_whole():
    """Return whether the index is that of the items as they are now."""
    check = f"INSERT INTO {search_index.NAME} ({search_index.NAME}, rank) VALUES ('integrity-check', 1)"
    with transaction():
        db.session.execute(text(check))
    return True


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("with_restricted", [True, False])
def test_the_index_finds_the_items_that_have_the_words(catalogue, words, with_restricted):
    selection = Selection(words=words, with_restricted=with_restricted)

    assert found(selection) == found_by_reading_all(selection)
    assert found(selection)


def test_only_readers_of_restricted_values_find_items_by_them(catalogue):
    assert 34 in found(Selection(words="herring"))
    assert 34 not in found(Selection(words="herring", with_restricted=False))


@pytest.mark.parametrize("short", [0, 1000])
@pytest.mark.parametrize(
    "within", [{"item_set_id": 1}, {"job_id": 1}, {"item_set_id": 1, "job_id": 1}, {"repository_id": 2}]
)
def test_words_are_found_within_a_set_job_and_repository(catalogue, monkeypatch, within, short):
    monkeypatch.setattr(search, "SHORT", short)

    selection = Selection(words="har", **within)

    assert found(selection) == found_by_reading_all(selection)


@pytest.mark.parametrize(
    "within",
    [
        {},
        {"words": "a"},
        {"words": "herring"},
        {"words": "-herring"},
        {"item_set_id": 1},
        {"repository_id": 1},
        {"job_id": 1},
        {"state": SourceState.PRESENT},
        {"facets": ((Facet.KIND, "image"),)},
        {"facets": ((Facet.KIND, "image"), (Facet.TYPE, "Image"))},
        {"criteria": (Criterion(Join.AND, "dcterms:title", Operator.ANY),)},
        {"criteria": (Criterion(Join.NOT, "", Operator.CONTAINS, "herring"),)},
        {"criteria": (Criterion(Join.AND, "", Operator.IS, "x"), Criterion(Join.OR, "dcterms:title", Operator.ANY))},
        {"dates": ("1800", "")},
        {"dates": ("", "2030"), "item_set_id": 1},
        {"dates": ("", "2030"), "state": SourceState.PRESENT},
        {"dates": ("", "2030"), "has_files": False},
        {"state": SourceState.PRESENT, "item_set_id": 1, "job_id": 1},
        {"state": SourceState.WITHDRAWN, "item_set_id": 1},
        {"has_files": True},
        {"has_files": False},
    ],
)
@pytest.mark.parametrize("short", [0, 1000])
@pytest.mark.parametrize("with_restricted", [True, False])
def test_no_criterion_finds_hidden_items_or_shows_restricted_items_to_viewers(
    catalogue, monkeypatch, within, short, with_restricted
):
    monkeypatch.setattr(search, "SHORT", short)
    monkeypatch.setattr(search, "LONG", short)
    selection = Selection(**within, with_restricted=with_restricted)
    before = found(selection)
    with transaction():
        db.session.execute(update(ITEM).where(ITEM.c.id % 3 == 0).values(is_hidden=True))
        db.session.execute(update(ITEM).where(ITEM.c.id % 3 == 1).values(is_restricted=True))
    shown = {1, 2} if with_restricted else {2}
    items = find(selection)

    assert found(selection) == [item_id for item_id in before if item_id % 3 in shown]
    assert found_by_reading_all(selection) == found(selection)
    assert sorted(db.session.scalars(items.keys(CatalogueItem.id))) == found(selection)
    assert sorted(db.session.scalars(items.newest(100))) == found(selection)


def test_a_search_asks_the_index_and_no_other_item(catalogue):
    plan = plan_of(Selection(words="herring"))

    assert plan[0].startswith(f"SCAN {search_index.NAME} VIRTUAL TABLE INDEX")
    assert not any(step.startswith("SCAN item ") or step == "SCAN item" for step in plan)


@pytest.mark.parametrize("long", [1, 1000])
@pytest.mark.parametrize(
    ("selection", "index"),
    [
        (Selection(item_set_id=1, state=SourceState.WITHDRAWN), "ix_item_source_state"),
        (Selection(job_id=1, state=SourceState.WITHDRAWN, has_files=True), "ix_item_source_state"),
        (Selection(state=SourceState.WITHDRAWN, dates=("1900", "")), "ix_item_source_state"),
        (Selection(dates=("1900", "")), "ix_item_listed"),
        (Selection(item_set_id=1, dates=("2999", "")), "ix_item_listed"),
        (Selection(has_files=False, state=SourceState.WITHDRAWN, dates=("1900", "")), "ix_item_listed"),
    ],
)
def test_states_and_dates_are_read_from_an_index_that_has_all_columns(catalogue, monkeypatch, selection, long, index):
    monkeypatch.setattr(search, "LONG", long)

    assert plan_of(selection)[0].startswith(f"SEARCH item_1 USING COVERING INDEX {index} ")


def test_the_index_follows_added_changed_and_removed_items(catalogue):
    with transaction():
        values = dict(db.session.execute(select(ITEM).where(ITEM.c.id == 31)).mappings().one())
        new = values | {"id": 1000, "source_key": "new", "search_text": "quayside"}
        db.session.execute(ITEM.insert().values(new))
        db.session.execute(update(ITEM).where(ITEM.c.id == 31).values(search_text="wharf"))
        db.session.execute(update(ITEM).where(ITEM.c.id == 34).values(restricted_search_text=None))
        db.session.execute(delete(ITEM).where(ITEM.c.id == 33))

    assert found(Selection(words="quayside")) == [1000]
    assert found(Selection(words="wharf")) == [31]
    assert found(Selection(words="50%")) == []
    assert {33, 34}.isdisjoint(found(Selection(words="herring")))
    assert is_whole()


def test_a_start_rebuilds_the_index_after_a_migration_of_the_item_table(catalogue):
    with transaction():
        db.session.execute(text(f"DROP TRIGGER {search_index.NAME}_update"))
        db.session.execute(update(ITEM).where(ITEM.c.id == 31).values(search_text="wharf"))
    assert found(Selection(words="wharf")) == [31]

    search_index.prepare()

    assert found(Selection(words="wharf")) == [31]
    assert is_whole()


def test_where_the_database_cannot_have_the_index_searches_read_all_items(catalogue, monkeypatch, caplog):
    with transaction():
        for name in search_index._TRIGGERS:
            db.session.execute(text(f"DROP TRIGGER {name}"))
        db.session.execute(text(f"DROP TABLE {search_index.NAME}"))
    monkeypatch.setattr(search_index, "_TABLE", search_index._TABLE.replace("fts5", "none_such"))

    with caplog.at_level(logging.WARNING):
        search_index.prepare()

    assert "no such module: none_such. Searches work, but are slow in a large catalogue. Use SQLite" in caplog.text
    assert len(found(Selection(words="herring"))) == db.session.scalar(
        select(func.count()).where(
            ITEM.c.search_text.contains("herring") | ITEM.c.restricted_search_text.contains("herring")
        )
    )
