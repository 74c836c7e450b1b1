"""The counts of the catalogue that the overview shows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.accounts import audit
from connector.catalogue import counts
from connector.extensions import db, transaction, utcnow
from connector.models.catalogue import CatalogueCount, CatalogueFile, CatalogueItem, StoredFile
from connector.models.jobs import Job, State

LATER = timedelta(minutes=2)


@pytest.fixture
def count_after(stocked_app):
    """Count the catalogue, and count again after a change."""
    with stocked_app.app_context():

        def change(statement):
            with transaction():
                db.session.execute(statement)
                db.session.execute(db.delete(CatalogueCount))
            assert counts.count_if_changed()

        assert counts.count_if_changed()
        yield change


def held(*, with_restricted=True):
    """Return what is held of the only repository."""
    return next(iter(counts.totals(with_restricted=with_restricted)[1]))


def stored_bytes():
    query = db.select(db.func.sum(StoredFile.size)).join(CatalogueFile, CatalogueFile.sha256 == StoredFile.sha256)
    return db.session.scalar(query)


def test_items_stored_files_and_bytes_are_counted(count_after):
    found = held()

    assert found.items == db.session.scalar(db.select(db.func.count(CatalogueItem.id)))
    assert found.files == db.session.scalar(db.select(db.func.count(CatalogueFile.sha256)))
    assert found.bytes == stored_bytes()


def test_items_are_counted_by_year_and_type(count_after):
    found = held()

    assert (found.years[2022], found.years[1911], found.types["Image"]) == (21, 1, 12)
    assert found.years.total() == found.types.total() == found.items


@pytest.mark.parametrize(
    ("date", "year"), [("1911", 1911), ("1911-05", 1911), ("19111", None), ("c1911", None), ("", None)]
)
def test_a_year_is_four_digits_at_the_start_of_a_date(count_after, date, year):
    values = {"dcterms:issued": [{"value": date, "language": None}]}

    count_after(db.update(CatalogueItem).values(mapped_values=values))

    assert held().years == {year: 36}


def test_a_restricted_date_or_type_counts_as_none(count_after):
    value = {"value": "1911", "language": None, "restricted": True}

    count_after(db.update(CatalogueItem).values(mapped_values={"dcterms:issued": [value], "dcterms:type": [value]}))

    assert (held().years, held().types) == ({None: 36}, {None: 36})


def test_hidden_items_are_left_out(count_after):
    count_after(db.update(CatalogueItem).where(CatalogueItem.id <= 10).values(is_hidden=True))

    assert held().items == 26


def test_restricted_items_and_files_are_counted_only_for_those_who_may_see_them(count_after):
    files = held().files
    count_after(db.update(CatalogueItem).where(CatalogueItem.id == 1).values(is_restricted=True))

    assert (held().items, held(with_restricted=False).items) == (36, 35)
    assert held().files == files > held(with_restricted=False).files


def test_files_with_restricted_names_are_counted_only_for_those_who_may_see_them(count_after):
    files = held().files
    count_after(db.update(CatalogueFile).where(CatalogueFile.id == 1).values(name_is_restricted=True))

    assert (held().files, held(with_restricted=False).files) == (files, files - 1)


def test_rare_types_are_summed(count_after, monkeypatch):
    monkeypatch.setattr(counts, "TYPES", 1)
    image = {"dcterms:type": [{"value": "Rare", "language": None}]}

    count_after(db.update(CatalogueItem).where(CatalogueItem.id <= 3).values(mapped_values=image))

    assert held().other_types + held().types.total() == 36
    assert len(held().types) == 1


def test_a_catalogue_without_changes_is_not_counted_again(count_after):
    assert not counts.count_if_changed(utcnow() + LATER)
    assert counts.count_if_changed(utcnow() + counts.LONGEST + LATER)


def test_the_catalogue_is_counted_again_during_a_job_and_once_after_it(count_after):
    counted_then = []
    for number, state in enumerate((State.RUNNING, State.RUNNING, State.COMPLETED, State.COMPLETED), 1):
        with transaction():
            db.session.execute(db.update(Job).where(Job.id == 1).values(state=state.value))
        counted_then.append(counts.count_if_changed(utcnow() + number * LATER))

    assert counted_then == [True, True, True, False]


def test_the_catalogue_is_counted_again_after_an_action_in_the_audit_trail(count_after):
    audit.record("hide", "", items=1)

    assert counts.count_if_changed(utcnow() + LATER)


def test_a_long_counting_is_not_repeated_soon(count_after):
    with transaction():
        db.session.execute(db.update(CatalogueCount).values(seconds=60.0, basis=[]))

    assert not counts.count_if_changed(utcnow() + LATER)
    assert counts.count_if_changed(utcnow() + timedelta(minutes=21))
