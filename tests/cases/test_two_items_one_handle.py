"""Two items of a repository have one handle: its table of handles is damaged, or a handle moved to a new version."""

from __future__ import annotations

import pytest

from connector.dspace.records import ScopeKind
from connector.imports import jobs, report
from connector.imports.models import Kind
from connector.repositories import connecting, register
from tests.imports.test_login import Guest
from tests.sample import SampleRepository
from tests.sample.grow import grow

FIRST, SECOND = "The letters, box 1", "The letters, box 2"
GENERATIONS = [4, 5, 6, 7, 9]


def add_pair(sample, apart: int = 0) -> str:
    home = sample.data.named("Special files")
    first = sample.data.add_item(home, [("dc.title", [FIRST])])
    if apart:
        grow(sample.data, apart)
    sample.data.add_item(home, [("dc.title", [SECOND])], handle=first.handle)
    return first.handle


@pytest.fixture(params=GENERATIONS)
def guest(request, app):
    with SampleRepository(request.param) as sample:
        yield Guest(app, sample)


def pair(guest) -> set[str]:
    return {FIRST, SECOND} & guest.records().keys()


def problems(guest, job_id: int) -> list[dict]:
    with guest.app.app_context():
        return list(report.problems(jobs.get(job_id)))


def test_both_items_come_and_the_clash_is_named(guest):
    handle = add_pair(guest.sample)

    job = guest.run()

    assert pair(guest) == {FIRST, SECOND}
    assert (job.state, job.clean, job.failed, job.vanished) == ("completed", False, 0, 0)
    assert handle in job.message
    assert {one["title"] for one in problems(guest, job.id)} >= {FIRST, SECOND}


@pytest.mark.parametrize("full", [False, True])
def test_a_run_after_that_changes_nothing_and_names_the_clash_again(guest, full):
    handle = add_pair(guest.sample)
    guest.run()
    before = guest.records()

    job = guest.run(full=full)

    assert (job.added, job.updated, job.vanished, job.failed) == (0, 0, 0, 0)
    assert guest.records() == before
    assert handle in job.message


@pytest.mark.parametrize("generation", [5, 9])
def test_both_come_where_they_stand_200_items_apart(app, generation):
    with SampleRepository(generation) as sample:
        guest = Guest(app, sample)
        add_pair(sample, apart=200)

        first = guest.run(files=False)
        again = guest.run(files=False)

        assert pair(guest) == {FIRST, SECOND}
        assert (first.added, first.failed) == (len(guest.records()), 0)
        assert (again.added, again.updated, again.vanished) == (0, 0, 0)


def test_undo_takes_both_away_and_the_next_import_brings_both(guest):
    add_pair(guest.sample)
    job = guest.run()
    guest.undo(job.id)
    assert guest.records() == {}

    guest.run()

    assert pair(guest) == {FIRST, SECOND}


def test_each_is_updated_by_itself_and_set_back_by_undo(guest):
    add_pair(guest.sample)
    guest.run()
    guest.sample.data.edit(guest.sample.data.named(SECOND), "dc.subject", ["maps"])
    job = guest.run()
    changed = {t for t, one in guest.records().items() if any(v["value"] == "maps" for v in one["metadata"])}
    guest.undo(job.id)

    assert job.updated == 1
    assert changed == {SECOND}
    assert not any(v["value"] == "maps" for one in guest.records().values() for v in one["metadata"])


def test_a_clash_that_begins_later_adds_the_second_item(guest):
    data = guest.sample.data
    first = data.add_item(data.named("Special files"), [("dc.title", [FIRST])])
    guest.run()
    data.add_item(data.named("Special files"), [("dc.title", [SECOND])], handle=first.handle)

    job = guest.run()

    assert pair(guest) == {FIRST, SECOND}
    assert (job.added, job.vanished) == (1, 0)


def test_when_one_of_them_goes_the_other_stays(guest):
    add_pair(guest.sample)
    guest.run()
    guest.sample.data.delete(guest.sample.data.named(FIRST))

    job = guest.run()

    assert job.vanished == 1
    assert guest.records()[FIRST]["source_state"] != "present"
    assert guest.records()[SECOND]["source_state"] == "present"


@pytest.mark.parametrize("kind", [Kind.PREVIEW, Kind.REHEARSAL])
def test_a_preview_shows_both(guest, kind):
    add_pair(guest.sample)
    with guest.app.app_context():
        scope = connecting.find(guest.repository_id, ScopeKind.REPOSITORY, "").scope
        options = {"rehearse": 50} if kind == Kind.REHEARSAL else {}
        job = guest._worked(jobs.create(register.source_for(guest.repository_id, scope), options, kind=kind))

    assert job.state == "completed"
    assert job.failed == 0
