"""Items that name each other by relations of DSpace or by authorities are linked while both are in the catalogue."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import select, update

from connector.catalogue import (
    earlier_states,
    export,
    json_ld,
    marks,
    related_items,
    related_queries,
    search,
    store,
)
from connector.catalogue.related_queries import Related
from connector.catalogue.relation_labels import named_label, naming_label
from connector.catalogue.relation_rows import relations_of
from connector.catalogue.repository_context import RepositoryContext
from connector.catalogue.restricted_values import Shown
from connector.catalogue.search import Selection, find
from connector.dspace.records import Item, MetadataValue
from connector.extensions import db, transaction
from connector.models.catalogue import CatalogueItem
from connector.models.item_relations import ItemRelation
from connector.models.repositories import Repository
from connector.storage.instance import prepare
from connector.web.catalogue import item_formats
from tests import signed_in
from tests.conftest import app_at
from tests.dspace.fake_hal import SCOPE, FakeHal, client_of, nothing_seen, recorded
from tests.pages import links, words
from tests.tools import needs

AUTHOR, PUBLICATION, ORG_UNIT = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs("postgresql"))])
def place(request, tmp_path):
    """The first of two repositories, in a context of an app with each database."""
    if request.param == "sqlite":
        app = request.getfixturevalue("app")
    else:
        app = app_at(tmp_path, CONNECTOR_DATABASE_URL=request.getfixturevalue("postgresql"))
        prepare(app)
    with app.app_context():
        yield _places()
        db.session.remove()
        db.engine.dispose()


def _places():
    """Add two repositories and return the first."""
    with transaction():
        db.session.add_all([_repository("a"), _repository("b")])
    return _place("a")


def _repository(name):
    address = {"address_key": name, "site_url": f"https://{name}.example", "api_url": f"https://{name}.example/api"}
    return Repository(**address, endpoint="server/api", generation=9, version="9.3")


def _place(name):
    repository = db.session.scalars(select(Repository).where(Repository.address_key == name)).one()
    return RepositoryContext(repository.id, repository.server)


def item(id, title, *values):
    return Item(id, f"1/{id}", title, "then", (MetadataValue("dc.title", title), *values), ())


def save(place, *items):
    """Store items and return their ids in the catalogue."""
    with transaction():
        return [saved.stored_id for saved in store.save(place, items)]


def groups(item_id, *, with_restricted=True):
    found = related_items.of_item(db.session.get_one(CatalogueItem, item_id), with_restricted)
    return {group.label: [other.title for other in group.items] for group in found}


def selected(related, *, with_restricted=True):
    """Return the titles of the related items, as a list finds them, and in the order of titles."""
    items = find(Selection(related=related, with_restricted=with_restricted))
    by_title = items.keys(CatalogueItem.title).order_by(CatalogueItem.title)
    titles = db.session.scalars(by_title).all()
    assert len(db.session.scalars(items.ids()).all()) == len(titles)
    return titles


def author(id=AUTHOR):
    return MetadataValue("relation.isAuthorOfPublication", id, authority="virtual::1")


def person(*values, id=AUTHOR, title="Ada Author"):
    return item(id, title, *values)


def publication(*values, id=PUBLICATION, title="A book"):
    return item(id, title, *values)


def test_recorded_publications_and_persons_are_linked_from_both_sides_once(place):
    pages = client_of(FakeHal(recorded("publications", "persons"))).walk(SCOPE, seen=nothing_seen)
    found = [each for page in pages for each in page.items]

    ids = dict(zip([each.name for each in found], save(place, *found), strict=True))

    assert groups(ids["Publication with related persons"]) == {"Authors": ["Person0, Real", "Person2, Real"]}
    assert groups(ids["Person0, Real"]) == {"Publications": ["Publication with related persons"]}
    assert groups(ids["Person1, Real"]) == {}


def test_a_link_appears_with_the_other_item_and_vanishes_with_it(place):
    [book] = save(place, publication(author()))
    before = groups(book)
    [ada] = save(place, person())
    linked = groups(book), groups(ada)
    with transaction():
        db.session.execute(CatalogueItem.__table__.delete().where(CatalogueItem.id == book))

    assert before == {}
    assert linked == ({"Authors": ["Ada Author"]}, {"Publications": ["A book"]})
    assert groups(ada) == {}
    assert db.session.scalars(select(ItemRelation)).all() == []


def test_an_item_of_another_repository_with_the_same_id_is_not_linked(place):
    [book] = save(place, publication(author()))
    [stranger] = save(_place("b"), person())

    assert (groups(book), groups(stranger)) == ({}, {})
    assert related_items.named_items([book], with_restricted=True) == {}


def test_an_authority_that_is_the_id_of_an_item_is_a_link(place):
    value = MetadataValue("dc.contributor.author", "Author, Ada", authority=AUTHOR)
    book, ada = save(place, publication(value, author()), person())

    assert groups(book) == {"Authors": ["Ada Author"]}
    assert groups(ada) == {"Items that name this item in dc.contributor.author": ["A book"], "Publications": ["A book"]}


@pytest.mark.parametrize(
    "value",
    [
        MetadataValue("relation.isAuthorOfPublication", "Author, Ada"),
        MetadataValue("dc.contributor.author", "A", authority="12"),
        MetadataValue("dc.contributor.author", "A", authority="virtual::1"),
        MetadataValue("dc.contributor.author", AUTHOR),
    ],
)
def test_texts_numbers_and_virtual_authorities_are_no_relations(value):
    metadata = [{"field": value.field, "value": value.value, "authority": value.authority}]

    assert relations_of(metadata) == {}


def test_relations_follow_updates_and_undo(place):
    [book] = save(place, publication(author()))
    [saved] = store.save(place, [publication(author(ORG_UNIT))])
    updated = db.session.scalars(select(ItemRelation.target_id)).all()
    earlier_states.restore_data(place, book, saved.before["data"])

    assert updated == [ORG_UNIT]
    assert db.session.scalars(select(ItemRelation.target_id)).all() == [AUTHOR]


def test_viewers_see_no_restricted_relation(place):
    book, ada = save(place, publication(author()), person())
    with transaction():
        marks.mark(place, {book: Shown((MetadataValue("dc.title", "A book"),), ())})

    assert groups(book) == {"Authors": ["Ada Author"]}
    for item_id in (book, ada):
        assert groups(item_id, with_restricted=False) == {}
    assert related_items.named_items([book], with_restricted=False) == {}


def test_viewers_see_no_restricted_item_and_nobody_a_hidden_one(place):
    book, ada, unit = save(place, publication(author()), person(), item(ORG_UNIT, "An institute", author()))
    _set(book, is_restricted=True)
    _set(unit, is_hidden=True)

    assert groups(ada) == {"Publications": ["A book"]}
    assert groups(ada, with_restricted=False) == {}


def _set(item_id, **values):
    with transaction():
        db.session.execute(update(CatalogueItem).where(CatalogueItem.id == item_id).values(values))


def test_a_group_has_twenty_items_by_title_and_number_and_the_number_of_the_others(place):
    books = [publication(author(), id=f"{AUTHOR[:-2]}{number}", title=f"Book {number}") for number in range(23, 0, -1)]
    [ada, *_] = save(place, person(), *books)

    [group] = related_items.of_item(db.session.get_one(CatalogueItem, ada), with_restricted=True)

    assert [other.title for other in group.items] == [f"Book {number}" for number in range(1, 21)]
    assert group.more == 3


@pytest.mark.parametrize("few", [0, 1000])
def test_the_list_of_related_items_has_those_of_both_directions_once(place, monkeypatch, few):
    monkeypatch.setattr(related_queries, "FEW", few)
    monkeypatch.setattr(search, "SHORT", few)
    unit = MetadataValue("relation.isOrgUnitOfPerson", ORG_UNIT)
    both = MetadataValue("relation.isPublicationOfAuthor", PUBLICATION)
    [ada, _unit, _book] = save(place, person(unit, both, author()), item(ORG_UNIT, "A unit"), publication(author()))
    save(place, publication(author(), id=f"{AUTHOR[:-1]}9", title="Another book"))
    save(_place("b"), publication(author(), title="Elsewhere"))

    related = selected(Related(ada))

    assert related == ["A book", "A unit", "Another book"]
    assert selected(Related(ada, named=("relation.isOrgUnitOfPerson",), naming=())) == ["A unit"]


@pytest.mark.parametrize("few", [0, 1000])
def test_the_list_of_related_items_has_only_what_the_reader_may_see(place, monkeypatch, few):
    monkeypatch.setattr(related_queries, "FEW", few)
    monkeypatch.setattr(search, "SHORT", few)
    closed = MetadataValue("local.kin", "Kin", authority=AUTHOR)
    [ada, book, hidden] = save(
        place, person(), publication(author()), publication(author(), id=ORG_UNIT, title="Hidden book")
    )
    [kin] = save(place, publication(closed, id=f"{AUTHOR[:-1]}9", title="Kin"))
    _set(hidden, is_hidden=True)
    with transaction():
        db.session.execute(update(ItemRelation).where(ItemRelation.item_id == kin).values(is_restricted=True))
    before = selected(Related(ada)), selected(Related(ada), with_restricted=False)
    _set(ada, is_restricted=True)

    assert before == (["A book", "Kin"], ["A book"])
    assert selected(Related(book), with_restricted=False) == []
    assert selected(Related(ada), with_restricted=False) == []


def test_a_long_group_links_to_the_list_of_related_items_which_names_the_item(app, client, monkeypatch):
    monkeypatch.setattr(related_items, "MOST", 1)
    with app.app_context():
        ada, *_ = save(_places(), person(), publication(author()), publication(author(), id=ORG_UNIT, title="B book"))

    page, related = client.get(f"/items/{ada}/"), client.get(f"/items/?related={ada}")

    assert "and 1 more" in words(page)
    assert f"/items/?related={ada}" in links(page)
    assert "Related to: Ada Author" in words(related)
    assert "2 items" in words(related)
    with app.app_context():
        _set(ada, is_restricted=True)
    assert "Ada Author" not in words(signed_in.viewer(app).get(f"/items/?related={ada}"))


def test_a_group_that_is_too_long_to_be_counted_says_so(app, client, monkeypatch):
    monkeypatch.setattr(related_items, "COUNTED", 2)
    monkeypatch.setattr(related_items, "MOST", 1)
    monkeypatch.setattr(search, "SHORT", 2)
    books = [publication(author(), id=f"{AUTHOR[:-1]}{number}", title=f"Book {number}") for number in range(2, 6)]
    with app.app_context():
        [ada, *_] = save(_places(), person(), *books)

    assert "and over 1 more" in words(client.get(f"/items/{ada}/"))


def test_the_page_and_json_ld_link_to_a_related_item_that_the_reader_may_see(app, client):
    with app.app_context():
        book, ada = save(_places(), publication(author()), person())
        _set(ada, is_restricted=True)
        link = db.session.get_one(CatalogueItem, ada).link
    viewer = signed_in.viewer(app)

    page = client.get(f"/items/{book}/")
    document = json.loads(client.get(f"/items/{book}.jsonld").text)

    assert "Related items" in words(page)
    assert f"/items/{ada}/" in links(page)
    assert document["dcterms:relation"] == [{"@id": link, "rdfs:label": "Ada Author"}]
    assert "Related items" not in words(viewer.get(f"/items/{book}/"))
    assert "dcterms:relation" not in json.loads(viewer.get(f"/items/{book}.jsonld").text)


def test_the_page_shows_ids_of_related_items_only_among_the_original_fields(app, client):
    with app.app_context():
        named = [author(), author("Author whose id is unknown"), MetadataValue("local.note", ORG_UNIT)]
        [book] = save(_places(), publication(*named))

    shown, original = words(client.get(f"/items/{book}/")).split("Original DSpace fields (4)")

    assert "relation.isAuthorOfPublication Author whose id is unknown" in shown
    assert f"local.note {ORG_UNIT}" in shown
    assert AUTHOR not in shown
    assert f"relation.isAuthorOfPublication {AUTHOR}" in original


def test_the_json_ld_in_a_page_has_the_first_related_items_and_the_download_all(app, client, monkeypatch):
    monkeypatch.setattr(item_formats, "EMBEDDED_RELATIONS", 1)
    unit = MetadataValue("relation.isOrgUnitOfPublication", ORG_UNIT)
    with app.app_context():
        book, *_ = save(_places(), publication(author(), unit), person(), item(ORG_UNIT, "A unit"))

    page, document = client.get(f"/items/{book}/"), json.loads(client.get(f"/items/{book}.jsonld").text)
    [embedded] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page.text, re.DOTALL)

    labels = [[one["rdfs:label"] for one in each["dcterms:relation"]] for each in (json.loads(embedded), document)]
    assert labels == [["Ada Author"], ["Ada Author", "A unit"]]


def test_the_list_of_an_item_that_names_thousands_has_all_and_reads_no_ids_into_its_query(place, monkeypatch):
    monkeypatch.setattr(related_queries, "FEW", 1)
    books = [publication(id=f"{AUTHOR[:-1]}{number}", title=f"Book {number}") for number in range(3)]
    naming = [MetadataValue("relation.isPublicationOfAuthor", f"{AUTHOR[:-1]}{number}") for number in range(3)]
    [unit, *_] = save(place, item(ORG_UNIT, "A unit", *naming), *books)
    query = related_queries.related_ids(Related(unit), with_restricted=True).compile(db.engine)

    assert selected(Related(unit)) == ["Book 0", "Book 1", "Book 2"]
    assert "[POSTCOMPILE" not in str(query)


def test_exports_and_the_api_name_the_related_item_beside_the_field(place):
    book, ada = save(place, publication(author()), person())
    items = db.session.scalars(select(CatalogueItem).order_by(CatalogueItem.id)).all()

    first, second = export.records(items, with_restricted=True)

    related = {"field": "relation.isAuthorOfPublication", "id": ada, "link": items[1].link, "title": "Ada Author"}
    assert (first["id"], first["relations"]) == (book, [related])
    assert second["relations"] == []


def test_a_relation_and_a_value_of_the_same_term_are_both_in_json_ld():
    values = {"dcterms:relation": [{"value": "Harbour Album", "language": None}]}
    relation = {"field": "relation.isPartOf", "id": 2, "link": "https://a.example/2", "title": None}

    node = json_ld.node("https://a.example/1", values, [], [relation, relation | {"field": "local.part"}])

    assert node["dcterms:relation"] == [{"@value": "Harbour Album"}, {"@id": "https://a.example/2"}]


@pytest.mark.parametrize(
    ("field", "named", "naming"),
    [
        ("relation.isAuthorOfPublication", "Authors", "Publications"),
        ("relation.isOrgUnitOfPerson", "Organisations", "People"),
        ("relation.isFundingAgencyOfProject", "Funding agencies", "Projects"),
        ("relation.isProfessorOfSummerSchool", "Professor", "Summer school"),
        ("dc.contributor.editor", "Editors", "Items that name this item in dc.contributor.editor"),
        ("local.kin", "local.kin", "Items that name this item in local.kin"),
    ],
)
def test_fields_have_labels_for_both_sides(app, field, named, naming):
    with app.test_request_context():
        assert (named_label(field), naming_label(field)) == (named, naming)
