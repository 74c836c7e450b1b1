"""Facet values are those of the items as they are stored, and viewers see no restricted ones."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from sqlalchemy import delete, select, update

from connector.catalogue import counts, facet_values, facets, marks
from connector.catalogue.facet_values import kind_of, sort_date, values_of
from connector.catalogue.file_rows import files_of
from connector.catalogue.repository_context import RepositoryContext
from connector.catalogue.restricted_values import Shown
from connector.catalogue.search import Selection, find
from connector.extensions import db, transaction
from connector.models.catalogue import CatalogueItem
from connector.models.item_facets import Facet, ItemFacet
from connector.models.repositories import Repository
from connector.remapping import remap_jobs
from connector.repositories import service
from connector.tasks import carry_out

ITEM = CatalogueItem.__table__


def stored():
    """Return the stored facet values of each item, by item id."""
    found: dict[int, set[tuple[int, str, bool]]] = {}
    for row in db.session.scalars(select(ItemFacet)):
        found.setdefault(row.item_id, set()).add((row.value_id, row.value, row.is_restricted))
    return found


def expected():
    """Return the facet values that each item should have, from its row and its files."""
    rows = db.session.execute(select(ITEM.c.id, ITEM.c.mapped_values)).all()
    files = files_of([row.id for row in rows])
    values = {row.id: values_of(row.mapped_values, files.get(row.id, [])) for row in rows}
    return {
        item_id: {(facet_values.value_id(*key), key[1], is_restricted) for key, is_restricted in found.items()}
        for item_id, found in values.items()
        if found
    }


def context():
    repository = db.session.scalars(select(Repository)).one()
    return RepositoryContext(repository.id, repository.server)


def entry(value, **more):
    return {"value": value, "language": None} | more


def test_an_item_has_its_types_years_languages_creators_and_kinds_of_files():
    mapped = {
        "dcterms:type": [entry("Image"), entry(" Image "), entry("x" * 300)],
        "dcterms:issued": [entry("1884-05-17"), entry("c1911"), entry("19111"), entry("1890")],
        "dcterms:creator": [entry("Strand\x00"), entry("Closed", restricted=True)],
        "dcterms:subject": [entry("Boats")],
    }
    files = [
        {"bundle": "ORIGINAL", "media_type": "application/pdf", "name_is_restricted": True},
        {"bundle": "ORIGINAL", "media_type": "image/png; q=1", "name_is_restricted": False},
        {"bundle": "THUMBNAIL", "media_type": "audio/mpeg", "name_is_restricted": False},
    ]

    assert values_of(mapped, files) == {
        (Facet.TYPE, "Image"): False,
        (Facet.TYPE, "x" * 250): False,
        (Facet.YEAR, "1884"): False,
        (Facet.YEAR, "1890"): False,
        (Facet.CREATOR, "Strand\N{REPLACEMENT CHARACTER}"): False,
        (Facet.CREATOR, "Closed"): True,
        (Facet.KIND, "pdf"): True,
        (Facet.KIND, "image"): False,
    }


def test_a_value_that_is_also_open_is_open():
    mapped = {"dcterms:creator": [entry("Strand", restricted=True), entry("Strand")]}

    assert values_of(mapped, []) == {(Facet.CREATOR, "Strand"): False}


@pytest.mark.parametrize(
    ("date", "expected"),
    [("1884-05-17T00:00:00Z", "1884-05-17"), ("1884-05", "1884-05"), ("1884", "1884"), ("c1884", ""), ("18845", "")],
)
def test_items_are_sorted_by_the_readable_part_of_their_date(date, expected):
    assert sort_date({"dcterms:issued": [entry("2001", restricted=True), entry(date)]}) == expected


@pytest.mark.parametrize(
    ("media_type", "kind"), [("TEXT/plain;x", "text"), ("video/mp4", "video"), (None, "other"), ("x/pdf", "other")]
)
def test_files_have_a_kind(media_type, kind):
    assert kind_of(media_type) == kind


def test_imported_items_have_their_facet_values(stocked_app):
    with stocked_app.app_context():
        assert stored() == expected()
        assert len(stored()) > 10


def test_facet_values_follow_marks_remaps_and_deletions(stocked_app):
    with stocked_app.app_context():
        with transaction():
            db.session.execute(delete(ITEM).where(ITEM.c.id == 2))
            marks.mark(context(), {1: Shown((), ())})
        marked = stored()
        service.ignore_fields(1, ["dc.type"])
        assert carry_out(remap_jobs.create(1))
        remapped = stored()

        assert 2 not in marked
        assert {is_restricted for _, _, is_restricted in marked[1]} == {True}
        assert remapped == expected()
        assert not any(value == "Image" for found in remapped.values() for _, value, _ in found)


def test_restricted_values_are_neither_counted_nor_found_for_viewers(stocked_app):
    with stocked_app.app_context():
        with transaction():
            marks.mark(context(), {1: Shown((), ())})
        creator = next(value for number, value, _ in stored()[1] if number % 16 == 3)
        chosen = {"facets": ((Facet.CREATOR, creator),)}
        all_counts, open_counts = (
            dict(facets.count(find(Selection(with_restricted=each)))[0][Facet.CREATOR]) for each in (True, False)
        )

        assert all_counts[creator] == open_counts.get(creator, 0) + 1
        assert 1 in db.session.scalars(Selection(**chosen).ids()).all()
        assert 1 not in db.session.scalars(Selection(**chosen, with_restricted=False).ids()).all()


def test_restricted_and_hidden_items_are_not_counted(stocked_app):
    with stocked_app.app_context():
        with transaction():
            db.session.execute(update(ITEM).where(ITEM.c.id == 1).values(is_restricted=True))
            db.session.execute(update(ITEM).where(ITEM.c.id == 2).values(is_hidden=True))
        shown = {each: facets.count(find(Selection(with_restricted=each)))[0] for each in (True, False)}

        assert {each: sum(dict(found["state"]).values()) for each, found in shown.items()} == {True: 35, False: 34}


def test_counts_are_those_of_the_items(stocked_app):
    with stocked_app.app_context():
        found, _ = facets.count(find(Selection(words="harbour")))
        ids = set(db.session.scalars(Selection(words="harbour").ids()))
        values = Counter(value_id for item_id, its in expected().items() if item_id in ids for value_id, _, _ in its)

        for facet in Facet:
            counted = {facet_values.value_id(facet, value): number for value, number in found[facet]}
            assert counted.items() <= values.items()
        assert found[Facet.TYPE]


def test_a_large_catalogue_shows_the_numbers_of_the_last_counting(stocked_app, stocked_client, monkeypatch):
    monkeypatch.setattr(facets, "COUNTED", 5)
    with stocked_app.app_context():
        counts.count_if_changed()
        every = counts.facets_of_all(True)

        assert json.loads(json.dumps(facets.count_all(find(Selection())))) == every
    assert "The numbers count only the newest" not in stocked_client.get("/items/").text
    assert "The numbers count only the newest 5 of these items." in stocked_client.get("/items/?q=strand").text


@pytest.mark.parametrize(("most", "is_partial"), [(36, False), (35, True)])
def test_the_limit_of_the_numbers_is_named_only_where_there_are_more_items(stocked_app, monkeypatch, most, is_partial):
    monkeypatch.setattr(facets, "COUNTED", most)

    with stocked_app.app_context():
        counted, there_are_more = facets.count(find(Selection()))

    assert (sum(dict(counted["state"]).values()), there_are_more) == (most, is_partial)
