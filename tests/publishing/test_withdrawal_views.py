"""The pages on which people withdraw published items: Missing at source, and the confirmation of a takedown."""

from __future__ import annotations

import pytest

from connector.catalogue.missing import MissingSelection
from connector.dspace.records import SourceState
from connector.extensions import db
from connector.models.accounts import Account, Role
from connector.models.catalogue import CatalogueItem, Exclusion
from connector.models.jobs import Job
from connector.models.publishing import PublishedItem
from connector.publishing import withdrawal_jobs
from connector.publishing.job_kind import MAKE_PRIVATE
from connector.tasks import carry_out
from tests.pages import hidden_fields, links, words

from . import steps
from .conftest import added
from .steps import literal

MISSING = 3  # items that are missing at the source; all but the last one are published


@pytest.fixture
def app(stocked_app):
    return stocked_app


@pytest.fixture
def client(stocked_client):
    return stocked_client


@pytest.fixture
def item_ids(app, omeka) -> list[int]:
    """The ids of the missing items of a catalogue with a destination."""
    with app.app_context():
        library = added(omeka)
        steps.publish(library)
        rows = db.session.scalars(db.select(PublishedItem).order_by(PublishedItem.id)).all()
        ids = [row.item_id for row in rows[:MISSING]]
        lost = db.update(CatalogueItem).where(CatalogueItem.id.in_(ids))
        db.session.execute(lost.values(source_state=SourceState.DELETED.value))
        db.session.delete(rows[MISSING - 1])
        db.session.commit()
    return ids


def become(app, role: Role) -> None:
    """Give the user of the client this role."""
    with app.app_context():
        db.session.execute(db.update(Account).values(role=role.value))
        db.session.commit()


def jobs(app) -> list[Job]:
    with app.app_context():
        made = db.select(Job).where(Job.kind.in_(("make_private", "delete_published"))).order_by(Job.id)
        return list(db.session.scalars(made))


def run(app) -> None:
    with app.app_context():
        for job in jobs(app):
            carry_out(job.id)


def edit_first(app, omeka, item_ids) -> dict:
    """Edit the first of the items in Omeka S, and return it as it stands there."""
    with app.app_context():
        row = db.session.scalars(db.select(PublishedItem).where(PublishedItem.item_id == item_ids[0])).one()
    omeka.edit(row.omeka_id, dcterms__subject=[{**literal("Theirs"), "property_id": 3}])
    return omeka.resources[row.omeka_id]


def private(omeka) -> int:
    return sum(not item["o:is_public"] for item in omeka.all_of("items"))


def test_the_choices_stand_below_the_missing_items_only_if_a_destination_has_some(app, client, omeka, item_ids):
    shown = words(client.get("/missing/"))
    with app.app_context():
        db.session.execute(db.delete(PublishedItem).where(PublishedItem.item_id.in_(item_ids)))
        db.session.commit()
    without = words(client.get("/missing/"))

    assert "Library (2 items)" in shown
    assert ("Make private in Omeka S" in shown, "Delete in Omeka S" in shown) == (True, True)
    assert "Omeka S" not in without.replace("Publish to Omeka S", "")


def test_ticked_items_become_private_after_one_press(app, client, omeka, item_ids):
    chosen = {"item": [str(one) for one in item_ids[:1]], "destination": "1", "do": "private"}

    page = client.post("/withdraw/", data=chosen)
    run(app)

    [job] = jobs(app)
    assert (page.headers["Location"], private(omeka)) == (f"/jobs/{job.id}/", 1)
    shown = words(client.get(page.headers["Location"]))
    assert "Make items of Odd metadata private in Omeka S" in shown
    assert "Made private 1 Already private 0" in shown
    assert "Destination Library" in shown


def test_the_page_before_the_undo_says_how_many_items_become_public_again(app, client, omeka, item_ids):
    client.post("/withdraw/", data={"every": "yes", "destination": "1", "do": "private"})
    run(app)
    [job] = jobs(app)

    page = client.get(f"/jobs/{job.id}/undo")
    question = words(client.post("/jobs/", data={"undo": str(job.id)}))

    assert f"Undo job {job.id} in Library ?" in words(page)
    assert "Items deleted in Omeka S 0 Items restored 2" in words(page)
    assert f"Undo job {job.id}: Make items of Odd metadata private in Omeka S" in question


def test_a_deletion_is_confirmed_with_the_names_and_the_edited_items(app, client, omeka, item_ids):
    edited = edit_first(app, omeka, item_ids)

    page = client.post("/withdraw/", data={"every": "yes", "destination": "1", "do": "delete"})

    shown = words(page)
    with app.app_context():
        titles = [db.session.get_one(CatalogueItem, one).title for one in item_ids]
    assert "Delete 2 items in Library ?" in shown
    assert "Undo cannot restore them." in shown
    assert [title in shown for title in titles] == [True, True, False]
    assert "It is kept, unless you choose below to delete it, too. " + edited["o:title"] in shown
    assert f"{omeka.url}/admin/item/{edited['o:id']}" in links(page)
    assert jobs(app) == []


@pytest.mark.parametrize(("also_edited", "left"), [({}, 1), ({"edited": "yes"}, 0)])
def test_a_confirmed_deletion_keeps_edited_items_unless_told_otherwise(app, client, omeka, item_ids, also_edited, left):
    edited = edit_first(app, omeka, item_ids)
    before = len(omeka.all_of("items"))
    page = client.post("/withdraw/", data={"every": "yes", "destination": "1", "do": "delete"})

    client.post("/withdraw/", data=hidden_fields(page) | {"confirmed": "yes"} | also_edited)
    run(app)

    assert len(omeka.all_of("items")) == before - 2 + left
    assert (edited["o:id"] in omeka.resources) == bool(left)


def test_editors_make_items_private_and_only_admins_delete_them(app, client, omeka, item_ids):
    become(app, Role.EDITOR)

    shown = words(client.get("/missing/"))
    refused = client.post("/withdraw/", data={"every": "yes", "destination": "1", "do": "delete", "confirmed": "yes"})
    client.post("/withdraw/", data={"every": "yes", "destination": "1", "do": "private"})

    assert ("Make private in Omeka S" in shown, "Delete in Omeka S" in shown) == (True, False)
    assert refused.status_code == 403
    assert [job.kind for job in jobs(app)] == ["make_private"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"destination": "1"}, "No item is ticked."),
        ({"destination": "9", "every": "yes"}, "None of these items is in Omeka S."),
    ],
)
def test_without_items_or_a_destination_nothing_happens(app, client, omeka, item_ids, data, sentence):
    page = client.post("/withdraw/", data=data | {"do": "private"})

    assert sentence in words(page)
    assert "All items of this list" in words(page)
    assert jobs(app) == []


def test_a_removal_says_that_the_published_items_stay(app, client, item_ids):
    page = words(client.post("/missing/", data={"do": "remove", "every": "yes"}))

    assert "2 of these items are also in Library and stay there." in page


def excluded(app) -> int:
    with app.app_context():
        return db.session.scalar(db.select(db.func.count()).select_from(Exclusion))


def test_a_takedown_asks_what_happens_in_omeka_and_chooses_nothing_itself(app, client, omeka, item_ids):
    edited = edit_first(app, omeka, item_ids)
    page = client.get(f"/takedown/?item={item_ids[0]}")

    refused = client.post("/takedown/", data=hidden_fields(page) | {"confirmed": "yes", "reason": "Court order 7"})

    assert "1 item in Library Leave as published Make private Delete permanently" in words(page)
    assert "It is kept, unless you choose below to delete it, too. " + edited["o:title"] in words(page)
    assert "checked" not in page.get_data(as_text=True)
    assert (refused.status_code, excluded(app)) == (422, 0)
    assert "Choose what happens to the items in Omeka S." in words(refused)
    assert "Court order 7" in words(refused)


@pytest.mark.parametrize(("choice", "left", "hidden"), [("leave", True, 0), ("private", True, 1), ("delete", False, 0)])
def test_a_takedown_carries_out_the_choice_in_omeka(app, client, omeka, item_ids, choice, left, hidden):
    with app.app_context():
        number = db.session.scalars(db.select(PublishedItem.omeka_id).where(PublishedItem.item_id == item_ids[0])).one()
    page = client.get(f"/takedown/?item={item_ids[0]}")
    chosen = {"confirmed": "yes", "reason": "Court order 7", "withdraw-1": choice}

    done = client.post("/takedown/", data=hidden_fields(page) | chosen, follow_redirects=True)
    run(app)

    assert ("Your choice for Omeka S is carried out by job" in words(done)) == (choice != "leave")
    assert (number in omeka.resources, private(omeka), excluded(app)) == (left, hidden, 1)


@pytest.mark.parametrize("kind", ["private", "delete"])
def test_an_item_that_was_taken_down_earlier_can_be_withdrawn_from_the_excluded_items(
    app, client, omeka, item_ids, kind
):
    page = client.get(f"/takedown/?item={item_ids[0]}")
    chosen = {"confirmed": "yes", "reason": "Court order 7", "withdraw-1": "leave"}
    client.post("/takedown/", data=hidden_fields(page) | chosen)
    with app.app_context():
        number = db.session.scalars(db.select(PublishedItem.omeka_id).where(PublishedItem.item_id.is_(None))).one()

    shown = client.get("/excluded/")
    answer = client.post("/withdraw/left/", data={"destination": "1", "do": kind})
    if kind == "delete":
        assert (number in omeka.resources, f"Item {number} in Omeka S" in words(answer)) == (True, True)
        client.post("/withdraw/left/", data=hidden_fields(answer) | {"confirmed": "yes"})
    run(app)

    assert "1 item that has left the catalogue is still in Omeka S." in words(shown)
    assert f"{omeka.url}/admin/item/{number}" in links(shown)
    assert (number in omeka.resources, private(omeka)) == ((True, 1) if kind == "private" else (False, 0))
    assert ("still in Omeka S" in words(client.get("/excluded/"))) == (kind == "private")


def test_only_admins_withdraw_items_that_have_left_the_catalogue(app, client, item_ids):
    become(app, Role.EDITOR)

    refused = client.post("/withdraw/left/", data={"destination": "1", "do": "private"})

    assert (refused.status_code, jobs(app)) == (403, [])


def test_a_takedown_of_items_that_are_not_published_asks_nothing(client, item_ids):
    page = client.get(f"/takedown/?item={item_ids[-1]}")

    assert "Leave as published" not in words(page)
    done = client.post("/takedown/", data=hidden_fields(page) | {"confirmed": "yes", "reason": "Court order 7"})
    assert done.status_code == 303


def test_the_number_of_items_at_a_destination_follows_the_chosen_repository(app, item_ids):
    with app.app_context():
        everywhere = withdrawal_jobs.holders(MissingSelection(repository_id=1).ids())
        elsewhere = withdrawal_jobs.holders(MissingSelection(repository_id=2).ids())
        job_ids = withdrawal_jobs.create(MissingSelection(repository_id=1).ids(), 1, MAKE_PRIVATE)

    assert ([one.items for one in everywhere], elsewhere, len(job_ids)) == ([2], [], 1)
