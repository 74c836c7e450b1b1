"""A collection that was imported is deleted at the source, with its items; one of them is mapped elsewhere."""

from __future__ import annotations

import pytest

from connector.dspace.records import ScopeKind
from connector.imports.questions import Answer
from connector.jobs import lifecycle
from connector.repositories import discovery, service
from tests.imports.guest import Guest
from tests.sample import SampleRepository

NAME = "Aldermouth Gazette"


@pytest.fixture(params=[4, 5, 6, 9])
def guest(request, app):
    with SampleRepository(request.param) as sample:
        yield Guest(app, sample)


def run(guest, source: list[int]):
    with guest.app.app_context():
        if not source:
            scope = discovery.find(guest.repository_id, ScopeKind.COLLECTION, guest.sample.data.named(NAME).handle)
            source.append(service.source_for(guest.repository_id, scope.scope))
        return guest._worked(lifecycle.create(source[0], {}))


def test_the_run_asks_and_yes_marks_its_items(guest):
    source: list[int] = []
    number = run(guest, source).counts["added"]
    guest.sample.data.delete_collection(guest.sample.data.named(NAME))

    asking = run(guest, source)
    with guest.app.app_context():
        lifecycle.resume(asking.id, Answer.MARK)
        done = guest._worked(asking.id)

    assert (asking.state, asking.counts["vanished"]) == ("stopped", 0)
    assert f"Mark its {number} items as missing?" in asking.message
    assert (done.state, done.clean, done.counts["vanished"]) == ("completed", True, number)
    state = "hidden" if guest.sample.generation == 4 else "vanished"
    assert {one["source_state"] for one in guest.records().values()} == {state}
    assert ("or it is no longer open to the public" in asking.message) == (state == "hidden")
    assert run(guest, source).state == "completed"
