"""An import saves every item once and reports correctly what it did."""

from __future__ import annotations

import pytest

from connector.dspace.records import SourceState
from connector.errors import NotFoundError, RestrictedError, ServerError
from connector.extensions import db
from connector.jobs import report
from connector.models.catalogue import ItemSet, Membership

from .catalogue import records, stored_bytes, stored_rows, titles


def counts(job):
    return job.counts["added"], job.counts["updated"], job.counts["unchanged"], job.counts["failed"]


def with_items(dspace, number, **values):
    for n in range(number):
        dspace.add(f"i{n}", title=f"Title {n}", **values)


def test_a_first_import_adds_every_item_of_the_scope(importer, dspace):
    with_items(dspace, 7)
    dspace.add("other", collections=("c2",))

    job = importer.run()

    assert (job.state, job.clean, counts(job)) == ("completed", True, (7, 0, 0, 0))
    assert (job.expected, job.counts["seen"]) == (7, 7)
    assert titles(importer.app) == {f"i{n}": f"Title {n}" for n in range(7)}


def test_a_second_import_reads_and_updates_only_changed_items(importer, dspace):
    with_items(dspace, 5)
    importer.run()
    dspace.edit("i3", title="New title")

    job = importer.run()

    assert counts(job) == (0, 1, 4, 0)
    assert dspace.details == ["i3"]
    assert titles(importer.app)["i3"] == "New title"


def test_a_moved_time_stamp_with_the_same_content_is_no_update(importer, dspace):
    with_items(dspace, 1)
    importer.run()
    dspace.edit("i0")

    assert counts(importer.run()) == (0, 0, 1, 0)
    assert records(importer.app)[0]["last_modified"] == "2026-01-01T00:00:02Z"


def test_an_unreadable_item_fails_alone_and_is_reported(importer, dspace):
    with_items(dspace, 4)
    dspace.items["i2"].fails = True

    job = importer.run()

    assert (job.state, job.clean, counts(job), job.counts["seen"]) == ("completed", False, (3, 0, 0, 1), 4)
    with importer.app.app_context():
        [problem] = report.problems(job)
    assert (problem["id"], problem["handle"], problem["reason"]) == ("i2", "1/i2", "it is broken")
    assert job.message == "1 item could not be read."


def test_a_stored_item_that_fails_later_is_not_marked_as_deleted(importer, dspace):
    with_items(dspace, 2)
    importer.run()
    dspace.items["i1"].fails = True
    dspace.items["i1"].version += 1

    job = importer.run()

    assert (job.counts["failed"], job.counts["vanished"]) == (1, 0)
    assert records(importer.app)[1]["source_state"] == "present"


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (SourceState.WITHDRAWN, "withdrawn"),
        (SourceState.NOT_PUBLIC, "hidden"),
        (SourceState.SUPERSEDED, "superseded"),
    ],
)
def test_items_that_are_no_longer_visible_are_marked_and_never_deleted(importer, dspace, state, kept):
    with_items(dspace, 3)
    importer.run()
    dspace.items["i1"].state = state

    job = importer.run()

    assert (job.counts["vanished"], job.clean) == (1, True)
    assert [record["source_state"] for record in records(importer.app)] == ["present", kept, "present"]


def test_a_deleted_item_is_marked_and_its_return_is_an_update(importer, dspace):
    with_items(dspace, 3)
    importer.run()
    gone = dspace.items.pop("i1")
    assert importer.run().counts["vanished"] == 1
    assert records(importer.app)[1]["source_state"] == "vanished"
    dspace.items["i1"] = gone

    job = importer.run()

    assert counts(job) == (0, 1, 2, 0)
    assert records(importer.app)[1]["source_state"] == "present"


def test_an_item_whose_state_is_unknown_stays_and_the_other_missing_items_are_marked(importer, dspace):
    with_items(dspace, 4)
    importer.run()
    for gone in ("i0", "i1", "i2"):
        del dspace.items[gone]
    dspace.silent_about = {"i1"}

    job = importer.run()

    assert (job.state, job.clean, job.counts["vanished"]) == ("completed", False, 2)
    assert "The repository did not say whether 1 item still exists: 1/i1." in job.message
    assert [record["source_state"] for record in records(importer.app)] == [
        "vanished",
        "present",
        "vanished",
        "present",
    ]


def test_an_item_that_moved_leaves_its_source_and_can_return(importer, dspace):
    with_items(dspace, 2)
    importer.run()
    dspace.items["i0"].collections = ("c2",)
    assert importer.run().counts["vanished"] == 1
    assert records(importer.app)[0]["source_state"] == "present"
    dspace.items["i0"].collections = ("c1",)

    assert counts(importer.run()) == (0, 1, 1, 0)


def test_a_test_import_takes_the_first_items_and_marks_nothing(importer, dspace):
    with_items(dspace, 5)
    importer.run()
    del dspace.items["i4"]

    job = importer.run(test=2)

    assert (job.counts["seen"], job.counts["vanished"], job.clean) == (2, 0, True)


def test_an_item_of_two_sources_is_one_item_with_two_holdings(importer, dspace):
    dspace.add("both", collections=("c1", "c2"))
    importer.run("c1")

    job = importer.run("c2")

    assert counts(job) == (0, 0, 1, 0)
    assert len(records(importer.app)) == 1


def test_an_item_with_a_new_id_is_found_by_its_handle(importer, dspace):
    dspace.add("17", title="Before the upgrade", handle="1/17")
    importer.run()
    dspace.items = {}
    dspace.add("9b2f5a52-7c11-4a7c-8a53-0a7f4e3a5d10", title="After the upgrade", handle="1/17")

    job = importer.run()

    assert counts(job) == (0, 1, 0, 0)
    assert titles(importer.app) == {"9b2f5a52-7c11-4a7c-8a53-0a7f4e3a5d10": "After the upgrade"}


def test_an_item_that_fails_under_a_new_id_after_an_upgrade_is_not_marked_as_deleted(importer, dspace):
    dspace.add("12", handle="1/same")
    importer.run()
    del dspace.items["12"]
    dspace.add("a-new-uuid", handle="1/same", fails=True)

    job = importer.run()

    assert (job.counts["failed"], job.counts["vanished"], records(importer.app)[0]["source_state"]) == (1, 0, "present")
    with importer.app.app_context():
        assert [problem["item_id"] for problem in report.problems(importer.job(job.id))] == [1]


def test_a_number_that_is_reused_for_another_handle_is_a_new_item(importer, dspace):
    dspace.add("5", title="Old", handle="1/5")
    importer.run()
    dspace.items = {}
    dspace.add("5", title="New", handle="1/900")
    dspace.add("77", title="Old", handle="1/5")

    importer.run()

    assert {(r["handle"], r["title"], r["source_id"]) for r in records(importer.app)} == {
        ("1/900", "New", "5"),
        ("1/5", "Old", "77"),
    }


def test_a_reused_number_with_another_handle_does_not_replace_the_earlier_item(importer, dspace):
    dspace.add("5", title="Old", handle="1/5")
    importer.run()
    dspace.items = {}
    dspace.add("5", title="New", handle="1/900")

    job = importer.run()

    assert (job.counts["added"], job.counts["updated"]) == (1, 0)
    assert {(r["handle"], r["title"]) for r in records(importer.app)} == {("1/900", "New"), ("1/5", "Old")}


def test_an_item_with_a_new_handle_is_found_by_its_uuid(importer, dspace):
    uuid = "9b2f5a52-7c11-4a7c-8a53-0a7f4e3a5d10"
    dspace.add(uuid, title="With the test prefix", handle="123456789/5")
    importer.run()
    dspace.items = {}
    dspace.add(uuid, title="With the real prefix", handle="20.500.1/5")

    job = importer.run()

    assert (job.counts["added"], job.counts["updated"], len(records(importer.app))) == (0, 1, 1)


def test_an_unexplained_count_is_reported_and_not_clean(importer, dspace):
    with_items(dspace, 4)
    dspace.count_off_by = 2

    job = importer.run()

    assert (job.state, job.clean, job.expected) == ("completed", False, 6)
    assert "2 of them are not accounted for" in job.message


def test_items_that_are_not_visible_explain_the_difference_of_counts(importer, dspace):
    with_items(dspace, 4)
    dspace.count_off_by, dspace.hidden_counts = 2, {"c1": 2}

    job = importer.run()

    assert (job.clean, job.counts["not_visible"]) == (True, 2)


def test_explained_counts_survive_the_takeover_of_a_job(importer, dspace):
    with_items(dspace, 6)
    dspace.count_off_by = 2
    job_id = importer.create()

    def explain_once_and_break(number):
        dspace.hidden_counts = {"c1": 2} if number == 0 else {}
        dspace.down = number == 1

    dspace.before_page = explain_once_and_break
    importer.work(job_id)
    dspace.before_page, dspace.hidden_counts, dspace.down = (lambda number: None), {}, False
    job = importer.resume(job_id)

    assert (job.state, job.clean, job.counts["seen"], job.counts["not_visible"]) == ("completed", True, 6, 2)


def test_items_that_are_visible_again_no_longer_explain_a_count(importer, dspace):
    with_items(dspace, 4)
    dspace.count_off_by, dspace.hidden_counts = 2, {"c1": 2}
    importer.run()
    dspace.hidden_counts = {}

    job = importer.run()

    assert (job.clean, job.counts["not_visible"]) == (False, 0)


def test_files_are_listed_without_being_downloaded(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa", "license.txt": b"yes"})

    job = importer.run()

    assert (job.counts["files_linked"], job.counts["files_stored"], dspace.downloads) == (2, 0, [])


def test_files_of_the_original_bundle_are_downloaded_once_and_stored_by_their_hash(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa", "license.txt": b"yes"})
    dspace.add("i1", files={"copy.txt": b"aaa"})

    job = importer.run(files=True)

    assert (job.counts["files_stored"], job.counts["files_linked"], job.counts["bytes"]) == (2, 1, 3)
    assert len(dspace.downloads) == 1
    assert stored_bytes(importer.app) == stored_rows(importer.app)
    assert len(stored_bytes(importer.app)) == 1


def test_a_later_import_with_files_downloads_them_and_counts_items_as_updated(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa"})
    dspace.add("i1")
    importer.run()

    job = importer.run(files=True)

    assert (counts(job), job.counts["files_stored"]) == ((0, 1, 1, 0), 1)


def test_an_unchanged_import_with_files_downloads_nothing(importer, dspace):
    with_items(dspace, 3, files={"a.txt": b"aaa"})
    importer.run(files=True)
    dspace.downloads.clear()

    job = importer.run(files=True)

    assert (counts(job), dspace.downloads, job.counts["files_stored"]) == ((0, 0, 3, 0), [], 3)


@pytest.mark.parametrize(
    ("error", "status", "clean"),
    [
        (RestrictedError("not open"), "restricted", True),
        (NotFoundError("not there"), "missing", False),
        (ServerError("error 500", retry_after=0), "failed", False),
    ],
)
def test_a_failed_download_marks_the_file_and_never_the_item(importer, dspace, error, status, clean):
    dspace.add("i0", files={"a.txt": b"aaa", "b.txt": b"bbb"})
    dspace.file_errors["i0/a.txt"] = error

    job = importer.run(files=True)

    assert (job.state, job.clean, job.files[status], job.counts["files_stored"]) == ("completed", clean, 1, 1)
    with importer.app.app_context():
        [problem] = report.problems(job)
    assert "a.txt" in problem["reason"]
    assert str(error) in problem["reason"]


def test_a_file_that_fails_again_leaves_its_item_unchanged(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa"})
    dspace.file_errors["i0/a.txt"] = RestrictedError("not open")
    importer.run(files=True)

    job = importer.run(files=True)

    assert counts(job) == (0, 0, 1, 0)
    assert job.counts["files_restricted"] == 1


def test_files_that_do_not_match_the_announced_checksum_are_not_stored(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa"})
    dspace.served["i0/a.txt"] = b"half"

    job = importer.run(files=True)

    assert (job.clean, job.counts["files_damaged"], stored_bytes(importer.app)) == (False, 1, set())
    del dspace.served["i0/a.txt"]
    again = importer.run(files=True)
    assert (counts(again), again.counts["files_stored"], again.clean) == ((0, 1, 0, 0), 1, True)


def test_a_file_larger_than_the_limit_is_not_fetched(importer, dspace):
    importer.app.config["MAX_FILE_BYTES"] = 4
    dspace.add("i0", files={"a.txt": b"aaaaaaa"})

    job = importer.run(files=True)

    assert (job.counts["files_too_large"], job.clean, job.message, dspace.downloads) == (1, True, "", [])


def test_an_item_set_by_name_is_made_once_and_used_again(importer, dspace):
    with_items(dspace, 2)
    importer.run(item_set="Theses")
    dspace.add("i9")

    importer.run(item_set="Theses")

    assert [record["item_sets"] for record in records(importer.app)] == [["Theses"]] * 3
    with importer.app.app_context():
        assert db.session.scalar(db.select(db.func.count(ItemSet.id))) == 1
        assert db.session.scalar(db.select(db.func.count(Membership.id))) == 3


def test_the_chosen_item_set_is_used_when_two_have_the_same_name(importer, dspace):
    with_items(dspace, 1)
    with importer.app.app_context():
        db.session.add_all([ItemSet(name="Theses"), ItemSet(name="Theses")])
        db.session.commit()
        chosen = db.session.scalar(db.select(db.func.max(ItemSet.id)))

    importer.run(item_set="Theses", item_set_id=chosen)

    with importer.app.app_context():
        assert db.session.scalars(db.select(Membership.item_set_id)).all() == [chosen]


def test_item_sets_from_collections_mirror_each_collection(importer, dspace):
    dspace.add("a", collections=("c1",))
    dspace.add("b", collections=("c2",))

    importer.run("", item_set_from_collection=True)

    assert [record["item_sets"] for record in records(importer.app)] == [["Collection c1"], ["Collection c2"]]
    with importer.app.app_context():
        assert sorted(db.session.scalars(db.select(ItemSet.description))) == ["<p>About c1</p>", "<p>About c2</p>"]


def test_a_long_outage_fails_the_job_at_its_cursor_and_it_can_resume(importer, dspace):
    with_items(dspace, 6)
    dspace.before_page = lambda number: setattr(dspace, "down", number == 1)

    job = importer.run()

    assert (job.state, job.counts["seen"], job.clean) == ("failed", 3, None)
    assert "503" in job.message
    dspace.before_page, dspace.down = (lambda number: None), False

    again = importer.resume(job.id)

    assert (again.state, counts(again), again.counts["seen"]) == ("completed", (6, 0, 0, 0), 6)


def test_an_item_that_is_deleted_before_it_is_read_is_missing_and_no_problem(importer, dspace):
    with_items(dspace, 8)
    importer.run()
    dspace.refuses_subsets, dspace.page_size = True, 100  # so that the whole scope is listed at once
    dspace.edit("i3", title="New title")
    dspace.after_page = lambda: dspace.items.pop("i3", None)

    job = importer.run()

    assert (job.counts["seen"], job.counts["unchanged"], job.counts["failed"], job.counts["vanished"]) == (8, 7, 0, 1)
    assert job.clean


def test_a_new_item_that_is_deleted_before_it_is_read_is_left_out(importer, dspace):
    with_items(dspace, 3)
    importer.run()
    dspace.refuses_subsets, dspace.page_size = True, 100
    dspace.add("new")
    dspace.after_page = lambda: dspace.items.pop("new", None)

    job = importer.run()

    assert (job.counts["added"], job.counts["unchanged"], job.counts["failed"], job.counts["vanished"]) == (0, 3, 0, 0)
    assert job.clean
