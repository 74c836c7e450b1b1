"""Redirects in the middle of an import: to another repository, or to a store that has lost a file."""

from __future__ import annotations

import pytest

from tests.imports.guest import Guest
from tests.sample import SampleRepository


@pytest.fixture
def guest(app):
    with SampleRepository(9) as sample:
        yield Guest(app, sample)


def test_a_list_that_is_redirected_to_another_repository_brings_none_of_its_items(app, guest):
    app.config["MAX_OUTAGE_SECONDS"] = 0
    with SampleRepository(9) as other:
        other.data.add_item(other.data.named("Special files"), [("dc.title", ["An item of another repository"])])
        away = {"Location": f"{other.url}/server/api/discover/search/objects?dsoType=item"}
        guest.sample.faults.add("discover/search/objects", times=None, status=302, body="", headers=away)
        redirected = guest.run(files=False)
    guest.sample.faults.clear()

    resumed = guest.resume(redirected.id)

    assert redirected.state == "failed"
    assert "connect its new address" in redirected.message
    assert resumed.state == "completed"
    assert "An item of another repository" not in guest.records()


def test_a_file_that_a_store_has_lost_is_not_missing_at_the_repository(guest):
    home = guest.sample.data.named("Special files")
    item = guest.sample.data.add_item(home, [("dc.title", ["A file of its own"])])
    file = guest.sample.data.add_file(item, "stored.txt", b"stored elsewhere", "text/plain")
    away = {"Location": "/bucket/key"}
    guest.sample.faults.add(f"{file.uuid}/content", times=None, status=302, body="", headers=away)

    job = guest.run(files=True)

    assert (job.clean, guest.file("A file of its own", "stored.txt")["fate"]) == (False, "failed")
