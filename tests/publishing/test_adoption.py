"""Items that are in Omeka S already are adopted after a question. None exists twice, and no value there is lost."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import pytest

from connector.errors import ConflictError
from connector.extensions import db
from connector.jobs import lifecycle
from connector.models.catalogue import CatalogueFile, CatalogueItem, Holding
from connector.models.jobs import Job, State
from connector.models.publishing import AdoptionCandidate, FileMode, PublishedFile, PublishedItem
from connector.omeka.resources import IDENTIFIER, URI, Item, literal, uri
from connector.publishing import adoptions, conflicts, destinations, publish_jobs
from connector.publishing.adoptions import Answer
from connector.publishing.job_kind import PUBLISH, PUBLISH_PREVIEW
from connector.publishing.lookalikes import Unpublished, addresses_of, paired
from connector.tasks import carry_out
from tests.pages import words

from . import steps
from .conftest import added
from .steps import answered, begin_long_ago, create, ended, held, identifiers, job_of, link, source, state, undo

HARBOUR = "Harbour photographs"


@pytest.fixture
def app(stocked_app):
    stocked_app.config["MAX_OUTAGE_SECONDS"] = 60
    with stocked_app.app_context():
        yield stocked_app


class Held(NamedTuple):
    """An item of the catalogue. `identifier`: ours at a destination."""

    id: int
    title: str | None
    handle: str
    link: str
    identifier: str


def items(name: str = "Odd metadata") -> list[Held]:
    mine = db.select(Holding.item_id).where(Holding.source_id == source(name))
    query = db.select(CatalogueItem).where(CatalogueItem.id.in_(mine)).order_by(CatalogueItem.id)
    return [
        Held(one.id, one.title, one.handle, one.link, f"dspace:{one.repository.address_key}/{one.source_id}")
        for one in db.session.scalars(query)
    ]


def by_module(omeka, item: Held, **members) -> dict:
    """Create an item as the module has imported it: with its address, and without our identifier."""
    titles = [steps.literal(item.title)] if item.title else []
    return create(
        omeka, **{"dcterms__title": titles, "bibo__uri": [link(f"http://hdl.handle.net/{item.handle}")]} | members
    )


def publish(destination: int, name: str = "Odd metadata") -> steps.Ended:
    return ended(steps.publish(destination, name))


def set_values(item: Held, **values: list[str]) -> None:
    """Change values of an item of the catalogue."""
    new = {f"dcterms:{name}": [{"value": text, "language": None} for text in texts] for name, texts in values.items()}
    stored = db.session.get_one(CatalogueItem, item.id)
    stored.mapped_values = stored.mapped_values | new
    db.session.commit()


# What is recognised


@pytest.mark.parametrize(
    "address",
    [
        "http://hdl.handle.net/1/5",
        "https://hdl.handle.net/1/5",
        "http://repository.example.org/handle/1/5",
        "https://repository.example.org/handle/1/5",
        "https://www.repository.example.org/handle/1/5",
        "http://www.repository.example.org/handle/1/5",
        "https://old.example.org/xmlui/handle/1/5",
    ],
)
def test_an_item_is_recognised_by_each_form_of_its_handle(address):
    known = addresses_of("1/5", "https://old.example.org/xmlui/handle/1/5", ["https://www.repository.example.org"])

    assert address in known
    assert addresses_of(None, None, ["https://repository.example.org"]) == frozenset()


def unpublished(number: int, *addresses: str) -> Unpublished:
    return Unpublished(number, f"uuid-{number}", f"dspace:a/uuid-{number}", frozenset(addresses))


def there(number: int, *values) -> Item:
    return Item(tuple(values), id=number)


def test_our_identifier_decides_and_an_item_with_the_identifier_of_another_is_left_alone():
    ours, module = there(7, literal(IDENTIFIER, "dspace:a/uuid-1")), there(8, uri(URI, "x"))
    other = there(9, uri(URI, "x"), literal(IDENTIFIER, "dspace:b/uuid-9"))
    moved = there(10, uri(URI, "y"), literal(IDENTIFIER, "dspace:older address/uuid-2"))
    found = {"dspace:a/uuid-1": [ours], "x": [module, other], "y": [moved], "z": [other]}

    pairs = paired([unpublished(1, "x"), unpublished(2, "y"), unpublished(3, "z")], found, taken=set())

    assert {item_id: one.omeka_id for item_id, one in pairs.found.items()} == {1: 7, 2: 10}
    assert pairs.doubtful == {}
    assert paired([unpublished(1, "x")], found, taken={7}).found[1].omeka_id == 8


def test_several_candidates_are_named_and_none_is_guessed():
    one, two = there(7, uri(URI, "x")), there(8, uri(URI, "y"))

    several_there = paired([unpublished(1, "x", "y")], {"x": [one], "y": [two]}, taken=set())
    several_here = paired([unpublished(1, "x"), unpublished(2, "x")], {"x": [one]}, taken=set())

    assert (several_there.found, several_here.found) == ({}, {})
    assert several_there.doubtful[1].startswith("Several items in Omeka S look like this one: 7, 8.")
    assert set(several_here.doubtful) == {1, 2}
    assert several_here.doubtful[2].startswith("Item 7 in Omeka S looks like this one and like others here.")


# The question


def test_nothing_is_written_before_a_person_has_decided(library, omeka):
    first, second, *_ = items()
    by_module(omeka, first), by_module(omeka, second)
    before = state(omeka)

    job = publish(library)

    assert (job.state, job_of(job.id).asks, job.question) == (State.STOPPED, True, {"adopt": 2})
    assert not job_of(job.id).can_undo
    assert job.message.startswith("2 items in Omeka S look like items of this job. Adopt them?")
    assert state(omeka) == before
    assert [one for one in omeka.writes() if one != ("POST", "/api/media")] == []


def test_items_of_the_module_are_adopted_and_keep_all_that_stands_there(library, omeka):
    first, *others = items()
    number = by_module(
        omeka, first, dcterms__title=[steps.literal("A better title")], dcterms__relation=[steps.literal("Ours", 13)]
    )["o:id"]
    for item in others:
        by_module(omeka, item)

    job = answered(publish(library), Answer.ALL)

    assert (job.state, job.counts["adopted"], job.counts["added"]) == (State.COMPLETED, held(), 0)
    assert len(omeka.all_of("items")) == held() == len(set(identifiers(omeka)))
    adopted = omeka.resources[number]
    assert [value["@value"] for value in adopted["dcterms:title"]] == ["A better title"]
    assert [value["@value"] for value in adopted["dcterms:relation"]][:1] == ["Ours"]
    assert f"http://hdl.handle.net/{first.handle}" in [value["@id"] for value in adopted["bibo:uri"]]
    assert first.link in [value["@id"] for value in adopted["bibo:uri"]]
    assert job.problems[first.id] == "Other values than at the source stand in Omeka S: Title. They stay."
    assert "Title" in [conflicts.in_words(row).name for row in db.session.scalars(conflicts.query(library))]


def test_values_that_the_module_left_out_are_added_behind_those_that_are_there(library, omeka):
    item = items()[0]
    set_values(item, subject=["a", "b", "c"])
    number = by_module(omeka, item, dcterms__subject=[steps.literal("b", 3)])["o:id"]

    job = answered(publish(library), Answer.ALL)

    assert [value["@value"] for value in omeka.resources[number]["dcterms:subject"]] == ["b", "a", "c"]
    assert job.counts["conflicts"] == 0


def test_a_hidden_item_that_is_public_in_omeka_is_named_when_it_is_adopted(library, omeka):
    item = items()[0]
    db.session.get_one(CatalogueItem, item.id).is_hidden = True
    db.session.commit()
    number = by_module(omeka, item)["o:id"]

    job = answered(publish(library), Answer.ALL)

    assert job.problems == {item.id: "It stays public in Omeka S, but would be private as a new item."}
    assert omeka.resources[number]["o:is_public"] is True


def test_the_page_of_conflicts_says_that_a_value_was_there_before_the_adoption(app, library, omeka):
    item = items()[0]
    by_module(omeka, item, dcterms__title=[steps.literal("Theirs")])
    answered(publish(library), Answer.ALL)

    page = app.test_client().get(f"/destinations/{library}/conflicts/")

    assert "Title In Omeka S before the adoption" in words(page)


def test_later_changes_at_the_source_reach_adopted_items_where_nobody_edited_them(library, omeka):
    item = items()[0]
    number = by_module(omeka, item)["o:id"]
    answered(publish(library), Answer.ALL)
    set_values(item, title=["A new title"])

    job = publish(library)

    assert (job.counts["updated"], job.counts["conflicts"]) == (1, 0)
    assert omeka.resources[number]["dcterms:title"][0]["@value"] == "A new title"


def test_with_the_answer_none_new_items_are_created_beside_and_the_question_is_not_asked_again(library, omeka):
    number = by_module(omeka, items()[0])["o:id"]
    before = state(omeka)[number]

    job = answered(publish(library), Answer.NONE)
    again = publish(library)

    assert (job.counts["adopted"], job.counts["added"], again.counts["unchanged"]) == (0, held(), held())
    assert len(omeka.all_of("items")) == held() + 1
    assert state(omeka)[number] == before


def test_only_ticked_items_are_adopted(app, library, omeka):
    chosen, other, *_ = items()
    numbers = [by_module(omeka, one)["o:id"] for one in (chosen, other)]
    job = publish(library)
    client, address = app.test_client(), f"/jobs/{job.id}/adoption/"
    page = client.get(address)
    first, second = db.session.scalars(db.select(AdoptionCandidate.id).order_by(AdoptionCandidate.id))

    refused = client.post(address, data={"shown": [first, second], "do": "ticked"}, follow_redirects=True)
    done = client.post(address, data={"shown": [first, second], "row": [first], "do": "ticked"})

    assert f"http://hdl.handle.net/{chosen.handle}" in words(page)
    assert "0 of 2 ticked" in words(page)
    assert "Tick some items first." in words(refused)
    assert done.location == f"/jobs/{job.id}/"
    assert carry_out(job.id)
    assert job_of(job.id).counts["adopted"] == 1
    assert [len(omeka.resources[number].get("dcterms:identifier", [])) for number in numbers] == [
        len(omeka.resources[numbers[0]]["dcterms:identifier"]),
        0,
    ]


def test_the_page_of_the_job_asks_and_takes_the_answer(app, library, omeka):
    by_module(omeka, items()[0])
    job = publish(library)
    client = app.test_client()

    page = client.get(f"/jobs/{job.id}/")
    wrong = client.post(f"/jobs/{job.id}/answer", data={"answer": "mark"})
    client.post(f"/jobs/{job.id}/adoption/", data={"do": "all"})

    assert "Adopt 1 item" in words(page)
    assert wrong.status_code == 409
    assert job_of(job.id).state == State.QUEUED
    assert job_of(job.id).question == {"adopt": 1, "answer": "all"}


def test_an_answer_is_refused_where_no_question_is_open(library, omeka):
    job = publish(library)

    with pytest.raises(ConflictError, match="has no question"):
        steps.adoptions.answer(job.id, Answer.ALL)


def test_a_later_job_that_asks_the_same_settles_the_earlier_question(library, omeka):
    by_module(omeka, items()[0])
    first, second = publish(library), publish(library)

    assert (job_of(first.id).asks, job_of(second.id).asks) == (False, True)
    assert job_of(first.id).message == f"Job {second.id} asks again, so this question is settled."


def test_two_candidates_for_one_item_are_named_and_neither_is_touched(library, omeka):
    item, *others = items()
    for address in (f"http://hdl.handle.net/{item.handle}", f"https://hdl.handle.net/{item.handle}"):
        create(omeka, bibo__uri=[link(address)])
    before = state(omeka)

    job = publish(library)

    assert (job.state, job.counts["failed"], job.counts["added"]) == (State.COMPLETED, 1, len(others))
    assert job.problems[item.id].startswith("Several items in Omeka S look like this one: 1, 2.")
    assert {number: state(omeka)[number] for number in before} == before


def test_an_address_that_omeka_only_thinks_equal_is_no_match(library, omeka):
    item = items()[0]
    create(omeka, bibo__uri=[link(f"HTTP://hdl.handle.net/{item.handle}")])
    create(omeka, bibo__uri=[{**link("https://example.org/"), "o:label": f"http://hdl.handle.net/{item.handle}"}])

    assert publish(library).counts["added"] == held()


def test_a_preview_counts_items_to_adopt_and_asks_nothing(library, omeka):
    by_module(omeka, items()[0])
    job_id = publish_jobs.create(source("Odd metadata"), library, kind=PUBLISH_PREVIEW)

    assert carry_out(job_id)

    assert (job_of(job_id).state, job_of(job_id).counts["adopted"]) == (State.COMPLETED, 1)
    assert job_of(job_id).counts["added"] == held() - 1


def test_a_preview_does_not_count_files_that_are_there(app, omeka):
    library = added(omeka, files=FileMode.UPLOAD)
    uploaded = publish(library, HARBOUR).counts["files_sent"]
    destinations.remove(library)
    job_id = publish_jobs.create(source(HARBOUR), added(omeka, files=FileMode.UPLOAD), kind=PUBLISH_PREVIEW)

    assert carry_out(job_id)

    counts = job_of(job_id).counts
    assert (counts["adopted"], counts["files_sent"]) == (held(HARBOUR), 0)
    assert uploaded > 0


def test_items_of_a_lost_database_are_adopted_without_a_change_or_a_second_item(library, omeka):
    publish(library)
    before = state(omeka)
    destinations.remove(library)

    job = answered(publish(added(omeka)), Answer.ALL)

    assert state(omeka) == before
    assert job.counts["adopted"] == held()


def test_a_lost_answer_beside_a_declined_item_creates_one_new_item(library, omeka):
    publish(library)
    before = state(omeka)
    destinations.remove(library)
    again = added(omeka)
    job = publish(again)
    first = omeka.faults.instead

    def lose_answer(request):
        if request.method == "POST" and request.path == "/api/items":
            omeka.faults.instead, omeka.faults.lost = first, 1
        return None

    omeka.faults.instead = lose_answer
    job = answered(job, Answer.NONE)

    assert (job.counts["added"], job.counts["failed"]) == (held(), 0)
    assert len(omeka.all_of("items")) == 2 * held()
    assert {number: state(omeka)[number] for number in before} == before


def test_an_unanswered_creation_beside_a_declined_item_is_undone_without_that_item(library, omeka):
    item = items()[0]
    number = create(omeka, dcterms__identifier=[steps.literal(item.identifier, 10)])["o:id"]
    job = answered(publish(library), Answer.NONE)
    row = db.session.scalars(db.select(PublishedItem).where(PublishedItem.item_id == item.id)).one()
    row.omeka_id, row.wanted, row.accepted = None, None, None
    row.sending_since = row.changed_at
    db.session.commit()
    begin_long_ago()

    undo(job)

    assert list(omeka.resources) == [number]


# Files


def test_files_that_the_module_has_fetched_are_not_sent_again_and_stay_at_an_undo(app, omeka):
    item = items(HARBOUR)[0]
    is_stored = (CatalogueFile.item_id == item.id, CatalogueFile.sha256.is_not(None))
    sha256 = db.session.scalars(db.select(CatalogueFile.sha256).where(*is_stored)).first()
    there = by_module(omeka, item)
    media = {"o__ingester": "url", "o__item": {"o:id": there["o:id"]}, "o__source": "https://repository.example.org/x"}
    create(omeka, "o:Media", **media, o__sha256=sha256, o__size=1, o__media_type="image/jpeg")
    before = state(omeka)

    job = answered(publish(added(omeka, files=FileMode.UPLOAD), HARBOUR), Answer.ALL)
    uploaded = [one["o:sha256"] for one in omeka.all_of("media") if one["o:item"]["o:id"] == there["o:id"]]
    undo(job)

    assert uploaded.count(sha256) == 1
    assert sha256 not in [hashlib.sha256(content).hexdigest() for content in omeka.files.values()]
    assert state(omeka) == before
    assert db.session.scalar(db.select(db.func.count(PublishedFile.id))) == 0


# Undo


def test_undo_of_an_adoption_takes_out_what_was_added_and_the_next_job_asks_again(library, omeka):
    for item in items():
        by_module(omeka, item, dcterms__title=[steps.literal("Theirs")])
    before = state(omeka)

    job = undo(answered(publish(library), Answer.ALL))

    assert (job.state, job.clean, job.counts["restored"]) == (State.COMPLETED, True, held())
    assert state(omeka) == before
    assert publish(library).question == {"adopt": held()}


def test_undo_of_an_adoption_keeps_edits_made_since_and_adopted_items_that_a_later_job_changed(library, omeka):
    item, edited, *_ = items()
    numbers = [by_module(omeka, one)["o:id"] for one in (item, edited)]
    adoption = answered(publish(library), Answer.ALL)
    set_values(item, title=["Later"])
    later = publish(library)
    omeka.edit(numbers[1], dcterms__title=[steps.literal("By a person")])

    first = undo(adoption)
    assert omeka.resources[numbers[1]]["dcterms:title"][0]["@value"] == "By a person"
    assert omeka.resources[numbers[0]]["dcterms:title"][0]["@value"] == "Later"
    undo(later)

    assert first.state == State.COMPLETED
    assert omeka.resources[numbers[0]]["dcterms:title"][0]["@value"] == item.title
    assert "dcterms:identifier" not in omeka.resources[numbers[0]]


# The command line


def test_the_command_asks_and_goes_on_with_an_answer(app, library, omeka):
    by_module(omeka, items()[0])
    run = app.test_cli_runner().invoke

    asked = run(args=["publish", "--source", "Odd metadata", "--to", "Library"])
    job_id = db.session.scalars(db.select(Job.id).where(Job.kind == "publish")).one()
    wrong = run(args=["resume", str(job_id), "--accept-missing"])
    done = run(args=["resume", str(job_id), "--adopt", "all", "--json"])

    assert asked.exit_code == 2
    assert f"flask resume {job_id} --adopt all" in asked.stderr
    assert wrong.exit_code == 2
    assert done.exit_code in (0, 1)
    assert '"adopted": 1' in done.stdout
    assert lifecycle.get(job_id).state == State.COMPLETED


@pytest.mark.parametrize("kind", [PUBLISH, PUBLISH_PREVIEW], ids=["publish", "preview"])
@pytest.mark.parametrize("role", ["author", "editor"])
def test_a_job_says_that_new_items_could_be_there_twice_if_its_key_may_not_see_all_items(library, omeka, role, kind):
    hidden = by_module(omeka, items()[0], o__is_public=False)
    hidden["@owner"] = omeka.add_user("editor").id
    omeka.users[omeka.admin.identity].role = role
    job_id = publish_jobs.create(source("Odd metadata"), library, kind=kind)
    assert carry_out(job_id)
    if job_of(job_id).asks:
        adoptions.answer(job_id, Answer.ALL)
        assert carry_out(job_id)
    job, are_all_visible = job_of(job_id), role == "editor"

    assert (job.counts["added"], job.counts["adopted"]) == (held() - are_all_visible, int(are_all_visible))
    assert ("could be there twice" in job.message) == (not are_all_visible)
