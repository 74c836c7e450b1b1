"""Item sets made from collections follow the source, and keep the changes of people."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from connector.catalogue import item_set_changes
from connector.extensions import db, transaction
from connector.models.catalogue import CatalogueItem, ItemSet, Membership
from tests.sample import SampleRepository

from ..sample_importer import SampleImporter

TITLE, OLD, NEW = "No file", "Special files", "Aldermouth Gazette"


@pytest.fixture(params=[5, 6, 9])
def importer(request, app):
    with SampleRepository(request.param) as sample:
        yield SampleImporter(app, sample)


def run(importer, **options):
    return importer.run(files=False, item_set_from_collection=True, **options)


def sets_of(importer, title: str = TITLE) -> list[str]:
    return importer.records()[title]["item_sets"]


def move(importer) -> None:
    importer.sample.data.move(importer.sample.data.named(TITLE), importer.sample.data.named(NEW))


def test_an_item_that_moved_leaves_the_set_of_its_old_collection(importer):
    run(importer)
    before = sets_of(importer)
    move(importer)

    run(importer)

    assert (before, sets_of(importer)) == ([OLD], [NEW])


def test_an_unchanged_import_keeps_all_item_sets(importer):
    run(importer)
    before = {title: one["item_sets"] for title, one in importer.records().items()}

    run(importer, full=True)

    assert {title: one["item_sets"] for title, one in importer.records().items()} == before


def test_a_membership_added_by_a_person_stays(importer):
    run(importer)
    with importer.app.app_context(), transaction():
        item_id = db.session.scalar(select(CatalogueItem.id).where(CatalogueItem.title == TITLE))
        set_id = db.session.scalar(select(ItemSet.id).where(ItemSet.name == OLD))
        db.session.add(Membership(item_id=item_id, item_set_id=set_id))
    move(importer)

    run(importer)

    assert sets_of(importer) == [NEW, OLD]


def test_an_item_that_a_person_took_out_does_not_come_back_with_imports_and_undos(importer):
    run(importer)
    move(importer)
    moved = run(importer)
    with importer.app.app_context():
        item_id = db.session.scalars(select(CatalogueItem.id).where(CatalogueItem.title == TITLE)).one()
        for name in (OLD, NEW):
            set_id = db.session.scalars(select(ItemSet.id).where(ItemSet.name == name)).one()
            item_set_changes.put_in(set_id, select(CatalogueItem.id).where(CatalogueItem.id == item_id))
            item_set_changes.take_out(set_id, select(CatalogueItem.id).where(CatalogueItem.id == item_id))

    run(importer, full=True)
    after_import = sets_of(importer)
    importer.undo(moved.id)

    assert (after_import, sets_of(importer)) == ([], [])


def test_undo_puts_a_moved_item_back_into_its_old_set(importer):
    run(importer)
    move(importer)
    job = run(importer)

    importer.undo(job.id)

    assert sets_of(importer) == [OLD]


def test_a_renamed_collection_renames_its_set_unless_a_person_did(importer):
    run(importer)
    with importer.app.app_context(), transaction():
        db.session.scalar(select(ItemSet).where(ItemSet.name == NEW)).name = "Our newspaper"
    for name in (OLD, NEW):
        importer.sample.data.named(name).name = f"{name}, renamed"
    importer.sample.data.changes += 1

    run(importer, full=True)

    with importer.app.app_context():
        names = set(db.session.scalars(select(ItemSet.name)))
    assert {f"{OLD}, renamed", "Our newspaper"} <= names
    assert not {OLD, NEW, f"{NEW}, renamed"} & names


def test_a_set_of_an_earlier_version_keeps_a_name_that_a_person_may_have_given(importer):
    run(importer)
    with importer.app.app_context(), transaction():
        known = db.session.scalar(select(ItemSet).where(ItemSet.name == NEW))
        known.name, known.source_name = "Our newspaper", None
    names = []
    for name in (NEW, f"{NEW}, renamed"):
        importer.sample.data.named(NEW).name = name
        importer.sample.data.changes += 1
        run(importer, full=True)
        with importer.app.app_context():
            names.append(db.session.scalar(select(ItemSet.source_name).where(ItemSet.name == "Our newspaper")))

    assert names == [NEW, f"{NEW}, renamed"]


def test_items_of_unreadable_collections_are_counted(app):
    with SampleRepository(9) as sample:
        importer = SampleImporter(app, sample)
        home = sample.data.named(OLD)
        number = len([one for one in sample.data.items.values() if one.collection is home and one.is_found])
        home.readable = False

        job = run(importer)

        homeless = [title for title, one in importer.records().items() if not one["item_sets"]]
        assert len(homeless) >= number > 1
        assert job.clean
        assert f"{len(homeless)} items are in no item set, because the collection cannot be read." in job.message


@pytest.fixture(params=[5, 6])
def mapped(request, app):
    """A signed-out import of an item that is in two collections."""
    with SampleRepository(request.param) as sample:
        importer = SampleImporter(app, sample)
        sample.data.map_to(sample.data.named(TITLE), sample.data.named(NEW))
        run(importer)
        assert sorted(sets_of(importer)) == [NEW, OLD]
        yield importer


def test_an_item_stays_in_the_set_of_a_collection_that_became_restricted(mapped):
    mapped.sample.data.named(NEW).readable = False

    run(mapped)

    assert sorted(sets_of(mapped)) == [NEW, OLD]


def test_an_item_stays_in_the_set_of_a_collection_that_could_not_be_read_to_its_end(mapped):
    new = mapped.sample.data.named(NEW)
    number = new.uuid if mapped.sample.generation == 6 else new.number
    mapped.sample.faults.add(f"/collections/{number}", times=None, status=404)

    run(mapped)

    assert sorted(sets_of(mapped)) == [NEW, OLD]


def test_the_last_item_of_a_collection_leaves_its_set(mapped):
    data = mapped.sample.data
    new, item = data.named(NEW), data.named(TITLE)
    for one in [each for each in data.items.values() if each.collection is new or new in each.mapped]:
        if one is not item and one.collection is new:
            data.move(one, data.named(OLD))
        one.mapped = [home for home in one.mapped if home is not new]
    data.changes += 1

    run(mapped)

    assert sets_of(mapped) == [OLD]
