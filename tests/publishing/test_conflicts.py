"""Conflicts: a person chooses whose values stay, and no value that the person has not seen is replaced."""

from __future__ import annotations

import pytest

from connector.errors import ConflictError
from connector.extensions import db
from connector.models.accounts import Account, Role
from connector.models.catalogue import CatalogueItem
from connector.models.jobs import Job
from connector.models.publishing import Choice, PublishedItem, PublishingConflict
from connector.publishing import conflicts, destinations
from connector.tasks import carry_out
from tests.pages import words

from .steps import change_title, counts, ended, first_published, job_of, literal, publish, state, undo

BIBO = "http://purl.org/ontology/bibo/"


@pytest.fixture
def app(stocked_app):
    with stocked_app.app_context():
        yield stocked_app


@pytest.fixture
def client(app, stocked_client):
    return stocked_client


@pytest.fixture
def title(library, omeka) -> tuple:
    """An item whose title both sides changed, as (id, item there)."""
    publish(library)
    item, there = first_published(omeka)
    item_id = item.id
    omeka.edit(there["o:id"], dcterms__title=[literal("Theirs")])
    change_title(item, "Ours")
    publish(library)
    return item_id, omeka.resources[there["o:id"]]


def catalogue_item(item_id: int) -> CatalogueItem:
    return db.session.get_one(CatalogueItem, item_id)


def rows() -> list[PublishingConflict]:
    db.session.expire_all()
    return list(db.session.scalars(db.select(PublishingConflict).order_by(PublishingConflict.id)))


def title_of(there: dict, omeka) -> list[str]:
    return [value["@value"] for value in omeka.resources[there["o:id"]]["dcterms:title"]]


def carried_out(job_ids: list[int]) -> Job:
    [job_id] = job_ids
    assert carry_out(job_id)
    return job_of(job_id)


def test_a_conflict_names_what_a_choice_of_ours_loses_beside_the_text(library, omeka):
    publish(library)
    item, there = first_published(omeka)
    note = {"dcterms:source": [{"type": "literal", "property_id": 11, "@value": "seen"}]}
    theirs = literal("Theirs") | {"@language": "en", "is_public": False, "@annotation": note}
    omeka.edit(there["o:id"], dcterms__title=[theirs])
    change_title(item, "Ours")
    publish(library)

    shown = conflicts.in_words(rows()[0])

    assert (shown.ours, shown.theirs) == (("Ours",), ("Theirs (en) (private) (with annotations)",))


def test_the_source_is_chosen_and_only_that_item_is_written(library, omeka, title):
    _, there = title
    [row] = rows()

    job = carried_out(conflicts.choose(library, Choice.OURS, row.id))

    assert title_of(there, omeka) == ["Ours"]
    assert counts(job) == {"seen": 1, "added": 0, "updated": 1, "unchanged": 0, "failed": 0}
    assert rows() == []
    assert counts(publish(library), "updated", "conflicts") == {"updated": 0, "conflicts": 0}


def test_an_undo_of_use_source_puts_back_what_stood_in_omeka_and_lists_the_conflict_again(library, omeka, title):
    _, there = title
    theirs = literal("Theirs") | {"@language": "en", "is_public": False}
    omeka.edit(there["o:id"], dcterms__title=[theirs, literal("A second title")])
    publish(library)
    before = state(omeka)
    [row] = rows()
    job = carried_out(conflicts.choose(library, Choice.OURS, row.id))

    undone = undo(ended(job))

    assert (undone.counts["restored"], undone.clean) == (1, True)
    assert state(omeka) == before
    assert counts(publish(library), "updated", "conflicts") == {"updated": 0, "conflicts": 1}
    assert [[value["text"] for value in one.theirs] for one in rows()] == [["Theirs", "A second title"]]


@pytest.mark.parametrize("is_newest_first", [True, False])
def test_undos_of_use_source_and_of_a_later_change_put_back_what_stood_in_omeka(library, omeka, title, is_newest_first):
    item_id, there = title
    before = state(omeka)
    [row] = rows()
    chosen = ended(carried_out(conflicts.choose(library, Choice.OURS, row.id)))
    change_title(catalogue_item(item_id), "Ours again")
    later = ended(publish(library))

    for job in (later, chosen) if is_newest_first else (chosen, later):
        undo(job)

    assert state(omeka) == before
    assert title_of(there, omeka) == ["Theirs"]


def test_an_undo_of_use_source_puts_back_the_class_that_stood_in_omeka(library, omeka):
    destinations.get(library).classes = {"text": f"{BIBO}Thesis"}
    for one in db.session.scalars(db.select(CatalogueItem)):
        one.mapped_values = one.mapped_values | {"dcterms:type": [{"value": "Text", "language": None}]}
    db.session.commit()
    publish(library)
    number = first_published(omeka)[1]["o:id"]
    omeka.edit(number, o__resource_class={"o:id": 40}, o__is_public=False)
    destinations.get(library).classes = {"text": f"{BIBO}Article"}
    db.session.commit()
    publish(library)
    [row] = rows()
    job = carried_out(conflicts.choose(library, Choice.OURS, row.id))
    ours = omeka.resources[number]["o:resource_class"]["o:id"]

    undo(ended(job))

    there = omeka.resources[number]
    assert ours != 40
    assert (there["o:resource_class"]["o:id"], there["o:is_public"]) == (40, False)


def test_a_choice_for_omeka_lasts_until_the_source_changes_again(library, omeka, title):
    item_id, there = title
    [row] = rows()

    carried_out(conflicts.choose(library, Choice.THEIRS, row.id))
    after, later = rows(), publish(library)
    is_clean, found = later.clean, counts(later, "conflicts")
    change_title(catalogue_item(item_id), "Ours again")
    publish(library)

    assert after == []
    assert (is_clean, found) == (True, {"conflicts": 0})
    assert title_of(there, omeka) == ["Theirs"]
    assert [row.ours[0]["text"] for row in rows()] == ["Ours again"]


@pytest.mark.parametrize("choice", Choice)
def test_an_edit_that_the_person_did_not_see_is_never_replaced(library, omeka, title, choice):
    _, there = title
    [row] = rows()
    job_ids = conflicts.choose(library, choice, row.id)
    omeka.edit(there["o:id"], dcterms__title=[literal("Edited later")])

    carried_out(job_ids)

    assert title_of(there, omeka) == ["Edited later"]
    if choice == Choice.OURS:
        assert [(one.theirs[0]["text"], one.choice) for one in rows()] == [("Edited later", None)]


def test_a_choice_for_values_that_changed_since_is_refused(library, omeka, title):
    _, there = title
    [row] = rows()
    old = row.id
    newest = conflicts.newest(library)
    omeka.edit(there["o:id"], dcterms__title=[literal("Edited later")])
    publish(library)

    with pytest.raises(ConflictError):
        conflicts.choose(library, Choice.OURS, old)
    with pytest.raises(ConflictError):
        conflicts.choose_all(library, Choice.OURS, newest)
    assert [one.choice for one in rows()] == [None]


def test_conflicts_that_both_sides_settled_disappear(library, omeka, title):
    item_id, _ = title
    change_title(catalogue_item(item_id), "Theirs")

    publish(library)

    assert rows() == []


def test_choices_for_several_conflicts_share_a_queued_job(library, omeka, title):
    item_id, there = title
    omeka.edit(there["o:id"], o__is_public=False)
    first = db.session.scalars(db.select(PublishedItem).where(PublishedItem.item_id == item_id)).one()
    first.wanted = first.wanted | {"is_public": False}
    first.accepted = first.accepted | {"is_public": True}
    db.session.commit()
    publish(library)
    names = {row.name: row.id for row in rows()}

    jobs = [conflicts.choose(library, Choice.OURS, number) for number in names.values()]

    assert "is_public" in names
    assert jobs[0] == jobs[1]
    assert counts(carried_out(jobs[0]), "updated", "conflicts") == {"updated": 1, "conflicts": 0}
    assert omeka.resources[there["o:id"]]["o:is_public"] is True


def test_the_page_shows_both_values_and_a_button_settles_one(client, library, omeka, title):
    _, there = title
    [row] = rows()
    address = f"/destinations/{library}/conflicts/"

    page = client.get(address)
    answer = client.post(address, data={"ours": str(row.id), "newest": str(row.id)}, follow_redirects=True)

    assert "Title Changed on both sides Ours Theirs Use source Keep Omeka S" in words(page)
    assert "Your choice is carried out by job" in words(answer)
    assert "The next job sends the value of the source." in words(answer)
    job_id = db.session.scalars(db.select(db.func.max(Job.id))).one()
    carry_out(job_id)
    assert title_of(there, omeka) == ["Ours"]
    assert "No value waits for a choice." in words(client.get(address))


def test_one_button_settles_all_conflicts(client, library, omeka, title):
    _, there = title

    client.post(f"/destinations/{library}/conflicts/", data={"theirs": "all", "newest": str(conflicts.newest(library))})
    carry_out(db.session.scalars(db.select(db.func.max(Job.id))).one())

    assert (rows(), title_of(there, omeka)) == ([], ["Theirs"])


def test_the_page_of_the_job_links_to_the_conflicts_until_all_have_a_choice(client, library, title):
    job_id = db.session.scalars(db.select(db.func.max(Job.id))).one()

    page = client.get(f"/jobs/{job_id}/")
    conflicts.choose_all(library, Choice.THEIRS, conflicts.newest(library))
    later = client.get(f"/jobs/{job_id}/")

    assert f"/destinations/{library}/conflicts/" in page.get_data(as_text=True)
    assert f"/destinations/{library}/conflicts/" not in later.get_data(as_text=True)


def test_a_choice_needs_a_conflict(client, library):
    page = client.post(f"/destinations/{library}/conflicts/", data={"ours": "x"})

    assert (page.status_code, "Choose whose values stay." in words(page)) == (422, True)


def test_viewers_see_no_conflicts(client, library):
    db.session.execute(db.update(Account).values(role=Role.VIEWER.value))
    db.session.commit()

    assert client.get(f"/destinations/{library}/conflicts/").status_code == 403
