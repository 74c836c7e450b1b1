"""A run accounts for what the source counts and does not show, or says in words that it cannot and is not clean."""

from __future__ import annotations

import pytest

from connector.extensions import db, transaction
from connector.repositories.models import Repository
from tests.sample import SampleRepository

from .test_slices import import_of

COUNTER = "The counter of DSpace 4 to 6 includes private and restricted items"


def of_generation(desk, generation: int):
    with desk.app.app_context(), transaction():
        db.session.execute(db.update(Repository).values(generation=generation, version=f"{generation}.3"))
    return desk


def three_items_counted_as_five(dspace) -> None:
    for id in "abc":
        dspace.add(id)
    dspace.count_off_by = 2


@pytest.mark.parametrize(("generation", "says"), [(4, True), (6, True), (7, False), (9, False)])
def test_a_difference_that_nobody_can_account_for_is_never_clean_and_says_why_it_may_be(desk, dspace, generation, says):
    three_items_counted_as_five(dspace)

    job = of_generation(desk, generation).run()

    assert (job.state, job.clean, job.seen, job.expected) == ("completed", False, 3, 5)
    assert "The source counts 5 items; 3 could be found, and 2 of them are not accounted for" in job.message
    assert (COUNTER in job.message) is says


def test_a_count_that_the_list_of_ids_explains_is_clean_and_is_told(desk, dspace):
    three_items_counted_as_five(dspace)
    dspace.hidden_counts = {"c1": 2}

    job = of_generation(desk, 6).run()

    assert (job.clean, job.hidden) == (True, 2)
    assert job.message.startswith("The source's own count is off by 2")
    assert COUNTER in job.message


def test_a_count_explained_in_part_tells_both_and_is_not_clean(desk, dspace):
    three_items_counted_as_five(dspace)
    dspace.hidden_counts = {"c1": 1}

    job = of_generation(desk, 6).run()

    assert (job.clean, job.hidden) == (False, 1)
    assert "1 of them is not accounted for" in job.message
    assert "off by 1" in job.message


def test_where_all_is_there_nothing_is_said(desk, dspace):
    dspace.add("a")

    job = of_generation(desk, 6).run()

    assert (job.clean, job.message) == (True, "")


@pytest.mark.parametrize("generation", [6, 5])
def test_a_private_item_of_a_real_server_accounts_for_its_count(app, generation):
    with SampleRepository(generation) as sample, app.app_context():
        gazette = sample.data.named("Aldermouth Gazette")
        item = next(item for item in sample.data.items.values() if gazette in item.collections)
        sample.data.make_private(item)
        job = import_of(sample, gazette)()

        assert (job.clean, job.expected, job.seen, job.hidden) == (True, 45, 44, 1)
        assert "off by 1" in job.message
