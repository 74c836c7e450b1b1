"""The item set of a source at a destination: the chosen one, one with its name, or none."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Response

from connector.jobs import creation
from connector.models.jobs import State
from connector.publishing import item_set_choices, publish_jobs
from connector.publishing.job_kind import PUBLISH_PREVIEW
from connector.tasks import carry_out
from tests.pages import words

from .steps import counts, first_published, held, job_of, publish, source

NAME = "Odd metadata"


@pytest.fixture
def app(stocked_app):
    stocked_app.config["MAX_OUTAGE_SECONDS"] = 60
    with stocked_app.app_context():
        yield stocked_app


@pytest.fixture
def page(app, library) -> str:
    return f"/destinations/{library}/sources/{source(NAME)}/item-set"


def new_set(omeka, title: str) -> int:
    """Add an item set as a person does in the pages of Omeka S, and return its id."""
    number = max(omeka.resources, default=0) + 1
    value = {"type": "literal", "property_id": 1, "@value": title, "is_public": True, "property_label": "Title"}
    raw = {"@type": "o:ItemSet", "@id": f"{omeka.url}/api/item_sets/{number}", "o:id": number, "o:title": title}
    omeka.put(raw | {"o:owner": {"o:id": 1}, "o:is_public": True, "o:is_open": False, "dcterms:title": [value]})
    return number


def sets_of(omeka) -> list[list[int]]:
    return sorted([one["o:id"] for one in item["o:item_set"]] for item in omeka.all_of("items"))


def undo(job_id: int) -> None:
    assert carry_out(creation.create_undo(job_id))


def test_items_get_the_chosen_item_set_and_no_other_is_created(library, omeka):
    chosen = new_set(omeka, "Theses")
    item_set_choices.choose(library, source(NAME), chosen)

    publish(library)

    assert sets_of(omeka) == [[chosen]] * held()
    assert [one["o:title"] for one in omeka.all_of("item_sets")] == ["Theses"]


def test_items_get_no_item_set_if_none_is_chosen(library, omeka):
    item_set_choices.choose_none(library, source(NAME))

    publish(library)

    assert (sets_of(omeka), omeka.all_of("item_sets")) == ([[]] * held(), [])


def test_a_later_choice_adds_the_items_to_the_other_set_once_and_an_undo_takes_them_out(library, omeka):
    publish(library)
    own = omeka.all_of("item_sets")[0]["o:id"]
    chosen = new_set(omeka, "Theses")
    item_set_choices.choose(library, source(NAME), chosen)

    job_id = publish(library).id
    after, again = sets_of(omeka), counts(publish(library), "updated", "unchanged")
    undo(job_id)

    assert after == [[own, chosen]] * held()
    assert again == {"updated": 0, "unchanged": held()}
    assert sets_of(omeka) == [[own]] * held()


def test_an_item_that_a_person_took_out_of_its_set_or_put_into_another_stays_so(library, omeka):
    publish(library)
    theirs = new_set(omeka, "Theirs")
    _, there = first_published(omeka)
    omeka.edit(there["o:id"], o__item_set=[{"o:id": theirs}])

    job = publish(library)

    assert counts(job, "updated") == {"updated": 0}
    assert [one["o:id"] for one in omeka.resources[there["o:id"]]["o:item_set"]] == [theirs]


def test_an_undo_deletes_items_in_a_chosen_set_and_keeps_the_set_and_items_that_others_put_elsewhere(library, omeka):
    chosen = new_set(omeka, "Theses")
    item_set_choices.choose(library, source(NAME), chosen)
    job_id = publish(library).id
    theirs = new_set(omeka, "Theirs")
    _, there = first_published(omeka)
    omeka.edit(there["o:id"], o__item_set=[{"o:id": chosen}, {"o:id": theirs}])

    undo(job_id)

    assert [item["o:id"] for item in omeka.all_of("items")] == [there["o:id"]]
    assert {one["o:title"] for one in omeka.all_of("item_sets")} == {"Theses", "Theirs"}


def test_a_chosen_set_that_was_deleted_ends_the_job_before_any_item_is_sent(library, omeka):
    chosen = new_set(omeka, "Theses")
    item_set_choices.choose(library, source(NAME), chosen)
    del omeka.resources[chosen]

    job = publish(library)

    assert (job.state, omeka.all_of("items")) == (State.FAILED, [])
    assert job.message.startswith("The item set that was chosen for this source is no longer in Omeka S.")


def test_a_preview_counts_what_the_choice_changes_and_creates_no_set(library, omeka):
    def previewed() -> dict[str, int]:
        job_id = publish_jobs.create(source(NAME), library, kind=PUBLISH_PREVIEW)
        assert carry_out(job_id)
        return counts(job_of(job_id), "added", "updated", "unchanged")

    first, writes = previewed(), omeka.all_of("item_sets")
    publish(library)
    same = previewed()
    item_set_choices.choose(library, source(NAME), new_set(omeka, "Theses"))

    assert (first, writes) == ({"added": held(), "updated": 0, "unchanged": 0}, [])
    assert same == {"added": 0, "updated": 0, "unchanged": held()}
    assert previewed() == {"added": 0, "updated": held(), "unchanged": 0}


def test_items_are_not_moved_to_and_fro_when_the_choice_changes_back(library, omeka):
    publish(library)
    item_set_choices.choose(library, source(NAME), new_set(omeka, "Second"))
    publish(library)
    item_set_choices.choose_own(library, source(NAME))

    assert counts(publish(library), "updated", "unchanged") == {"updated": 0, "unchanged": held()}


def test_an_editor_finds_an_item_set_by_its_title_and_chooses_it(app, page, omeka, stocked_client):
    number = new_set(omeka, "Theses of the library")
    new_set(omeka, "Maps")

    found = stocked_client.get(f"{page}?q=THESES")
    answer = stocked_client.post(page, data={"item_set": str(number)}, follow_redirects=True)

    assert ("Theses of the library" in words(found), "Maps" in words(found)) == (True, False)
    assert "Item set in Library Theses of the library" in words(answer)


@pytest.mark.parametrize(("choice", "shown"), [("none", "None"), ("own", "With the name of the source")])
def test_an_editor_chooses_no_item_set_or_one_with_the_name_of_the_source(page, omeka, stocked_client, choice, shown):
    stocked_client.post(page, data={"item_set": "none"})

    answer = stocked_client.post(page, data={"item_set": choice}, follow_redirects=True)

    assert f"Item set in Library {shown}" in words(answer)


@pytest.mark.parametrize(("choice", "sentence"), [("", "Choose an item set."), ("99", "is no longer in Omeka S")])
def test_a_choice_of_nothing_is_refused(page, omeka, stocked_client, choice, sentence):
    answer = stocked_client.post(page, data={"item_set": choice})

    assert (answer.status_code, sentence in words(answer)) == (422, True)


def test_the_page_of_the_choice_opens_while_the_site_does_not_answer(library, page, omeka, stocked_client):
    number = new_set(omeka, "Theses")
    item_set_choices.choose(library, source(NAME), number)
    omeka.faults.instead = lambda request: Response("?", 404)

    answer = stocked_client.get(page)

    assert (answer.status_code, "Theses" in words(answer)) == (200, True)
