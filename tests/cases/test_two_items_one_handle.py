"""Two items of a repository have one handle: its table of handles is damaged, or a handle moved to a new version."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from connector.dspace.records import ScopeKind
from connector.extensions import db, transaction
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import lifecycle, report
from connector.models.catalogue import CatalogueItem, Exclusion, ItemSet, Membership
from connector.models.jobs import Kind
from connector.repositories import discovery, service
from tests.imports.sample_importer import SampleImporter
from tests.sample import SampleRepository, laboratory
from tests.sample.grow import grow

FIRST, SECOND = "The letters, box 1", "The letters, box 2"
GENERATIONS = [4, 5, 6, 7, 9]


def add_pair(sample, apart: int = 0) -> str:
    home = sample.data.named("Special files")
    first = sample.data.add_item(home, [("dc.title", [FIRST])])
    if apart:
        grow(sample.data, apart)
    sample.data.add_item(home, [("dc.title", [SECOND])], handle=first.handle)
    return first.handle


@pytest.fixture(params=GENERATIONS)
def importer(request, app):
    with SampleRepository(request.param, content=laboratory) as sample:
        yield SampleImporter(app, sample)


@pytest.fixture
def dspace9(app):
    with SampleRepository(9, content=laboratory) as sample:
        yield SampleImporter(app, sample)


def pair(importer) -> set[str]:
    return {FIRST, SECOND} & importer.records().keys()


def problems(importer, job_id: int) -> list[dict]:
    with importer.app.app_context():
        return list(report.problems(lifecycle.get(job_id)))


def test_two_items_with_one_handle_are_imported_and_reported(importer):
    handle = add_pair(importer.sample)

    job = importer.run()

    assert pair(importer) == {FIRST, SECOND}
    assert (job.state, job.clean, job.counts["failed"], job.counts["vanished"]) == ("completed", False, 0, 0)
    assert handle in job.message
    assert {one["title"] for one in problems(importer, job.id)} >= {FIRST, SECOND}


@pytest.mark.parametrize("full", [False, True])
def test_the_next_import_changes_nothing_and_reports_the_handle_again(importer, full):
    handle = add_pair(importer.sample)
    importer.run()
    before = importer.records()

    job = importer.run(full=full)

    assert (job.counts["added"], job.counts["updated"], job.counts["vanished"], job.counts["failed"]) == (0, 0, 0, 0)
    assert importer.records() == before
    assert handle in job.message


@pytest.mark.parametrize("generation", [5, 9])
def test_two_items_with_one_handle_200_items_apart_are_imported(app, generation):
    with SampleRepository(generation, content=laboratory) as sample:
        importer = SampleImporter(app, sample)
        add_pair(sample, apart=200)

        first = importer.run(files=False)
        again = importer.run(files=False)

        assert pair(importer) == {FIRST, SECOND}
        assert (first.counts["added"], first.counts["failed"]) == (len(importer.records()), 0)
        assert (again.counts["added"], again.counts["updated"], again.counts["vanished"]) == (0, 0, 0)


def test_undo_removes_both_items_and_the_next_import_adds_both(importer):
    add_pair(importer.sample)
    job = importer.run()
    importer.undo(job.id)
    assert importer.records() == {}

    importer.run()

    assert pair(importer) == {FIRST, SECOND}


def test_each_item_is_updated_and_restored_separately(importer):
    add_pair(importer.sample)
    importer.run()
    importer.sample.data.edit(importer.sample.data.named(SECOND), "dc.subject", ["maps"])
    job = importer.run()
    changed = {t for t, one in importer.records().items() if any(v["value"] == "maps" for v in one["metadata"])}
    importer.undo(job.id)

    assert job.counts["updated"] == 1
    assert changed == {SECOND}
    assert not any(v["value"] == "maps" for one in importer.records().values() for v in one["metadata"])


def test_a_second_item_that_gets_the_handle_later_is_added(importer):
    data = importer.sample.data
    first = data.add_item(data.named("Special files"), [("dc.title", [FIRST])])
    importer.run()
    data.add_item(data.named("Special files"), [("dc.title", [SECOND])], handle=first.handle)

    job = importer.run()

    assert pair(importer) == {FIRST, SECOND}
    assert (job.counts["added"], job.counts["vanished"]) == (1, 0)


def test_one_item_stays_when_the_other_is_deleted_at_the_source(importer):
    add_pair(importer.sample)
    importer.run()
    importer.sample.data.delete(importer.sample.data.named(FIRST))

    job = importer.run()

    assert job.counts["vanished"] == 1
    assert importer.records()[FIRST]["source_state"] != "present"
    assert importer.records()[SECOND]["source_state"] == "present"


def test_a_preview_shows_both_items_with_one_handle(importer):
    add_pair(importer.sample)
    with importer.app.app_context():
        scope = discovery.find(importer.repository_id, ScopeKind.REPOSITORY, "").scope
        source_id = service.source_for(importer.repository_id, scope)
        job = importer._worked(queueing.create(source_id, ImportOptions(rehearse=50), kind=Kind.PREVIEW))

    assert job.state == "completed"
    assert job.counts["failed"] == 0


def place_by_hand(importer, title: str) -> None:
    with importer.app.app_context(), transaction():
        item_id = db.session.scalar(select(CatalogueItem.id).where(CatalogueItem.title == title))
        made = ItemSet(name="Our choice")
        db.session.add(made)
        db.session.flush()
        db.session.add(Membership(item_id=item_id, item_set_id=made.id))


@pytest.fixture
def newcomer_first(app):
    """A repository whose list shows an item with the handle of a held one, 100 items before that one."""
    with SampleRepository(9, content=laboratory) as sample:
        importer, data = SampleImporter(app, sample), sample.data
        home = data.named("Special files")
        second = data.add_item(home, [("dc.title", [SECOND])])
        grow(data, 100)
        first = data.add_item(home, [("dc.title", [FIRST])])
        data.delete(second)
        importer.run(files=False)
        place_by_hand(importer, FIRST)
        second.handle = first.handle
        data._register(data.items, second)
        data.changes += 1
        yield importer


def test_a_new_item_that_is_listed_first_does_not_replace_the_stored_item(newcomer_first):
    job = newcomer_first.run(files=False, full=True)

    records = newcomer_first.records()
    assert (job.counts["added"], job.counts["vanished"]) == (1, 0)
    assert (records[FIRST]["item_sets"], records[SECOND]["item_sets"]) == (["Our choice"], [])


def test_a_new_item_replaces_a_stored_item_that_is_missing(newcomer_first):
    newcomer_first.sample.data.delete(newcomer_first.sample.data.named(FIRST))

    job = newcomer_first.run(files=False, full=True)

    assert (job.counts["added"], job.counts["updated"]) == (0, 1)
    assert newcomer_first.records()[SECOND]["item_sets"] == ["Our choice"]


def test_takedown_of_one_item_keeps_the_other_with_the_same_handle(dspace9, client):
    add_pair(dspace9.sample)
    dspace9.run()
    with dspace9.app.app_context():
        item_id = db.session.scalar(select(CatalogueItem.id).where(CatalogueItem.title == FIRST))
    page = client.get(f"/takedown/?item={item_id}").get_data(as_text=True)
    sent = {"repository": dspace9.repository_id, "item": item_id, "reason": "Asked for", "confirmed": "yes"}

    client.post("/takedown/", data=sent)
    job = dspace9.run()

    assert f'name="item" value="{item_id}"' in page
    assert pair(dspace9) == {SECOND}
    assert job.clean
    assert "no longer listed" not in job.message


def test_an_excluded_item_that_is_held_is_not_named_as_unlisted(dspace9):
    handle = add_pair(dspace9.sample)
    dspace9.run()
    with dspace9.app.app_context(), transaction():
        names = {"source_key": handle, "source_id": "", "handle": handle, "reason": "", "owner": ""}
        db.session.add(Exclusion(repository_id=dspace9.repository_id, **names))

    job = dspace9.run()

    assert "no longer listed" not in job.message


def test_a_restricted_title_is_not_shown_in_the_problems(dspace9):
    add_pair(dspace9.sample)
    job = dspace9.run()
    with dspace9.app.app_context(), transaction():
        db.session.execute(update(CatalogueItem).where(CatalogueItem.title == FIRST).values(is_restricted=True))
        hidden = CatalogueItem.title == SECOND
        db.session.execute(update(CatalogueItem).where(hidden).values(title_is_restricted=True))

    assert {FIRST, SECOND}.isdisjoint(one["title"] for one in problems(dspace9, job.id))
