"""Files that the source closes or opens after they were imported, as a signed-out reader finds them."""

from __future__ import annotations

from datetime import date

import pytest

from tests.imports.sample_importer import SampleImporter
from tests.sample import SampleRepository, laboratory

TITLE, NAME = "A file of its own", "thesis.txt"
UNTIL = date(2999, 1, 31)


@pytest.fixture(params=[7, 9])
def importer(request, app):
    with SampleRepository(request.param, content=laboratory) as sample:
        yield SampleImporter(app, sample)


def add(importer):
    """Add an item with a file to the sample."""
    item = importer.sample.data.add_item(importer.sample.data.named("Special files"), [("dc.title", [TITLE])])
    return importer.sample.data.add_file(item, NAME, b"a thesis")


def test_a_refused_file_that_is_open_now_comes_with_a_full_check(importer):
    file = add(importer)
    importer.sample.data.embargo(file)
    importer.run()
    refused = importer.file(TITLE, NAME)
    file.readable = True  # no index and no time stamp moves for this

    importer.run(full=True)

    assert (refused["fate"], refused["path"]) == ("restricted", None)
    assert (importer.file(TITLE, NAME)["fate"], importer.file(TITLE, NAME)["restricted"]) == ("stored", False)


def test_a_file_that_becomes_restricted_is_kept_until_it_is_public_again(importer):
    file = add(importer)
    importer.run()
    stored = importer.file(TITLE, NAME)
    file.readable, file.embargo = False, UNTIL

    importer.run(full=True)
    closed = importer.file(TITLE, NAME)
    file.readable = True
    importer.run(full=True)

    assert (closed["fate"], closed["restricted"], closed["path"]) == ("restricted", True, stored["path"])
    assert (f"{UNTIL}" in closed["reason"]) is (importer.sample.generation == 9)  # older ones do not give the day
    assert (importer.file(TITLE, NAME)["fate"], importer.file(TITLE, NAME)["restricted"]) == ("stored", False)


def test_a_file_of_a_restricted_bundle_is_kept_and_restricted_until_it_is_listed_again(importer):
    file = add(importer)
    importer.run()
    stored = importer.file(TITLE, NAME)
    file.readable = file.bundle.readable = False

    importer.run(full=True)
    closed = importer.file(TITLE, NAME)
    file.readable = file.bundle.readable = True
    importer.run(full=True)

    assert (closed["fate"], closed["restricted"], closed["path"]) == ("restricted", True, stored["path"])
    assert (importer.file(TITLE, NAME)["fate"], importer.file(TITLE, NAME)["restricted"]) == ("stored", False)


def test_a_closed_file_that_is_deleted_later_leaves(importer):
    file = add(importer)
    importer.run()
    file.readable = False
    importer.run(full=True)
    item = file.bundle.item
    importer.sample.data.remove_file(item, file)

    importer.run(full=True)

    assert importer.records()[TITLE]["files"] == []


def test_the_end_of_an_embargo_is_known_of_a_file_that_never_came(importer):
    importer.sample.data.embargo(add(importer), UNTIL)

    importer.run()

    assert (f"{UNTIL}" in importer.file(TITLE, NAME)["reason"]) is (importer.sample.generation == 9)


def test_undo_keeps_files_restricted_that_became_restricted_since(importer):
    file = add(importer)
    importer.run()
    stored = importer.file(TITLE, NAME)
    file.readable, file.embargo = False, UNTIL
    closed = importer.run(full=True)

    importer.undo(closed.id)

    restored = importer.file(TITLE, NAME)
    assert (restored["fate"], restored["restricted"], restored["path"]) == ("restricted", True, stored["path"])


@pytest.mark.parametrize("files", [True, False])
def test_the_next_import_asks_for_the_stored_files_that_an_undo_restored(importer, files):
    file = add(importer)
    importer.run()
    importer.sample.data.edit(importer.sample.data.named(TITLE), "dc.subject", ["maps"])
    changed = importer.run()
    importer.undo(changed.id)
    file.readable = False  # no index and no time stamp moves for this

    importer.run(files=files)

    assert (importer.file(TITLE, NAME)["fate"], importer.file(TITLE, NAME)["restricted"]) == ("restricted", True)


def test_the_next_import_tries_the_refused_files_that_an_undo_restored(importer):
    file = add(importer)
    importer.sample.data.embargo(file)
    importer.run()
    importer.sample.data.edit(importer.sample.data.named(TITLE), "dc.subject", ["maps"])
    changed = importer.run()
    importer.undo(changed.id)
    file.readable = True

    importer.run()

    assert importer.file(TITLE, NAME)["fate"] == "stored"


@pytest.mark.parametrize("generation", [6, 9])
def test_a_stored_file_that_only_the_login_may_read_now_stays_stored_and_is_restricted(app, generation):
    with SampleRepository(generation, content=laboratory) as sample:
        importer = SampleImporter(app, sample)
        importer.sign_in()
        file = add(importer)
        importer.run()
        stored = importer.file(TITLE, NAME)
        file.readable = False

        statuses, updated = [], []
        for _ in range(2):
            updated.append(importer.run(full=True).counts["updated"])
            statuses.append(importer.file(TITLE, NAME))

        assert stored["restricted"] is False
        assert [(each["fate"], each["restricted"], each["reason"]) for each in statuses] == [("stored", True, None)] * 2
        assert {each["path"] for each in statuses} == {stored["path"]}
        assert updated == [0, 0]
