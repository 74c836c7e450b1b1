"""An import also brings the items outside its scope that its items name, if it is told so (design rule 22)."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from connector.catalogue import takedown
from connector.dspace.records import SourceState
from connector.extensions import db
from connector.imports.import_options import ImportOptions
from connector.imports.start import preview_selection, queueing, retry_failed, scheduling
from connector.jobs import creation, lifecycle
from connector.jobs.attempt import stop_here
from connector.models.catalogue import CatalogueItem, Holding, ItemSet, Membership
from connector.models.changes import Change
from connector.models.jobs import Kind
from connector.models.previews import PreviewRow
from connector.models.repositories import Source
from connector.repositories import credentials
from connector.storage.instance import prepare
from connector.tasks import carry_out
from tests.conftest import app_at
from tests.pages import words
from tests.sample import Repository, SampleRepository
from tests.sample.login import NAME, PASSWORD
from tests.tools import needs

from ..catalogue import dump, records
from ..steps import import_of

AUTHOR = "relation.isAuthorOfPublication"
NOTHING = "00000000-0000-4000-8000-00000000000a"
ALL = {"First": False, "Second": False, "Ada": True, "Ben": True, "Cleo": True}
BOTH = {"Ben": True, "Cleo": True}  # those whom the second publication names

on_both_databases = pytest.mark.parametrize(
    "any_app", ["sqlite", pytest.param("postgresql", marks=needs("postgresql"))], indirect=True
)


@pytest.fixture
def sample(request):
    """Two publications with three authors. One of the authors names a fourth person, whom no publication names."""
    data = Repository()
    with SampleRepository(getattr(request, "param", 9), data=data) as sample:
        top = data.add_community("Faculty")
        publications, people = data.add_collection("Publications", top), data.add_collection("People", top)
        ada, ben, cleo, dan = (data.add_item(people, [("dc.title", [name])]) for name in ("Ada", "Ben", "Cleo", "Dan"))
        first, second = (data.add_item(publications, [("dc.title", [name])]) for name in ("First", "Second"))
        data.add_file(ada, "cv.txt", b"Ada was born")
        data.relate(first, AUTHOR, [ada, ben])
        data.relate(second, AUTHOR, [ben, cleo])
        data.relate(cleo, "relation.isFriendOfPerson", [dan], "dc.relation")
        yield sample


@pytest.fixture
def any_app(request, tmp_path):
    if getattr(request, "param", "sqlite") == "sqlite":
        return request.getfixturevalue("app")
    app = app_at(tmp_path, CONNECTOR_DATABASE_URL=request.getfixturevalue("postgresql"))
    prepare(app)
    return app


class Publications:
    """The source of the publications, whose imports also read the items that these name."""

    def __init__(self, sample):
        self.sample, self.data = sample, sample.data
        self.run = import_of(sample, self.named("Publications"), related_items=True, files=True)

    def named(self, name):
        return self.data.named(name)

    @property
    def repository_id(self) -> int:
        return db.session.scalars(select(Source.repository_id)).one()

    @property
    def source_id(self) -> int:
        return db.session.scalars(select(Source.id)).one()

    def run_with(self, **options):
        return self.work(self.queue(**options))

    def queue(self, kind=Kind.IMPORT, **options) -> int:
        return queueing.create(self.source_id, ImportOptions(**{"related_items": True} | options), kind=kind)

    def preview(self):
        options = replace(scheduling.next_options(db.session.get_one(Source, self.source_id)), related_items=True)
        return self.work(queueing.create(self.source_id, options.for_preview(0), kind=Kind.PREVIEW))

    def undo(self, job):
        return self.work(creation.create_undo(job.id))

    def work(self, job_id):
        assert carry_out(job_id)
        job = lifecycle.get(job_id)
        db.session.expunge(job)
        return job


@pytest.fixture
def publications(any_app, sample):
    any_app.config |= {"RECHECK_RUNS": 0, "MISSING_LEAST": 100}
    with any_app.app_context():
        yield Publications(sample)
        db.session.remove()
        db.engine.dispose()


def held() -> dict[str, bool]:
    """Return the titles of the held items, each with whether it is held because others name it."""
    query = select(CatalogueItem.title, Holding.is_named).join(Holding, Holding.item_id == CatalogueItem.id)
    found = dict(db.session.execute(query.where(Holding.left_at.is_(None))).all())
    db.session.rollback()
    return found


def state(title: str) -> str:
    found = db.session.scalars(select(CatalogueItem.source_state).where(CatalogueItem.title == title)).one()
    db.session.rollback()
    return found


def reasons(job) -> dict[str, str]:
    return dict(db.session.execute(select(Change.title, Change.reason).where(Change.job_id == job.id)).all())


def counts(job) -> tuple[int, ...]:
    return tuple(job.counts[name] for name in ("seen", "related", "added", "updated", "unchanged", "vanished"))


def pages_of_ids(sample) -> int:
    return sum("search.resourceid" in target and "page=" in target for _, target in sample.requests)


@on_both_databases
@pytest.mark.parametrize("sample", [7, 9], indirect=True)
def test_an_import_brings_the_items_that_its_items_name_with_their_files_and_follows_one_level(publications):
    job = publications.run()

    assert (job.clean, job.expected, counts(job)) == (True, 2, (2, 3, 5, 0, 0, 0))
    assert (held(), job.counts["files_stored"]) == (ALL, 1)
    assert job.message == "Also read: 3 related items that these items name."


def test_past_imports_counts_related_items_beside_those_of_the_scope(app, publications):
    publications.run()

    assert "Total: 2 Related items: 3 Added: 5 in job 1 Updated: 0" in words(app.test_client().get("/jobs/"))


def test_an_import_without_the_option_reads_its_scope_only(publications):
    publications.run_with(related_items=False)

    assert held() == {"First": False, "Second": False}


@on_both_databases
def test_the_same_import_again_adds_nothing_and_asks_for_the_named_items_once(publications):
    publications.run()
    before = dump_of_items()
    publications.sample.reset()

    job = publications.run()

    assert (job.clean, counts(job)) == (True, (2, 3, 0, 0, 5, 0))
    assert dump_of_items() == before
    assert pages_of_ids(publications.sample) == 1


def dump_of_items():
    """Return the columns of items and holdings that an import without changes leaves alone."""
    items = db.session.execute(select(CatalogueItem.__table__).order_by(CatalogueItem.id)).all()
    holdings = select(Holding.item_id, Holding.is_named, Holding.left_at, Holding.created_by_job_id)
    found = items, db.session.execute(holdings.order_by(Holding.id)).all()
    db.session.rollback()
    return found


def test_a_later_import_with_the_option_brings_the_named_items_without_listing_the_scope_again(publications):
    publications.run_with(related_items=False)

    job = publications.run()

    assert (job.clean, counts(job), held()) == (True, (2, 3, 3, 0, 2, 0), ALL)


def test_a_named_item_that_changed_is_updated_and_an_undo_restores_it(any_app, publications):
    publications.run()
    before = records(any_app)
    publications.data.edit(publications.named("Ben"), "dc.description", ["Professor"])

    job = publications.run()
    changed = records(any_app)
    publications.undo(job)

    assert (job.clean, counts(job)) == (True, (2, 3, 0, 1, 4, 0))
    assert changed != before == records(any_app)


@on_both_databases
def test_a_named_item_that_is_deleted_is_missing_and_its_publication_is_not(publications):
    publications.run()
    publications.data.delete(publications.named("Ada"))

    job = publications.run()

    assert (job.clean, counts(job)) == (True, (2, 2, 0, 0, 4, 1))
    assert (state("Ada"), state("First")) == (SourceState.DELETED, SourceState.PRESENT)
    assert reasons(job) == {"Ada": "No longer at the source."}


@on_both_databases
def test_an_item_that_no_item_names_any_more_stays_and_has_left_the_source(any_app, publications):
    publications.run()
    before = records(any_app)
    publications.data.relate(publications.named("First"), AUTHOR, [publications.named("Ben")])

    job = publications.run()
    again = publications.run()

    assert (job.clean, counts(job), held()) == (True, (2, 2, 0, 1, 3, 1), {"First": False, "Second": False} | BOTH)
    assert reasons(job)["Ada"] == "Still at the source, but no longer in what this import reads."
    assert (state("Ada"), counts(again)) == (SourceState.PRESENT, (2, 2, 0, 0, 4, 0))
    publications.undo(again)
    publications.undo(job)
    assert (records(any_app), held()) == (before, ALL)


@on_both_databases
def test_an_item_that_leaves_the_scope_is_held_as_named_while_others_name_it(publications):
    data, first = publications.data, publications.named("First")
    data.relate(publications.named("Second"), "relation.isCitedBy", [first], "dc.relation")
    publications.run()
    before = dump_of_items()
    data.move(first, publications.named("People"))

    job = publications.run()

    assert (job.clean, job.expected, counts(job)[:2], job.counts["vanished"]) == (True, 1, (1, 3), 1)
    assert held() == {"First": True, "Second": False} | BOTH  # what a named item names is not followed: Ada has left
    publications.undo(job)
    assert dump_of_items()[1] == before[1]


def test_a_named_item_that_moves_into_the_scope_belongs_to_it(publications):
    publications.run()
    before = dump_of_items()
    publications.data.move(publications.named("Ada"), publications.named("Publications"))

    job = publications.run()

    assert (job.clean, job.expected, counts(job)[:2]) == (True, 3, (3, 2))
    assert held() == ALL | {"Ada": False}
    publications.undo(job)
    assert dump_of_items()[1] == before[1]


def test_an_undo_leaves_the_catalogue_as_it_was(any_app, publications):
    before = {name: rows for name, rows in dump(any_app).items() if name not in ("source", "repository")}
    job = publications.run()

    undone = publications.undo(job)

    assert undone.counts["removed"] == 5
    after = {name: rows for name, rows in dump(any_app).items() if name not in ("source", "repository")}
    assert after == before


@pytest.mark.parametrize(("request_part", "number"), [("search.resourceid", 0), ("/content", 3)])
def test_an_import_that_stops_among_the_named_items_resumes_there(publications, request_part, number):
    job_id = publications.queue(files=True)
    stopped = []

    def stop(target: str) -> bool:
        if request_part in target and not stopped:
            stopped.append(stop_here(job_id))
        return False

    publications.sample.faults.add(stop)

    first = publications.work(job_id)
    lifecycle.resume(job_id)
    job = publications.work(job_id)

    assert (first.state, counts(first)[:2], len(stopped)) == ("stopped", (2, number), 1)
    assert (job.clean, counts(job), held()) == (True, (2, 3, 5, 0, 0, 0), ALL)


def test_a_test_import_brings_what_its_first_items_name(publications):
    job = publications.run_with(test=1)

    assert (job.clean, counts(job)) == (True, (1, 2, 3, 0, 0, 0))
    assert held() == {"First": False, "Ada": True, "Ben": True}


@on_both_databases
def test_ids_of_items_that_cannot_be_read_are_named_and_the_import_is_clean(publications):
    data = publications.data
    data.restrict(publications.named("Cleo"))
    ids = [publications.named("Cleo").uuid, NOTHING]
    data.edit(publications.named("First"), "relation.isProjectOfPublication", [NOTHING])

    job = publications.run()

    assert (job.clean, counts(job)[:2]) == (True, (2, 2))
    names = ", ".join(sorted(ids))
    sentence = f"No items could be read for 2 ids that these items name: {names}. They may be deleted or restricted."
    assert job.message == f"Also read: 2 related items that these items name. {sentence}"


def test_an_import_without_the_option_keeps_named_items_and_says_that_it_did_not_read_them(publications):
    publications.run()
    publications.data.delete(publications.named("Ada"))

    job = publications.run_with(related_items=False)

    assert (job.clean, counts(job), held(), state("Ada")) == (True, (2, 0, 0, 0, 2, 0), ALL, SourceState.PRESENT)
    assert job.message == "3 related items were not read, because “Import related items” is off."


@on_both_databases
def test_named_items_come_one_by_one_where_the_site_refuses_searches_for_ids(publications):
    data = publications.data
    publications.sample.faults.add(lambda target: "search.resourceid" in target, None, status=403)
    data.edit(publications.named("First"), "relation.isProjectOfPublication", [NOTHING])

    job = publications.run()
    publications.sample.reset()
    again = publications.run()

    assert (job.clean, counts(job), held()) == (True, (2, 3, 5, 0, 0, 0), ALL)
    assert (again.clean, counts(again)) == (True, (2, 3, 0, 0, 5, 0))
    assert [target for _, target in publications.sample.requests if "/items/" in target] == [
        f"/server/api/core/items/{NOTHING}?embed=owningCollection&embed=mappedCollections"
    ]


@on_both_databases
def test_a_preview_shows_named_items_and_those_that_are_chosen_are_held_as_named(publications):
    publications.run_with(related_items=False)

    preview = publications.preview()

    assert (counts(preview), preview.message) == (
        (2, 3, 3, 0, 2, 0),
        "Also read: 3 related items that these items name.",
    )
    preview_selection.save_ticks(preview.id, row_ids := rows_named("Ada"), row_ids)
    job = publications.work(preview_selection.import_ticked(preview.id))
    assert (counts(job), held()) == ((0, 1, 1, 0, 0, 0), {"First": False, "Second": False, "Ada": True})


def test_the_page_of_a_preview_says_which_items_are_related_ones(app, publications):
    preview = publications.preview()

    page = app.test_client().get(f"/jobs/{preview.id}/preview/")

    marked = re.findall(r'<span class="name"[^>]*>(\w+)</span>\s*<small>Related item</small>', page.text)
    assert sorted(marked) == ["Ada", "Ben", "Cleo"]


def rows_named(title: str) -> list[int]:
    found = list(db.session.scalars(select(PreviewRow.id).where(PreviewRow.title == title, PreviewRow.is_named)))
    db.session.rollback()
    return found


def test_a_preview_of_a_new_source_finds_what_new_items_name(publications):
    publications.run_with(related_items=False, test=1)

    assert counts(publications.preview()) == (2, 3, 4, 0, 1, 0)


def test_a_named_item_that_a_retry_reads_is_still_held_as_named(publications):
    publications.run()
    ada = publications.named("Ada")
    publications.data.edit(ada, "dc.description", ["Professor"])
    publications.sample.faults.add(f"/core/items/{ada.uuid}", None, status=403)

    failed = publications.run()
    publications.sample.faults.clear()
    retried = publications.work(retry_failed.retry(failed.id))

    assert (failed.clean, failed.counts["failed"], state("Ada")) == (False, 1, SourceState.PRESENT)
    assert (retried.clean, retried.counts["updated"], held()) == (True, 1, ALL)


def test_a_named_item_goes_to_the_item_set_of_its_own_collection(publications):
    publications.run_with(item_set_from_collection=True)

    query = select(ItemSet.name, func.count()).join(Membership, Membership.item_set_id == ItemSet.id)
    sets = dict(db.session.execute(query.group_by(ItemSet.name)).all())
    assert sets == {"Publications": 2, "People": 3}


def test_a_named_item_that_was_taken_down_does_not_come_back(publications):
    publications.run()
    repository_id = publications.repository_id
    takedown.take_down(repository_id, takedown.find_items(repository_id, [publications.named("Ada").handle]), "private")

    job = publications.run()

    assert (job.clean, counts(job)) == (True, (2, 2, 0, 0, 4, 0))
    assert held() == {"First": False, "Second": False} | BOTH


def test_a_login_brings_restricted_named_items_and_marks_them(publications):
    publications.data.restrict(publications.named("Cleo"))
    credentials.sign_in(publications.repository_id, NAME, PASSWORD)

    job = publications.run()

    query = select(CatalogueItem.title).where(CatalogueItem.is_restricted)
    assert (job.clean, counts(job), db.session.scalars(query).all()) == (True, (2, 3, 5, 0, 0, 0), ["Cleo"])


def test_a_scheduled_import_keeps_the_option(publications):
    publications.run()

    job = publications.work(scheduling.import_again(publications.source_id))

    assert counts(job) == (2, 3, 0, 0, 5, 0)
