"""Files that the source closes or opens after they were imported, as a signed-out reader finds them."""

from __future__ import annotations

from datetime import date

import pytest

from tests.imports.guest import Guest
from tests.sample import SampleRepository

TITLE, NAME = "A file of its own", "thesis.txt"
UNTIL = date(2999, 1, 31)


@pytest.fixture(params=[7, 9])
def guest(request, app):
    with SampleRepository(request.param) as sample:
        yield Guest(app, sample)


def add(guest):
    """Add an item with a file to the sample."""
    item = guest.sample.data.add_item(guest.sample.data.named("Special files"), [("dc.title", [TITLE])])
    return guest.sample.data.add_file(item, NAME, b"a thesis")


def test_a_refused_file_that_is_open_now_comes_with_a_full_check(guest):
    file = add(guest)
    guest.sample.data.embargo(file)
    guest.run()
    refused = guest.file(TITLE, NAME)
    file.readable = True  # no index and no time stamp moves for this

    guest.run(full=True)

    assert (refused["fate"], refused["path"]) == ("restricted", None)
    assert (guest.file(TITLE, NAME)["fate"], guest.file(TITLE, NAME)["restricted"]) == ("stored", False)


def test_a_file_that_was_closed_is_kept_and_restricted_until_it_opens_again(guest):
    file = add(guest)
    guest.run()
    stored = guest.file(TITLE, NAME)
    file.readable, file.embargo = False, UNTIL

    guest.run(full=True)
    closed = guest.file(TITLE, NAME)
    file.readable = True
    guest.run(full=True)

    assert (closed["fate"], closed["restricted"], closed["path"]) == ("restricted", True, stored["path"])
    assert (f"{UNTIL}" in closed["reason"]) is (guest.sample.generation == 9)  # older ones do not give the day
    assert (guest.file(TITLE, NAME)["fate"], guest.file(TITLE, NAME)["restricted"]) == ("stored", False)


def test_a_file_whose_bundle_was_closed_is_kept_and_restricted_until_it_is_listed_again(guest):
    file = add(guest)
    guest.run()
    stored = guest.file(TITLE, NAME)
    file.readable = file.bundle.readable = False

    guest.run(full=True)
    closed = guest.file(TITLE, NAME)
    file.readable = file.bundle.readable = True
    guest.run(full=True)

    assert (closed["fate"], closed["restricted"], closed["path"]) == ("restricted", True, stored["path"])
    assert (guest.file(TITLE, NAME)["fate"], guest.file(TITLE, NAME)["restricted"]) == ("stored", False)


def test_a_closed_file_that_is_deleted_later_leaves(guest):
    file = add(guest)
    guest.run()
    file.readable = False
    guest.run(full=True)
    item = file.bundle.item
    guest.sample.data.remove_file(item, file)

    guest.run(full=True)

    assert guest.records()[TITLE]["files"] == []


def test_the_end_of_an_embargo_is_known_of_a_file_that_never_came(guest):
    guest.sample.data.embargo(add(guest), UNTIL)

    guest.run()

    assert (f"{UNTIL}" in guest.file(TITLE, NAME)["reason"]) is (guest.sample.generation == 9)


def test_undo_shows_no_file_that_was_closed_meanwhile(guest):
    file = add(guest)
    guest.run()
    stored = guest.file(TITLE, NAME)
    file.readable, file.embargo = False, UNTIL
    closed = guest.run(full=True)

    guest.undo(closed.id)

    restored = guest.file(TITLE, NAME)
    assert (restored["fate"], restored["restricted"], restored["path"]) == ("restricted", True, stored["path"])


@pytest.mark.parametrize("files", [True, False])
def test_the_next_import_asks_for_the_stored_files_that_an_undo_restored(guest, files):
    file = add(guest)
    guest.run()
    guest.sample.data.edit(guest.sample.data.named(TITLE), "dc.subject", ["maps"])
    changed = guest.run()
    guest.undo(changed.id)
    file.readable = False  # no index and no time stamp moves for this

    guest.run(files=files)

    assert (guest.file(TITLE, NAME)["fate"], guest.file(TITLE, NAME)["restricted"]) == ("restricted", True)


def test_the_next_import_tries_the_refused_files_that_an_undo_restored(guest):
    file = add(guest)
    guest.sample.data.embargo(file)
    guest.run()
    guest.sample.data.edit(guest.sample.data.named(TITLE), "dc.subject", ["maps"])
    changed = guest.run()
    guest.undo(changed.id)
    file.readable = True

    guest.run()

    assert guest.file(TITLE, NAME)["fate"] == "stored"


@pytest.mark.parametrize("generation", [6, 9])
def test_a_stored_file_that_only_the_login_may_read_now_stays_stored_and_is_restricted(app, generation):
    with SampleRepository(generation) as sample:
        guest = Guest(app, sample)
        guest.sign_in()
        file = add(guest)
        guest.run()
        stored = guest.file(TITLE, NAME)
        file.readable = False

        statuses, updated = [], []
        for _ in range(2):
            updated.append(guest.run(full=True).counts["updated"])
            statuses.append(guest.file(TITLE, NAME))

        assert stored["restricted"] is False
        assert [(each["fate"], each["restricted"], each["reason"]) for each in statuses] == [("stored", True, None)] * 2
        assert {each["path"] for each in statuses} == {stored["path"]}
        assert updated == [0, 0]
