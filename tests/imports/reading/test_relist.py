"""A source that changes during an import: new items are imported, deleted ones are noticed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.extensions import db
from connector.imports.results.missing_questions import Answer
from connector.models.jobs import Job
from tests.sample import SampleRepository

from ..catalogue import records
from ..steps import import_of, of_generation


def ten_items(dspace) -> None:
    dspace.can_select = True
    for number in range(10):
        dspace.add(f"i{number}")


def meanwhile(dspace, page: int, do) -> None:
    """Before this many pages of the next listing were given, do this, once."""
    left = [do]

    def hook(number: int) -> None:
        if number == page and left:
            left.pop()()

    dspace.before_page = hook


def replaced(dspace):
    """Three that were read are deleted, and three come that stand before what is still to be read."""
    rest = {id: item for id, item in dspace.items.items() if id not in ("i0", "i1", "i2")}
    dspace.items = {}
    for number in range(3):
        dspace.add(f"new{number}", indexed=dspace.server_time + timedelta(seconds=60))
    dspace.items |= rest


def held_now(importer) -> dict[str, str]:
    return {record["source_id"]: record["source_state"] for record in records(importer.app)}


def test_items_that_replace_deleted_ones_are_read_and_the_deleted_ones_marked(importer, dspace):
    ten_items(dspace)
    meanwhile(dspace, 2, lambda: replaced(dspace))

    job = importer.run()

    states = held_now(importer)
    assert {id for id, state in states.items() if state == "present"} == set(dspace.items)
    assert {id for id, state in states.items() if state != "present"} == {"i0", "i1", "i2"}
    assert (job.counts["seen"], job.expected, job.counts["added"], job.counts["vanished"], job.clean) == (
        10,
        10,
        13,
        3,
        True,
    )


def test_a_later_import_that_only_lists_handles_changes_during_the_listing(importer, dspace):
    ten_items(dspace)
    importer.run()
    dspace.edit("i9", title="Changed")
    dspace.refuses_subsets = True
    meanwhile(dspace, 2, lambda: (replaced(dspace), setattr(dspace, "refuses_subsets", False)))

    job = importer.run()

    states = held_now(importer)
    assert {id for id, state in states.items() if state == "present"} == set(dspace.items)
    assert (job.counts["seen"], job.expected, job.counts["added"], job.counts["updated"], job.counts["vanished"]) == (
        10,
        10,
        3,
        1,
        3,
    )
    assert job.counts["unchanged"] == 6


def test_deleted_items_are_marked_and_the_items_they_shifted_are_read(importer, dspace):
    ten_items(dspace)
    meanwhile(dspace, 2, lambda: [dspace.items.pop(id) for id in ("i0", "i4")])

    job = importer.run()

    states = held_now(importer)
    assert {id for id, state in states.items() if state == "present"} == set(dspace.items)
    assert {id for id, state in states.items() if state != "present"} == {"i0", "i4"}
    assert (job.counts["seen"], job.expected, job.clean) == (8, 8, True)


def test_an_older_dspace_with_fewer_items_than_were_seen_is_listed_again(importer, dspace):
    ten_items(dspace)
    dspace.can_select = False
    meanwhile(dspace, 3, lambda: [dspace.items.pop(id) for id in ("i0", "i4")])

    job = of_generation(importer, 6).run()

    assert {id for id, state in held_now(importer).items() if state == "present"} == set(dspace.items)
    assert (job.counts["seen"], job.counts["vanished"], job.clean) == (8, 2, True)


def test_a_count_that_lags_behind_marks_no_item(importer, dspace):
    ten_items(dspace)
    dspace.count_off_by = -2

    job = of_generation(importer, 6).run()

    assert (job.counts["seen"], job.expected, job.counts["vanished"], job.clean) == (10, 8, 0, True)
    assert set(held_now(importer).values()) == {"present"}


def test_a_job_that_dies_while_it_lists_again_resumes_there(importer, dspace):
    ten_items(dspace)
    meanwhile(dspace, 2, lambda: replaced(dspace))
    job_id = importer.create()
    listings = []

    def die_late(connection) -> None:
        if len(dspace.listings) == 2 and not listings:
            listings.extend(dspace.listings)
            raise RuntimeError("The process is gone")

    ask = dspace._ask
    dspace._ask = lambda: (die_late(None), ask())[1] if dspace.listings else ask()
    importer.work(job_id)
    assert importer.job(job_id).state == "failed"
    with importer.app.app_context():
        db.session.execute(db.update(Job).values(state="queued"))
        db.session.commit()

    importer.work(job_id)

    job = importer.job(job_id)
    assert (job.state, job.counts["seen"], job.expected, job.clean) == ("completed", 10, 10, True)
    assert {id for id, state in held_now(importer).items() if state == "present"} == set(dspace.items)


def test_a_preview_shows_the_state_at_its_end(importer, dspace):
    ten_items(dspace)
    importer.run()
    meanwhile(dspace, 2, lambda: replaced(dspace))

    job = importer.preview(full=True)

    assert (job.counts["added"], job.counts["vanished"], job.counts["unchanged"], job.counts["seen"]) == (3, 3, 7, 10)


@pytest.mark.parametrize(("generation", "at"), [(9, 2), (9, 4), (7, 3), (6, 1)])
def test_no_item_is_missed_or_kept_wrongly_on_a_changing_real_server(app, generation, at):
    with SampleRepository(generation) as sample, app.app_context():
        gazette = sample.data.named("Aldermouth Gazette")
        mine = [item for item in sample.data.items.values() if gazette in item.collections]
        asked = []

        def move(target: str) -> bool:
            if "/discover/search/objects" in target or "/items?" in target:
                asked.append(target)
                if len(asked) == at:
                    for item in sorted(mine, key=lambda item: item.uuid)[:3]:
                        sample.data.delete(item)
                    for number in range(3):
                        sample.data.add_item(gazette, [("dc.title", [f"Late {number}"])])
            return False

        sample.faults.add(move, None)
        job = import_of(sample, gazette)()

        true = {item.handle for item in sample.data.items.values() if gazette in item.collections}
        held = {record["handle"] for record in records(app) if record["source_state"] == "present"}
        assert len(asked) >= at
        assert held == true
        assert job.clean


@pytest.mark.parametrize("answer", list(Answer))
def test_an_import_asks_when_most_items_disappear_during_the_first_reading(importer, dspace, answer):
    importer.app.config["MAX_MISSING_PERCENT"] = 20
    ten_items(dspace)
    lost = {}
    meanwhile(dspace, 2, lambda: [lost.update({id: dspace.items.pop(id)}) for id in ("i0", "i1", "i2", "i3", "i4")])

    asking = importer.run()
    assert (asking.asks, asking.counts["vanished"], asking.question) == (True, 0, {"unseen": 5, "held": 10})
    importer.resume(asking.id, answer)

    job, gone = importer.job(asking.id), {id for id, state in held_now(importer).items() if state != "present"}
    assert (job.state, job.clean) == ("completed", answer is Answer.MARK)
    assert gone == (set(lost) if answer is Answer.MARK else set())


def test_a_few_missing_items_of_a_first_import_are_looked_up_without_a_question(importer, dspace):
    importer.app.config["MAX_MISSING_PERCENT"] = 20
    ten_items(dspace)
    meanwhile(dspace, 2, lambda: dspace.items.pop("i0"))

    assert (importer.run().counts["vanished"], held_now(importer)["i0"]) == (1, "vanished")
