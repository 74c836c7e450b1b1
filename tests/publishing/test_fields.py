"""Fields without a term: left out and named with their numbers, or in a vocabulary of their own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from connector.errors import InvalidInputError
from connector.extensions import db
from connector.jobs import creation, lifecycle
from connector.jobs.attempt import stop_here
from connector.models.catalogue import CatalogueItem, Holding
from connector.models.jobs import State
from connector.publishing import destinations, publish_jobs
from connector.publishing.field_vocabulary import FieldVocabulary
from connector.publishing.job_kind import PUBLISH_PREVIEW
from connector.tasks import carry_out

from .conftest import added
from .steps import begin_long_ago, counts, held, job_of, publish, source

NAME = "Odd metadata"


@pytest.fixture
def app(stocked_app):
    stocked_app.config["MAX_OUTAGE_SECONDS"] = 60
    with stocked_app.app_context():
        for item in items():
            named = {term: values for term, values in item.mapped_values.items() if ":" in term}
            item.mapped_values = named | {"local.note": [value("a"), value("b", "en"), value(" ")]}
        db.session.commit()
        yield stocked_app


def items() -> list[CatalogueItem]:
    ids = db.select(Holding.item_id).where(Holding.source_id == source(NAME))
    query = db.select(CatalogueItem).where(CatalogueItem.id.in_(ids))
    return list(db.session.scalars(query.order_by(CatalogueItem.id)))


def value(text: str, language: str | None = None) -> dict:
    return {"value": text, "language": language}


def give(item: CatalogueItem, field: str, *texts: str) -> None:
    item.mapped_values = item.mapped_values | {field: [value(text) for text in texts]}
    db.session.commit()


def own(omeka) -> list[dict]:
    return [one for one in omeka.vocabularies if "/fields#" in one["o:namespace_uri"]]


def labels(omeka) -> dict[str, str]:
    mine = [one for one in omeka.properties if one["o:vocabulary"]["o:id"] == own(omeka)[0]["o:id"]]
    return {one["o:local_name"]: one["o:label"] for one in mine}


def values_of(omeka, name: str) -> list[list[str]]:
    [term] = [one["o:term"] for one in omeka.properties if one["o:local_name"] == name]
    return [[one["@value"] for one in item[term]] for item in omeka.all_of("items") if term in item]


def test_fields_without_a_term_are_left_out_and_named_with_the_number_of_their_values(app, omeka):
    job = publish(added(omeka))

    assert job.message == f"Values of fields without a term in Omeka S were left out: local.note ({2 * held()})."
    assert (job.clean, own(omeka)) == (True, [])


def test_a_preview_names_them_too_and_creates_no_vocabulary(app, omeka):
    number = added(omeka, has_all_fields=True)

    def previewed() -> str:
        job_id = publish_jobs.create(source(NAME), number, kind=PUBLISH_PREVIEW)
        assert carry_out(job_id)
        return job_of(job_id).message

    with_vocabulary = previewed()
    destinations.get(number).has_all_fields = False
    db.session.commit()

    assert (with_vocabulary, own(omeka)) == ("", [])
    assert "local.note" in previewed()


def test_a_term_that_the_site_lacks_is_named_like_a_field(app, omeka):
    omeka.properties = [one for one in omeka.properties if one["o:term"] != "dcterms:subject"]
    give(items()[0], "dcterms:subject", "x", "y")

    assert "dcterms:subject (" in publish(added(omeka)).message


def test_a_stopped_job_counts_the_values_left_out_once(app, omeka):
    created = []

    def stop(request):
        if (request.method, request.path) == ("POST", "/api/items"):
            created.append(1)
            if len(created) == 3:
                stop_here(job_id)
        return None

    omeka.faults.instead = stop
    job_id = publish_jobs.create(source(NAME), added(omeka))
    assert carry_out(job_id)
    state = job_of(job_id).state
    begin_long_ago()
    omeka.faults.instead = lambda request: None
    lifecycle.resume(job_id)
    assert carry_out(job_id)

    assert (state, f"local.note ({2 * held()})" in job_of(job_id).message) == (State.STOPPED, True)


def test_fields_are_published_in_a_vocabulary_of_the_repository_that_is_created_once(app, omeka):
    library = added(omeka, has_all_fields=True)

    message = publish(library).message
    again = counts(publish(library), "updated", "unchanged")

    [vocabulary] = own(omeka)
    assert vocabulary["o:namespace_uri"] == f"https://{items()[0].repository.address_key}/fields#"
    assert labels(omeka) == {"local_note": "local.note"}
    assert values_of(omeka, "local_note") == [["a", "b"]] * held()
    assert (message, again) == ("", {"updated": 0, "unchanged": held()})


def test_fields_that_have_a_property_already_cost_no_request(app, omeka):
    library = added(omeka, has_all_fields=True)
    publish(library)
    omeka.requests.clear()
    publish(library)
    with_fields = len(omeka.requests)
    destinations.get(library).has_all_fields = False
    db.session.commit()
    publish(library)  # removes the values of the fields
    omeka.requests.clear()

    publish(library)

    assert with_fields == len(omeka.requests)


def test_a_new_field_is_added_and_the_others_keep_their_values(app, omeka):
    library = added(omeka, has_all_fields=True)
    publish(library)
    give(items()[0], "local.shelf-mark", "Ms 1")

    publish(library)

    assert labels(omeka) == {"local_note": "local.note", "local_shelf--mark": "local.shelf-mark"}
    assert (values_of(omeka, "local_shelf--mark"), len(values_of(omeka, "local_note"))) == ([["Ms 1"]], held())


@given(st.sets(st.text("ab1._- é", min_size=1, max_size=6), min_size=2, max_size=2))
def test_two_fields_never_share_a_property(fields):
    vocabulary = FieldVocabulary("https://example.org/fields#", "dspace", "Fields")

    names = {vocabulary.property_of(field).removeprefix(vocabulary.namespace) for field in fields}

    assert len(names) == 2
    assert all(re.fullmatch("[A-Za-z0-9_-]+", name) for name in names)


def test_a_lost_answer_creates_no_second_vocabulary(app, omeka):
    library = added(omeka, has_all_fields=True)

    def lose(request):
        if (request.method, request.path) == ("POST", "/api/vocabularies"):
            omeka.faults.instead, omeka.faults.lost = (lambda request: None), 1
        return None

    omeka.faults.instead = lose

    job = publish(library)

    assert (counts(job, "added"), len(own(omeka))) == ({"added": held()}, 1)


def test_a_prefix_that_another_vocabulary_has_gets_a_number(app, omeka):
    library = added(omeka, has_all_fields=True)
    publish(library)
    [vocabulary] = own(omeka)
    vocabulary["o:namespace_uri"] = "http://example.org/"

    publish(library)

    assert own(omeka)[0]["o:prefix"] == f"{vocabulary['o:prefix']}-2"


def test_an_undo_leaves_the_vocabulary_and_removes_the_items(app, omeka):
    job = publish(added(omeka, has_all_fields=True))

    assert carry_out(creation.create_undo(job.id))

    assert (omeka.resources, len(own(omeka))) == ({}, 1)


def test_a_key_that_may_not_create_vocabularies_is_refused_when_the_destination_is_saved(app, omeka):
    omeka.users[omeka.admin.identity].role = "editor"

    with pytest.raises(InvalidInputError, match="Only the key of an administrator") as caught:
        added(omeka, has_all_fields=True)

    assert caught.value.field == "has_all_fields"


def test_a_key_that_has_become_too_weak_ends_the_job_before_any_item_is_sent(app, omeka):
    library = added(omeka, has_all_fields=True)
    omeka.users[omeka.admin.identity].role = "editor"

    job = publish(library)

    assert (job.state, omeka.all_of("items")) == (State.FAILED, [])
    assert "Only the key of an administrator" in job.message
