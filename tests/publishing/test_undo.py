"""Undo of a publishing job restores the site, and keeps all edits of people."""

from __future__ import annotations

import json

import pytest
from werkzeug.wrappers import Response

from connector.extensions import db, utcnow
from connector.jobs import creation, lifecycle
from connector.jobs.attempt import stop_here
from connector.models.catalogue import CatalogueFile, CatalogueItem, StoredFile
from connector.models.jobs import Job, State
from connector.models.publishing import FileMode, PublishedChange, PublishedFile, PublishedItem, PublishedSet
from connector.publishing import destinations, publish_undo_effects
from connector.tasks import carry_out

from . import steps
from .conftest import added
from .steps import (
    Ended,
    begin_long_ago,
    change_title,
    create,
    ended,
    first_published,
    held,
    job_of,
    literal,
    state,
    undo,
)

HARBOUR = "Harbour photographs"


@pytest.fixture
def app(stocked_app):
    stocked_app.config["MAX_OUTAGE_SECONDS"] = 60
    with stocked_app.app_context():
        yield stocked_app


@pytest.fixture
def archive(app, omeka) -> int:
    return added(omeka, files=FileMode.UPLOAD)


def publish(destination: int, name: str = "Odd metadata") -> Ended:
    return ended(steps.publish(destination, name))


def counted(job: Job | Ended) -> dict[str, int]:
    """What the job counted, without zeros and requests."""
    return {name: number for name, number in job.counts.items() if number and name != "requests"}


def title_of(omeka, there: dict) -> str:
    """The title of an item as it stands there now."""
    return omeka.resources[there["o:id"]]["dcterms:title"][0]["@value"]


def test_undo_leaves_the_site_as_it_was_before_the_job(archive, omeka):
    create(omeka)
    before = state(omeka)
    job = publish(archive, HARBOUR)

    undone = undo(job)

    assert (undone.state, undone.clean, undone.message) == (State.COMPLETED, True, "")
    assert counted(undone) == {"removed": held(HARBOUR), "sets_removed": 1}
    assert state(omeka) == before
    assert [db.session.scalar(db.select(db.func.count(table.id))) for table in (PublishedItem, PublishedSet)] == [0, 0]
    assert job_of(job.id).is_undone


def test_items_that_were_undone_are_published_again_by_the_next_job(library, omeka):
    undo(publish(library))

    assert publish(library).counts["added"] == held() == len(omeka.all_of("items"))


def edit_value(omeka, there):
    omeka.edit(there["o:id"], dcterms__subject=[{**literal("Theirs"), "property_id": 3}])


def hide(omeka, there):
    omeka.edit(there["o:id"], o__is_public=False)


def link(omeka, there):
    value = {"type": "resource:item", "property_id": 13, "value_resource_id": there["o:id"], "is_public": True}
    create(omeka, **{"dcterms:relation": [value | {"property_label": "Relation"}]})


def put_into_set(omeka, there):
    omeka.edit(there["o:id"], o__item_set=[*there["o:item_set"], {"o:id": 999}])


def edit_medium(omeka, there):
    medium = next(media for media in omeka.all_of("media") if media["o:item"]["o:id"] == there["o:id"])
    omeka.edit(medium["o:id"], o__alt_text="A quay")


def add_medium(omeka, there):
    number = max(omeka.resources) + 1
    medium = next(media for media in omeka.all_of("media") if media["o:item"]["o:id"] == there["o:id"])
    omeka.put({**medium, "o:id": number, "o:ingester": "html"})


@pytest.mark.parametrize("edit", [edit_value, hide, link, put_into_set, edit_medium, add_medium])
def test_an_item_that_somebody_edited_is_kept_and_listed_unless_its_edits_may_be_lost(archive, omeka, edit):
    job = publish(archive, HARBOUR)
    _, there = first_published(omeka)
    edit(omeka, there)

    undone = undo(job)

    assert counted(undone) == {"removed": held(HARBOUR) - 1, "kept": 1}
    assert there["o:id"] in omeka.resources
    (reason,) = undone.reasons
    assert reason == "Somebody edited it in Omeka S later, so it was kept."
    assert undone.clean is False


def test_edited_items_are_deleted_if_their_edits_may_be_lost(archive, omeka):
    job = publish(archive, HARBOUR)
    _, there = first_published(omeka)
    edit_value(omeka, there)

    undone = undo(job, edited=True)

    assert counted(undone) == {"removed": held(HARBOUR), "sets_removed": 1}
    assert omeka.resources == {}


def test_an_item_that_was_deleted_in_omeka_is_counted_and_no_problem(library, omeka):
    job = publish(library)
    _, there = first_published(omeka)
    del omeka.resources[there["o:id"]]

    undone = undo(job)

    assert counted(undone) == {"removed": held() - 1, "gone": 1, "sets_removed": 1}
    assert (undone.clean, undone.message) == (
        True,
        "1 item was deleted in Omeka S before, or is not visible for this key.",
    )


def test_an_item_set_that_cannot_be_deleted_is_a_problem_and_the_undo_goes_on(library, omeka):
    job = publish(library)
    (item_set,) = omeka.all_of("item_sets")

    def refuse(request):
        is_of_set = request.method == "DELETE" and request.path.startswith("/api/item_sets/")
        return Response("{}", 403, content_type="application/json") if is_of_set else None

    omeka.faults.instead = refuse
    undone = undo(job)

    assert (undone.state, undone.clean, undone.counts["failed"]) == (State.COMPLETED, False, 0)
    assert undone.counts["removed"] == held()
    assert list(omeka.resources) == [item_set["o:id"]]
    assert len(undone.reasons) == 1


def test_an_item_set_stays_while_it_has_items_of_others_or_a_description(library, omeka):
    job = publish(library)
    (item_set,) = omeka.all_of("item_sets")
    omeka.edit(item_set["o:id"], dcterms__description=[{**literal("Ours to show"), "property_id": 4}])

    undo(job)

    assert list(omeka.resources) == [item_set["o:id"]]


# Changes of items that were there before


def test_undo_puts_back_the_values_that_the_job_replaced(library, omeka):
    publish(library)
    before = state(omeka)
    item, there = first_published(omeka)
    change_title(item, "A new title")
    job = publish(library)
    assert title_of(omeka, there) == "A new title"

    undone = undo(job)

    assert counted(undone) == {"restored": 1}
    assert state(omeka) == before
    assert publish(library).counts["updated"] == 1  # the catalogue still has the new title


def test_values_that_somebody_edited_since_stay_and_are_listed(library, omeka):
    publish(library)
    item, there = first_published(omeka)
    item.mapped_values = item.mapped_values | {
        name: [{"value": "New", "language": None}] for name in ("dcterms:title", "dcterms:subject")
    }
    db.session.commit()
    old = there["dcterms:title"][0]["@value"]
    job = publish(library)
    edit_value(omeka, there)

    undone = undo(job)

    there = omeka.resources[there["o:id"]]
    assert (there["dcterms:title"][0]["@value"], there["dcterms:subject"][0]["@value"]) == (old, "Theirs")
    (reason,) = undone.reasons
    assert reason == "Somebody edited these fields in Omeka S later, so they stay: Subject."
    publish(library)
    assert omeka.resources[there["o:id"]]["dcterms:subject"][0]["@value"] == "Theirs"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_jobs_are_undone_in_any_order(library, omeka, order):
    publish(library)
    before = state(omeka)
    item, there = first_published(omeka)
    item_id, jobs = item.id, []
    for title in ("Second", "Third"):
        change_title(db.session.get_one(CatalogueItem, item_id), title)
        jobs.append(publish(library))

    first = undo(jobs[order[0]])
    assert title_of(omeka, there) == ("Third" if order == (0, 1) else "Second")
    undo(jobs[order[1]])

    assert counted(first) == ({"kept": 1} if order == (0, 1) else {"restored": 1})
    assert state(omeka) == before


def test_files_that_the_job_uploaded_to_an_older_item_are_deleted_and_those_that_were_there_stay(library, omeka):
    publish(library, HARBOUR)
    before = state(omeka)
    destinations.get(library).files = FileMode.UPLOAD.value
    db.session.commit()
    job = publish(library, HARBOUR)
    uploaded = len(omeka.all_of("media"))

    undone = undo(job)

    assert uploaded == job.counts["files_sent"] > 0
    assert counted(undone) == {"files_removed": uploaded}
    assert state(omeka) == before
    assert db.session.scalar(db.select(db.func.count(PublishedFile.id))) == 0


def test_a_file_that_was_there_before_is_never_deleted(archive, omeka):
    publish(archive, HARBOUR)
    destinations.remove(archive)
    before = state(omeka)

    undone = undo(publish(added(omeka, files=FileMode.UPLOAD), HARBOUR))

    assert counted(undone) == {}
    assert state(omeka) == before


def test_an_item_whose_files_a_person_has_put_in_another_order_is_kept(archive, omeka):
    file = db.session.scalars(db.select(CatalogueFile).where(CatalogueFile.status == "stored")).first()
    other = db.session.scalars(db.select(StoredFile.sha256).where(StoredFile.sha256 != file.sha256)).first()
    item_id = file.item_id
    values = {"item_id": item_id, "bundle": "ORIGINAL", "name": "new.png", "sha256": other, "status": "stored"}
    db.session.add(CatalogueFile(**values, bitstream_id="new", position=file.position + 1))
    db.session.commit()
    job = publish(archive, HARBOUR)
    there = db.session.scalar(db.select(PublishedItem.omeka_id).where(PublishedItem.item_id == item_id))
    media = [raw for raw in omeka.all_of("media") if raw["o:item"]["o:id"] == there]
    for position, medium in enumerate(reversed(media), 1):
        medium["@owner_position"] = position

    edited = publish_undo_effects.compared(db.session.get(Job, job.id)).edited
    undone = undo(job)

    assert len(media) == 2
    assert [one.url for one in edited] == [f"{omeka.url}/admin/item/{there}"]
    assert (undone.counts["kept"], undone.counts["removed"]) == (1, job.counts["added"] - 1)
    assert there in omeka.resources


# Failures


def test_an_undo_that_was_stopped_goes_on_where_it_ended(library, omeka):
    job = publish(library)
    deleted = []

    def stop(request):
        if request.method == "DELETE":
            deleted.append(1)
            if len(deleted) == 3:
                stop_here(undo_id)
        return None

    omeka.faults.instead = stop
    undo_id = creation.create_undo(job.id)
    assert carry_out(undo_id)
    stopped = job_of(undo_id).state
    omeka.faults.instead = lambda request: None
    left = len(omeka.all_of("items"))
    lifecycle.resume(undo_id)
    carry_out(undo_id)

    assert (stopped, left > 0) == (State.STOPPED, True)
    assert counted(job_of(undo_id)) == {"removed": held(), "sets_removed": 1}
    assert omeka.resources == {}


def test_a_refused_deletion_is_listed_and_the_other_items_are_deleted(library, omeka):
    job = publish(library)
    _, there = first_published(omeka)

    def refuse(request):
        if request.method == "DELETE" and request.path == f"/api/items/{there['o:id']}":
            return Response(json.dumps({"errors": {"error": "?"}}), 403)
        return None

    omeka.faults.instead = refuse

    undone = undo(job)

    assert counted(undone) == {"removed": held() - 1, "failed": 1}
    (reason,) = undone.reasons
    assert reason == "The user of the key may not change this item in Omeka S."


def test_an_item_whose_creation_was_never_answered_is_deleted_by_the_undo(library, omeka):
    job = publish(library)
    for row in db.session.scalars(db.select(PublishedItem)):
        row.omeka_id = row.wanted = row.accepted = None
        row.sending_since = utcnow()
    db.session.commit()
    begin_long_ago()

    undone = undo(job)

    assert counted(undone) == {"removed": held(), "sets_removed": 1}
    assert omeka.resources == {}


def lose_answer_of_next_change(omeka) -> None:
    """Have the next PATCH carried out without an answer."""

    def lose(request):
        if request.method == "PATCH":
            omeka.faults.instead = lambda request: None
            omeka.faults.lost = 1
        return None

    omeka.faults.instead = lose


def test_a_change_whose_answer_was_lost_is_put_back_and_is_no_conflict_later(library, omeka):
    publish(library)
    before = state(omeka)
    item, there = first_published(omeka)
    item_id = item.id
    change_title(item, "Second")
    lose_answer_of_next_change(omeka)
    job = publish(library)
    assert title_of(omeka, there) == "Second"
    again = publish(library)
    change_title(db.session.get_one(CatalogueItem, item_id), "Third")
    third = publish(library)

    assert (counted(job), again.counts["conflicts"], third.counts["conflicts"]) == (
        {"seen": held(), "unchanged": held() - 1, "updated": 1},
        0,
        0,
    )
    for one in (third, again, job):
        undo(one)
    assert state(omeka) == before
    assert db.session.scalar(db.select(db.func.count(PublishedChange.id))) == 0


def test_an_undo_of_a_change_whose_answer_was_lost_counts_as_restored(library, omeka):
    publish(library)
    before = state(omeka)
    change_title(first_published(omeka)[0], "Second")
    job = publish(library)
    lose_answer_of_next_change(omeka)

    undone = undo(job)

    assert (counted(undone), undone.clean, omeka.writes()[-1][0]) == ({"restored": 1}, True, "PATCH")
    assert state(omeka) == before
