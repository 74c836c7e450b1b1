"""SQLite and PostgreSQL find the same items, in the same order."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st
from sqlalchemy import select

from connector.catalogue import search, store
from connector.catalogue.item_order import Sort, order_of
from connector.catalogue.property_search import Criterion, Join, Operator
from connector.catalogue.repository_context import RepositoryContext
from connector.catalogue.restricted_values import open_terms
from connector.catalogue.search import Selection, find, find_newest
from connector.dspace.records import Item, MetadataValue
from connector.errors import InvalidInputError
from connector.extensions import db, transaction
from connector.models.catalogue import CatalogueItem
from connector.models.repositories import Repository
from connector.pagination import Place, page_of
from connector.storage import search_index
from connector.storage.instance import prepare
from connector.word_search import Term, fold, search_terms
from tests.conftest import app_at
from tests.postgresql import create_database
from tests.tools import needs

TITLES = (
    *("Harbours", "An inner harbour", "anharbour", "Herring boats", "Boats, herring", "The EU", "Europe", "日本の港"),
    *("Straße", "50% of a_b", "c:\\dir", "éharbour", "(harbour)", "C# [a] {1} ^$ |.*+?&~"),
    *("Łódź ﬁrst", "œuvre Ærø", "λόγος", "أَحْمَد", "ガラス", "한국", "الميناء القديم"),
)
WORDS = st.sampled_from(
    [
        *" ".join(TITLES).split(),
        "harb",
        "herring boats",
        "eu",
        "a",
        "*",
        "-",
        '"',
        "\\",
        "%",
        "_",
        "\\m",
        "(?i)",
        "[",
        "***:",
    ]
)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=needs("postgresql"))])
def app(request, template, tmp_path_factory):
    """An app with an item for each of these titles.."""
    folder = tmp_path_factory.mktemp("search") / "instance"
    if request.param == "sqlite":
        shutil.copytree(template, folder)
        app = app_at(folder)
    else:
        address = create_database(request.getfixturevalue("postgresql_server"), "search")
        app = app_at(folder, CONNECTOR_DATABASE_URL=address)
        prepare(app)
    with app.app_context():
        with transaction():
            _store()
        yield app
        db.session.remove()
        db.engine.dispose()


def _store() -> None:
    repository = Repository(address_key="r", site_url="http://r", api_url="http://r", endpoint="rest", generation=6)
    repository.version = "6.3"
    db.session.add(repository)
    db.session.flush()
    items = []
    for number, title in enumerate(TITLES):
        field = "dc.description.provenance" if number % 2 else "dc.subject"
        own = (MetadataValue("local.x" if number % 3 else "local.y", title),)
        items.append(Item(f"u{number}", f"1/{number}", title, None, (MetadataValue(field, title), *own), ()))
    store.save(RepositoryContext(repository.id, repository.server), items)


def has(text: str, term: Term) -> bool:
    is_there = all(string in text for string in term.strings)
    return (is_there and (not term.is_prefix or re.search(term.expression, text) is not None)) != term.is_excluded


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", "-", '"', '-"']), WORDS, st.sampled_from(["", "*", '"'])), max_size=4))
def test_the_database_finds_the_items_whose_text_has_the_terms(app, parts):
    words = " ".join(map("".join, parts))
    with suppress(InvalidInputError):
        found = set(db.session.scalars(Selection(words=words).ids()))
        texts = db.session.execute(db.select(CatalogueItem.id, CatalogueItem.search_text)).all()

        assert found == {item_id for item_id, text in texts if all(has(text, term) for term in search_terms(words))}


@settings(deadline=None)
@given(
    st.sampled_from(["", "dcterms:title", "dcterms:subject", "dcterms:provenance", "x"]),
    st.sampled_from([Operator.CONTAINS, Operator.IS, Operator.STARTS]),
    WORDS | st.sampled_from(TITLES) | st.text(),
)
def test_a_criterion_finds_the_items_with_such_a_value(app, term, operator, value):
    if not fold(value):
        return
    [found, open_only, others] = (
        set(
            db.session.scalars(
                Selection(criteria=(Criterion(join, term, operator, value),), with_restricted=each).ids()
            )
        )
        for join, each in ((Join.AND, True), (Join.AND, False), (Join.NOT, True))
    )
    rows = db.session.execute(select(CatalogueItem.id, CatalogueItem.mapped_values)).all()

    assert found | others == {row.id for row in rows}
    assert not found & others
    assert open_only <= found
    if term:
        texts = {row.id: [fold(entry["value"]) for entry in row.mapped_values.get(term, ())] for row in rows}
        has = {Operator.CONTAINS: str.__contains__, Operator.IS: str.__eq__, Operator.STARTS: str.startswith}[operator]
        expected = {item_id for item_id, its in texts.items() if any(has(text, fold(value)) for text in its)}
        assert found == expected if len(fold(value)) > 2 else found <= expected


@pytest.mark.parametrize("term", ["dcterms:title", "dcterms:subject", "dcterms:provenance", "bibo:doi", "x", "local.y"])
@pytest.mark.parametrize("with_restricted", [True, False])
def test_items_with_any_value_of_a_term_are_those_that_have_an_entry_of_it(app, term, with_restricted):
    [having, lacking, either] = (
        set(db.session.scalars(Selection(criteria=criteria, with_restricted=with_restricted).ids()))
        for criteria in (
            (Criterion(Join.AND, term, Operator.ANY),),
            (Criterion(Join.NOT, term, Operator.ANY),),
            (Criterion(Join.AND, "bibo:doi", Operator.ANY), Criterion(Join.OR, term, Operator.ANY)),
        )
    )
    items = db.session.execute(select(CatalogueItem.id, CatalogueItem.mapped_values)).all()
    shown = {row.id: row.mapped_values if with_restricted else open_terms(row.mapped_values) for row in items}

    assert having == either == {item_id for item_id, mapped in shown.items() if term in mapped}
    assert having | lacking == shown.keys()
    assert not having & lacking


CONTAINS = [Criterion(Join.AND, "dcterms:subject", Operator.CONTAINS, "harbour")]


@pytest.mark.parametrize(
    "selection",
    [
        Selection(criteria=(*CONTAINS,)),
        Selection(criteria=(*CONTAINS, Criterion(Join.OR, "local.x", Operator.STARTS, "herring"))),
        Selection(criteria=(*CONTAINS, Criterion(Join.OR, "", Operator.IS, "a"))),
        Selection(criteria=(*CONTAINS, Criterion(Join.NOT, "local.y", Operator.CONTAINS, "inner"))),
        Selection(criteria=(Criterion(Join.NOT, "dcterms:subject", Operator.CONTAINS, "harbour"),)),
        Selection(criteria=(Criterion(Join.AND, "local.x", Operator.ANY),), repository_id=1),
        Selection(criteria=(*CONTAINS,), with_restricted=False),
        Selection(words="-herring"),
        Selection(words="har -inner", criteria=(Criterion(Join.NOT, "local.y", Operator.ANY),)),
        Selection(words="harb*"),
        Selection(words="harbour"),
        Selection(words="inner harbour", repository_id=1),
        Selection(words="eu"),
    ],
)
@pytest.mark.parametrize("enough", [0, 10])
@pytest.mark.parametrize("checked", [1, 4, 1000])
def test_a_search_of_older_items_again_and_again_finds_each_item_once(app, monkeypatch, selection, checked, enough):
    monkeypatch.setattr(search, "CHECKED", checked * max(1, len(selection.criteria)))
    monkeypatch.setattr(search, "TEXTS", checked)
    monkeypatch.setattr(search_index, "ENOUGH", enough)
    items = find_newest(selection)
    found = [*(items.few or ())]
    while items.oldest_checked_id:
        items = find_newest(replace(selection, older_than_id=items.oldest_checked_id))
        found += items.few or ()

    assert sorted(found) == sorted(db.session.scalars(selection.query(CatalogueItem.id)))
    assert found


@pytest.mark.parametrize(
    ("strings", "most", "is_precise"),
    [
        (["harbour"], 2, True),
        (["herring boats"], 3, True),
        (["boats herring"], 3, True),
        (["boats herring"], 2, False),
        (["\neu\n"], 1, True),
        ([], 10, False),
    ],
)
def test_postgresql_rates_strings_by_the_items_with_their_trigrams(app, strings, most, is_precise):
    is_postgresql = db.engine.dialect.name == "postgresql"

    assert search_index.is_precise([strings], most) == (is_postgresql and is_precise)


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("selection", [Selection(), Selection(words="harbour"), Selection(words="e", repository_id=1)])
@pytest.mark.parametrize("short", [0, 1000])
def test_pages_forwards_and_backwards_have_each_item_once_in_order(app, monkeypatch, sort, selection, short):
    monkeypatch.setattr(search, "SHORT", short)
    items, everything = find(selection), select(CatalogueItem)
    order = order_of(items, sort)
    keys = items.ids() if order.columns == (CatalogueItem.id,) else items.keys(*order.columns)
    page = page_of(everything, order, Place(), keys, size=4)
    forwards = [*page.rows]
    while page.next:
        page = page_of(everything, order, page.next, keys, size=4)
        forwards += page.rows
    page = page_of(everything, order, page.end, keys, size=4)
    backwards = [*page.rows]
    while page.previous:
        page = page_of(everything, order, page.previous, keys, size=4)
        backwards = [*page.rows, *backwards]

    assert [item.id for item in forwards] == list(dict.fromkeys(item.id for item in backwards))
    assert {item.id for item in forwards} == set(db.session.scalars(selection.ids()))
    assert len({item.id for item in forwards}) == len(forwards)


def test_relevance_puts_items_with_all_words_in_the_title_first(app):
    with transaction():
        item = db.update(CatalogueItem).where(CatalogueItem.title == "Harbours")
        db.session.execute(item.values(search_text=CatalogueItem.search_text + "herring\n"))
        newest = db.update(CatalogueItem).where(CatalogueItem.title == TITLES[-1])
        db.session.execute(newest.values(search_text=CatalogueItem.search_text + "herring\n"))
    items = find(Selection(words="herring"))
    order = order_of(items, Sort.RELEVANCE)

    page = page_of(select(CatalogueItem), order, Place(), items.keys(*order.columns))

    assert [item.title for item in page.rows] == ["Boats, herring", "Herring boats", TITLES[-1], "Harbours"]


@settings(deadline=None)
@given(st.text())
def test_no_search_makes_the_database_fail(app, words):
    with suppress(InvalidInputError):
        db.session.scalars(Selection(words=words, with_restricted=False).ids()).all()
        db.session.scalars(Selection(words=f"-{words}*").ids()).all()
