"""An import explains each difference between the count of the source and its items, or is not clean."""

from __future__ import annotations

import pytest

from connector.extensions import db
from connector.imports.results.missing_questions import Answer
from connector.jobs import lifecycle
from connector.tasks import carry_out
from tests.sample import SampleRepository

from ..steps import import_of, of_generation

COUNTER = "private or restricted"


def three_items_counted_as_five(dspace) -> None:
    for id in "abc":
        dspace.add(id)
    dspace.count_off_by = 2


@pytest.mark.parametrize(("generation", "says"), [(4, True), (6, True), (7, False), (9, False)])
def test_an_unexplained_difference_of_counts_is_never_clean_and_names_possible_reasons(
    importer, dspace, generation, says
):
    three_items_counted_as_five(dspace)

    job = of_generation(importer, generation).run()

    assert (job.state, job.clean, job.counts["seen"], job.expected) == ("completed", False, 3, 5)
    assert "The source counts 5 items; 3 could be found, and 2 of them are not accounted for" in job.message
    assert (COUNTER in job.message) is says


def test_a_count_explained_by_the_list_of_ids_is_clean_and_reported(importer, dspace):
    three_items_counted_as_five(dspace)
    dspace.hidden_counts = {"c1": 2}

    job = of_generation(importer, 6).run()

    assert (job.clean, job.counts["not_visible"]) == (True, 2)
    assert job.message.startswith("The source counts 2 more items that it does not list")
    assert COUNTER in job.message


def test_a_partly_explained_count_names_both_parts_and_is_not_clean(importer, dspace):
    three_items_counted_as_five(dspace)
    dspace.hidden_counts = {"c1": 1}

    job = of_generation(importer, 6).run()

    assert (job.clean, job.counts["not_visible"]) == (False, 1)
    assert "1 of them is not accounted for" in job.message
    assert "counts 1 more item that" in job.message


@pytest.mark.parametrize(("count", "stored"), [(3 * 2**31, 3 * 2**31), (2**64, 2**63 - 1)])
def test_a_count_is_stored_as_the_source_gives_it_up_to_64_bits(importer, dspace, count, stored):
    dspace.add("a")
    dspace.count_off_by, dspace.hidden_counts = count - 1, {"c1": count}

    job = of_generation(importer, 6).run()

    assert (job.state, job.expected, job.counts["not_visible"]) == ("completed", stored, stored)


def test_a_complete_import_reports_no_difference(importer, dspace):
    dspace.add("a")

    job = of_generation(importer, 6).run()

    assert (job.clean, job.message) == (True, "")


@pytest.mark.parametrize("generation", [6, 5])
def test_a_private_item_of_a_real_server_explains_the_count(app, generation):
    with SampleRepository(generation) as sample, app.app_context():
        gazette = sample.data.named("Aldermouth Gazette")
        item = next(item for item in sample.data.items.values() if gazette in item.collections)
        sample.data.make_private(item)
        job = import_of(sample, gazette)()

        assert (job.clean, job.expected, job.counts["seen"], job.counts["not_visible"]) == (True, 45, 44, 1)
        assert "counts 1 more item that" in job.message


@pytest.mark.parametrize("generation", [6, 5, 4])
def test_items_of_restricted_collections_below_a_community_are_reported(app, generation):
    with SampleRepository(generation) as sample, app.app_context():
        top = sample.data.add_community("Faculty")
        open_one = sample.data.add_collection("Open", top)
        closed = sample.data.add_collection("Members only", sample.data.add_community("Inner", top), readable=False)
        for number in range(4):
            item = sample.data.add_item(open_one, [("dc.title", [f"Open {number}"])])
        for number in range(3):
            sample.data.add_item(closed, [("dc.title", [f"Closed {number}"])])
        sample.data.map_to(item, sample.data.add_collection("Also open", top))

        job = import_of(sample, top)()

        assert (job.counts["seen"], job.counts["not_visible"], job.expected, job.clean) == (4, 3, 7, True)
        assert "The community counts 3 more items, in collections that are not visible." in job.message
        assert ("import of the entire repository finds" in job.message) is (generation > 4)
        assert ("import a readable one by its own address" in job.message) is (generation == 4)


def test_a_community_with_only_public_collections_has_no_items_outside(app):
    with SampleRepository(6) as sample, app.app_context():
        home = sample.data.named("Aldermouth Gazette")
        job = import_of(sample, home.parent)()

        assert "in collections that are not visible" not in job.message


@pytest.mark.parametrize("generation", [6, 5, 4])
def test_an_empty_list_of_a_collection_that_counts_many_items_is_a_question(app, generation):
    with SampleRepository(generation) as sample, app.app_context():
        gazette = sample.data.named("Aldermouth Gazette")
        for item in sample.data.items.values():
            item.readable = item.readable and gazette not in item.collections
        run = import_of(sample, gazette)

        asking = run()
        left = answered(asking.id, Answer.LEAVE)
        agreed = answered(run().id, Answer.MARK)
        known = run()

        assert (asking.state, asking.asks, asking.question["unseen"]) == ("stopped", True, 45)
        assert "counts 45 items and lists none of them" in asking.message
        assert (left.clean, "lists none of them" in left.message) == (False, True)
        assert (agreed.clean, agreed.counts["not_visible"]) == (True, 45)
        assert (known.state, known.clean, known.counts["not_visible"]) == ("completed", True, 45)


@pytest.mark.parametrize("generation", [6, 5, 4])
def test_a_collection_that_lists_less_than_half_of_its_count_is_a_problem_once(app, generation):
    with SampleRepository(generation) as sample, app.app_context():
        gazette = sample.data.named("Aldermouth Gazette")
        close(sample, gazette, 30)
        run = import_of(sample, gazette)

        first, second = run(), run()
        close_new_ones(sample, gazette, 5)
        slightly_more = run()
        close_new_ones(sample, gazette, 25)
        many_more = run()

        doubt = "1 collection lists less than half of the items that the source counts there; {} are not listed."
        assert [doubt.format(number) in job.message for job, number in ((first, 30), (second, 30))] == [True, True]
        assert "the list may be incomplete" in first.message
        assert "private or restricted ones" not in first.message
        assert [job.clean for job in (first, second, slightly_more, many_more)] == [False, True, True, False]
        assert doubt.format(60) in many_more.message
        assert (first.counts["seen"], first.counts["not_visible"], first.expected) == (15, 30, 45)


@pytest.mark.parametrize("generation", [6, 5, 4])
def test_a_collection_that_lists_more_than_half_of_its_count_has_private_items(app, generation):
    with SampleRepository(generation) as sample, app.app_context():
        gazette = sample.data.named("Aldermouth Gazette")
        close(sample, gazette, 20)

        job = import_of(sample, gazette)()

        assert (job.clean, job.counts["seen"], job.counts["not_visible"]) == (True, 25, 20)
        assert "counts 20 more items that it does not list: private or restricted ones" in job.message


def close(sample, home, number: int) -> None:
    for item in [item for item in sample.data.items.values() if home in item.collections][:number]:
        item.readable = False


def close_new_ones(sample, home, number: int) -> None:
    for index in range(number):
        sample.data.add_item(home, [("dc.title", [f"Closed {index}"])]).readable = False


def answered(job_id: int, answer: Answer):
    lifecycle.resume(job_id, answer)
    assert carry_out(job_id)
    job = lifecycle.get(job_id)
    db.session.expunge(job)
    return job
