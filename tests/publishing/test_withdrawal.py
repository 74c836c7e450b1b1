"""Withdrawal: published items become private at the destination, or are deleted there, and only on demand."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Row
from werkzeug.wrappers import Response

from connector.catalogue import missing, takedown
from connector.catalogue.missing import MissingSelection
from connector.dspace.records import SourceState
from connector.errors import ConflictError, InvalidInputError
from connector.extensions import db
from connector.jobs import creation, report
from connector.models.catalogue import CatalogueItem
from connector.models.jobs import State
from connector.models.publishing import Destination, FileMode, PublishedItem, RefusedFile, WithdrawalSelection
from connector.publishing import publish_jobs, withdrawal_jobs
from connector.publishing.job_kind import DELETE_PUBLISHED, MAKE_PRIVATE, PUBLISH_PREVIEW
from connector.tasks import carry_out

from . import steps
from .conftest import added
from .steps import Ended, begin_long_ago, ended, held, identifiers, job_of, literal, state, undo

HARBOUR = "Harbour photographs"
SUBJECT = literal("Theirs", 3) | {"property_label": "Subject"}


@pytest.fixture
def app(stocked_app):
    stocked_app.config["MAX_OUTAGE_SECONDS"] = 60
    with stocked_app.app_context():
        yield stocked_app


def publish(destination: int, name: str = "Odd metadata") -> Ended:
    return ended(steps.publish(destination, name))


def lose(*rows: Row, to: SourceState = SourceState.DELETED) -> list[int]:
    """Have the items go missing at the source, or come back. Return their ids."""
    ids = [row.item_id for row in rows]
    db.session.execute(db.update(CatalogueItem).where(CatalogueItem.id.in_(ids)).values(source_state=to.value))
    db.session.commit()
    return ids


def published() -> list[Row]:
    """The rows of the published items as they are now, in order."""
    return list(db.session.execute(db.select(PublishedItem.__table__).order_by(PublishedItem.id)))


def withdraw(kind, destination: int, *item_ids: int, **options) -> Ended:
    chosen = MissingSelection(item_ids).ids()
    [job_id] = withdrawal_jobs.create(chosen, destination, kind, **options)
    assert carry_out(job_id)
    return ended(job_of(job_id))


def counted(job: Ended) -> dict[str, int]:
    return {name: number for name, number in job.counts.items() if number and name != "requests"}


def is_public(omeka, number: int | None) -> bool:
    return omeka.resources[number]["o:is_public"]


# Make private


def test_only_the_chosen_items_become_private_and_nothing_else_of_them_changes(library, omeka):
    publish(library)
    first, second, *_ = published()
    ids, before = lose(first, second), state(omeka)

    job = withdraw(MAKE_PRIVATE, library, *ids[:1])

    assert (job.state, job.clean, job.message, counted(job)) == (State.COMPLETED, True, "", {"updated": 1})
    before[first.omeka_id]["o:is_public"] = False
    assert state(omeka) == before


def test_private_items_stay_private_without_a_conflict_until_they_are_at_the_source_again(library, omeka):
    publish(library)
    row = published()[0]
    item_ids, number = lose(row), row.omeka_id
    withdraw(MAKE_PRIVATE, library, *item_ids)

    away = publish(library)
    private = is_public(omeka, number)
    lose(row, to=SourceState.PRESENT)
    back = publish(library)

    assert (private, away.counts["updated"], away.counts["conflicts"]) == (False, 0, 0)
    assert (is_public(omeka, number), back.counts["updated"], back.counts["conflicts"]) == (True, 1, 0)


def test_an_item_that_somebody_made_public_again_becomes_private_and_keeps_other_edits(library, omeka):
    publish(library)
    row = published()[0]
    number, item_ids = row.omeka_id, lose(row)
    publish(library)
    omeka.edit(number, o__is_public=True, dcterms__subject=[SUBJECT])
    publish(library)
    kept = is_public(omeka, number)

    withdraw(MAKE_PRIVATE, library, *item_ids)
    again = publish(library)

    assert (kept, is_public(omeka, number), again.counts["conflicts"]) == (True, False, 0)
    assert omeka.resources[number]["dcterms:subject"][0]["@value"] == "Theirs"


def test_undo_makes_exactly_those_items_public_again_that_the_job_made_private(library, omeka):
    publish(library)
    first, second, third, *_ = published()
    omeka.edit(second.omeka_id, o__is_public=False)
    ids, before = lose(first, second, third), state(omeka)
    numbers = [first.omeka_id, second.omeka_id, third.omeka_id]
    job = withdraw(MAKE_PRIVATE, library, *ids)
    omeka.edit(numbers[2], dcterms__subject=[SUBJECT])
    before[numbers[2]]["dcterms:subject"] = omeka.resources[numbers[2]]["dcterms:subject"]

    undone = undo(job)

    assert counted(job) == {"updated": 2, "unchanged": 1}
    assert (undone.clean, counted(undone)) == (True, {"restored": 2})
    assert state(omeka) == before
    sent = [(row.wanted["is_public"], row.accepted["is_public"]) for row in published()[:3]]
    assert sent == [(True, True)] * 3


def test_items_already_private_or_no_longer_there_are_counted_and_no_problem(library, omeka):
    publish(library)
    first, second, *_ = published()
    omeka.edit(first.omeka_id, o__is_public=False)
    del omeka.resources[second.omeka_id]

    job = withdraw(MAKE_PRIVATE, library, *lose(first, second))

    assert (job.clean, counted(job)) == (True, {"unchanged": 1, "gone": 1})
    assert job.message == "1 item was deleted in Omeka S before, or is not visible for this key."


def test_an_item_that_omeka_refuses_to_change_is_a_problem_and_the_others_go_on(library, omeka):
    publish(library)
    first, second, *_ = published()
    path = f"/api/items/{first.omeka_id}"
    omeka.faults.instead = lambda request: (
        Response("no", 403) if (request.method, request.path) == ("PATCH", path) else None
    )

    job = withdraw(MAKE_PRIVATE, library, *lose(first, second))

    assert (job.clean, counted(job)) == (False, {"updated": 1, "failed": 1})
    assert job.problems == {first.item_id: "The user of the key may not change this item in Omeka S."}
    assert is_public(omeka, published()[0].omeka_id)


# Delete


def test_deleted_items_are_not_published_again_until_they_are_at_the_source_again(library, omeka):
    publish(library)
    row = published()[0]
    item_ids, number = lose(row), row.omeka_id

    job = withdraw(DELETE_PUBLISHED, library, *item_ids)
    away = publish(library)
    preview_id = publish_jobs.create(steps.source("Odd metadata"), library, kind=PUBLISH_PREVIEW)
    assert carry_out(preview_id)
    lose(row, to=SourceState.PRESENT)
    back = publish(library)

    assert (job.clean, counted(job), number in omeka.resources) == (True, {"removed": 1}, False)
    assert (away.counts["added"], away.counts["deleted_there"]) == (0, 1)
    assert (job_of(preview_id).counts["added"], job_of(preview_id).counts["deleted_there"]) == (0, 1)
    assert (back.counts["added"], back.counts["deleted_there"]) == (1, 0)
    assert len(set(identifiers(omeka))) == len(identifiers(omeka)) == held()


def test_what_was_known_of_a_deleted_item_is_forgotten(library, omeka):
    publish(library)
    item_ids = lose(published()[0])

    withdraw(DELETE_PUBLISHED, library, *item_ids)

    row = published()[0]
    assert (row.omeka_id, row.wanted, row.accepted, row.created_by_job_id) == (None, None, None, None)
    assert row.withdrawn_at is not None


def test_files_that_the_site_refused_are_sent_again_with_an_item_that_comes_back_after_its_deletion(app, omeka):
    omeka.limits = (1, 1 << 30)
    archive = added(omeka, files=FileMode.UPLOAD)
    publish(archive, HARBOUR)
    refused = set(db.session.scalars(db.select(RefusedFile.published_item_id)))
    row = next(one for one in published() if one.id in refused)
    item_ids = lose(row)
    withdraw(DELETE_PUBLISHED, archive, *item_ids)
    omeka.limits = (16 << 20, 20 << 20)
    lose(row, to=SourceState.PRESENT)

    back = publish(archive, HARBOUR)

    assert (back.counts["added"], back.counts["files_sent"] > 0) == (1, True)


def edit_value(omeka, number):
    omeka.edit(number, dcterms__subject=[SUBJECT])


@pytest.mark.parametrize(("also_edited", "left"), [(False, True), (True, False)])
def test_an_item_that_somebody_edited_is_deleted_only_if_its_edits_may_be_lost(library, omeka, also_edited, left):
    publish(library)
    first, second, *_ = published()
    number = first.omeka_id
    edit_value(omeka, number)

    job = withdraw(DELETE_PUBLISHED, library, *lose(first, second), deletes_edited=also_edited)

    assert (number in omeka.resources, job.clean) == (left, not left)
    assert counted(job) == ({"removed": 1, "kept": 1} if left else {"removed": 2})
    assert bool(job.reasons) == left
    assert job.message == ("1 item was kept, because somebody edited it in Omeka S." if left else "")


def test_a_deletion_cannot_be_undone(library, omeka):
    publish(library)
    job = withdraw(DELETE_PUBLISHED, library, *lose(published()[0]))

    with pytest.raises(ConflictError, match="cannot be undone"):
        creation.create_undo(job.id)


def test_the_undo_of_publishing_leaves_a_deleted_item_deleted(library, omeka):
    job = publish(library)
    withdraw(DELETE_PUBLISHED, library, *lose(published()[0]))

    undone = undo(job)

    assert counted(undone) == {"removed": held() - 1, "sets_removed": 1}
    assert omeka.resources == {}


def test_an_item_whose_creation_was_never_answered_is_found_and_deleted(library, omeka):
    publish(library)
    row = published()[0]
    number, item_ids = row.omeka_id, lose(row)
    values = {"omeka_id": None, "wanted": None, "accepted": None, "sending_since": db.func.now(), "job_id": None}
    db.session.execute(db.update(PublishedItem).where(PublishedItem.id == row.id).values(values))
    db.session.commit()
    begin_long_ago()

    job = withdraw(DELETE_PUBLISHED, library, *item_ids, deletes_edited=True)

    assert (counted(job), number in omeka.resources) == ({"removed": 1}, False)


# Both


@pytest.mark.parametrize("kind", [MAKE_PRIVATE, DELETE_PUBLISHED])
def test_a_key_that_may_not_write_withdraws_nothing_and_forgets_nothing(library, omeka, kind):
    publish(library)
    rows = published()
    omeka.edit(rows[0].omeka_id, o__is_public=False)  # which the site then hides
    before, ids = state(omeka), lose(*rows)
    omeka.users.clear()

    job = withdraw(kind, library, *ids)

    assert (job.state, job.message) == (State.FAILED, "The key of this destination may not write. Check its key.")
    assert state(omeka) == before
    assert all(row.omeka_id for row in published())


def test_an_undo_with_a_key_that_may_not_write_forgets_nothing(library, omeka):
    job = publish(library)
    omeka.edit(published()[0].omeka_id, o__is_public=False)
    omeka.users.clear()

    undone = undo(job, edited=True)

    assert (undone.state, undone.message) == (State.FAILED, "The key of this destination may not write. Check its key.")
    assert len(published()) == held()


def test_items_of_two_sources_make_two_jobs_and_a_queued_job_takes_over_more_items(library, omeka):
    publish(library)
    publish(library, HARBOUR)
    ids = lose(*published())

    job_ids = withdrawal_jobs.create(MissingSelection(tuple(ids)).ids(), library, MAKE_PRIVATE)
    again = withdrawal_jobs.create(MissingSelection(tuple(ids[:1])).ids(), library, MAKE_PRIVATE)
    deleting = withdrawal_jobs.create(MissingSelection(tuple(ids[:1])).ids(), library, DELETE_PUBLISHED)

    assert (len(job_ids), set(again) < set(job_ids), set(deleting) & set(job_ids)) == (2, True, set())
    assert db.session.scalar(db.select(db.func.count()).select_from(WithdrawalSelection)) == len(ids) + 1


def test_items_that_are_at_no_destination_make_no_job(library, omeka):
    publish(library)
    destination = added_elsewhere(omeka)
    ids = lose(*published())

    with pytest.raises(InvalidInputError, match="None of these items"):
        withdrawal_jobs.create(MissingSelection(tuple(ids)).ids(), destination, MAKE_PRIVATE)
    [holder] = withdrawal_jobs.holders(MissingSelection(tuple(ids)).ids())
    assert (holder.destination.id, holder.items) == (library, held())


def added_elsewhere(omeka) -> int:
    """Add a second destination that has no items, and return its id."""
    key = {"key_identity": omeka.admin.identity, "key_secret": "sealed"}
    other = Destination(name="Other", api_url="http://127.0.0.1:1/api", version="4.2.0", is_public=True, **key)
    db.session.add(other)
    db.session.commit()
    return other.id


# Items that have left the catalogue


def take_down(destination: int, kind, *rows: Row, **options) -> list[int]:
    """Take items down and queue their withdrawal. Return the ids of the jobs."""
    job_ids: list[int] = []
    repository_id = db.session.get_one(CatalogueItem, rows[0].item_id).repository_id
    takedown.take_down(
        repository_id,
        takedown.Named(tuple(row.item_id for row in rows)),
        "Court order 7",
        withdraw=lambda ids: job_ids.extend(withdrawal_jobs.queue(ids, destination, kind, **options)),
    )
    return job_ids


@pytest.mark.parametrize("kind", [MAKE_PRIVATE, DELETE_PUBLISHED])
def test_a_takedown_withdraws_the_published_items_after_they_have_left_the_catalogue(library, omeka, kind):
    publish(library)
    first, second, *_ = published()
    numbers = [first.omeka_id, second.omeka_id]

    [job_id] = take_down(library, kind, first, second)
    before = [is_public(omeka, number) for number in numbers]
    assert carry_out(job_id)

    job = ended(job_of(job_id))
    assert (before, job.clean) == ([True, True], True)
    if kind is MAKE_PRIVATE:
        assert [is_public(omeka, number) for number in numbers] == [False, False]
        assert counted(undo(job)) == {"restored": 2}
        assert [is_public(omeka, number) for number in numbers] == [True, True]
    else:
        assert not set(numbers) & set(omeka.resources)
        assert len(published()) == held() == len(omeka.all_of("items"))


def test_a_problem_of_an_item_that_was_taken_down_is_named_without_its_title(library, omeka):
    publish(library)
    row = published()[0]
    number = row.omeka_id
    edit_value(omeka, number)

    [job_id] = take_down(library, DELETE_PUBLISHED, row)
    assert carry_out(job_id)

    [problem] = report.problems(job_of(job_id))
    assert problem["title"] == f"Item {number} in Omeka S"
    assert problem["reason"] == "Somebody edited it in Omeka S later, so it was kept."


def test_a_takedown_that_fails_queues_nothing(library):
    publish(library)
    row = published()[0]

    def fail(ids):
        withdrawal_jobs.queue(ids, library, DELETE_PUBLISHED)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        takedown.take_down(1, takedown.Named((row.item_id,)), "Court order 7", withdraw=fail)

    assert db.session.scalars(db.select(WithdrawalSelection)).all() == []
    assert db.session.get(CatalogueItem, row.item_id) is not None


def test_removal_from_the_catalogue_alone_leaves_the_published_item(library, omeka):
    publish(library)
    row = published()[0]

    missing.remove(MissingSelection(tuple(lose(row))))

    assert row.omeka_id in omeka.resources


@pytest.mark.parametrize(
    ("options", "told", "left"),
    [
        ([], "Still published in Library: 1 item.", True),
        (["--omeka", "delete"], "Jobs for the items in Omeka S:", False),
    ],
)
def test_the_command_says_what_becomes_of_published_items(app, library, omeka, options, told, left):
    publish(library)
    row = published()[0]
    number, handle = row.omeka_id, db.session.get_one(CatalogueItem, row.item_id).handle

    result = app.test_cli_runner().invoke(args=["takedown", "1", handle, "--reason", "Court order", "--json", *options])

    job_ids = json.loads(result.stdout)["jobs"]
    assert (result.exit_code, told in result.stderr) == (0, True)
    assert all(carry_out(job_id) for job_id in job_ids)
    assert (number in omeka.resources, len(job_ids)) == (left, int(not left))
