"""A takedown removes an item for good, is shown in the jobs, and prevents later imports of the item."""

from __future__ import annotations

import csv
import io
import json

import pytest

from connector.catalogue import takedown
from connector.catalogue.missing import delete_items
from connector.dspace.records import SourceState
from connector.errors import InvalidInputError, StorageError
from connector.extensions import db, transaction
from connector.models.catalogue import CatalogueItem, Exclusion
from connector.models.changes import Change
from connector.storage.garbage_collection import delete_unreferenced_files
from tests.imports.catalogue import stored_bytes, stored_rows, titles
from tests.pages import hidden_fields, links, words

UUID = "12345678-1234-4234-8234-123456789abc"


@pytest.fixture
def imported(importer, dspace):
    """An importer that holds two items: the one to be taken down has a file and an earlier state."""
    dspace.add("a", title="A secret", files={"a.txt": b"aaa"})
    dspace.add("b", title="Beta")
    importer.first = importer.run(files=True).id
    dspace.edit("a", title="A secret, second edition", files={"a.txt": b"aaaa"})
    importer.second = importer.run(files=True).id
    return importer


def take_down(importer, *names, reason="Court order 7", **options):
    with importer.app.app_context():
        what = takedown.find_items(importer.repository_id, names)
        return takedown.take_down(importer.repository_id, what, reason, **options)


def audit(app):
    """(job, source key, reason) of each row that says that an item was taken down."""
    with app.app_context():
        rows = db.session.scalars(db.select(Change).where(Change.action == "taken_down").order_by(Change.job_id))
        return [(row.job_id, row.source_key, row.reason) for row in rows]


def exclusions(app):
    with app.app_context():
        return {(e.source_key, e.reason) for e in db.session.scalars(db.select(Exclusion))}


def test_the_item_goes_with_its_files_and_earlier_states(imported):
    assert take_down(imported, "1/a") == 1

    assert titles(imported.app) == {"b": "Beta"}
    assert stored_bytes(imported.app) == stored_rows(imported.app) == set()
    with imported.app.app_context():
        left = db.session.scalars(db.select(Change).where(Change.source_key == "1/a")).all()
        assert all((change.before, change.title, change.item_id) == (None, None, None) for change in left)


def test_no_word_of_the_item_is_left_in_the_database(imported):
    take_down(imported, "1/a")

    with imported.app.app_context():
        for table in db.metadata.sorted_tables:
            assert "secret" not in str(db.session.execute(table.select()).all())


def test_each_job_that_changed_the_item_lists_its_takedown_with_the_reason(imported, dspace):
    seen = imported.run().id
    dspace.add("elsewhere", collections=("c2",))
    imported.run("c2")

    take_down(imported, "1/a")

    assert audit(imported.app) == [(job, "1/a", "Court order 7") for job in (imported.first, imported.second, seen)]


@pytest.mark.parametrize("options", [{}, {"full": True}, {"files": True}])
def test_later_imports_skip_a_taken_down_item_and_their_counts_agree(imported, options):
    take_down(imported, "1/a")

    job = imported.run(**options)

    assert (job.clean, job.message) == (True, "1 item is excluded by a takedown.")
    assert (job.expected, job.counts["seen"], job.counts["added"], job.counts["failed"]) == (2, 2, 0, 0)
    assert titles(imported.app) == {"b": "Beta"}


def test_an_excluded_item_is_not_even_asked_for(imported, dspace):
    take_down(imported, "1/a")
    dspace.details.clear()

    imported.run()

    assert dspace.details == []


def test_an_excluded_item_that_cannot_be_read_is_no_problem(imported, dspace):
    take_down(imported, "1/a")
    dspace.edit("a", fails=True)

    job = imported.run(full=True)

    assert (job.clean, job.counts["failed"], job.counts["seen"]) == (True, 0, 2)


def test_takedown_while_an_import_reads_the_item_is_respected(imported, dspace):
    dspace.edit("a", title="A third edition")
    complete = dspace.complete

    def meanwhile(items):
        results = list(complete(items))
        take_down(imported, "1/a")
        return iter(results)

    dspace.complete = meanwhile
    job = imported.run()

    assert (job.clean, job.counts["seen"], job.counts["updated"]) == (True, 2, 0)
    assert titles(imported.app) == {"b": "Beta"}


def test_takedown_during_a_download_leaves_no_stored_file(imported, dspace):
    dspace.edit("a", files={"a.txt": b"other bytes"})
    download = dspace.download

    def meanwhile(*args, **options):
        take_down(imported, "1/a")
        return download(*args, **options)

    dspace.download = meanwhile
    job = imported.run(files=True)
    imported.run(files=True)

    assert job.state == "completed"
    assert titles(imported.app) == {"b": "Beta"}
    assert stored_bytes(imported.app) == set()


def test_a_takedown_list_accepts_handles_ids_and_urls_and_reports_unknown_items(imported, dspace):
    dspace.add(UUID, title="By id")
    imported.run()
    with imported.app.app_context():
        lines = ["hdl:1/a", "", " b ", f"https://repo.example.org/items/{UUID}", "https://x.org/handle/1/z", "1/a"]
        what = takedown.find_items(imported.repository_id, [*lines, "http://["])

        assert len(what.item_ids) == 3
        assert what.unknown == ("1/z", "http://[")


def test_unknown_items_are_excluded_only_on_request(imported, dspace):
    take_down(imported, "1/later")
    assert exclusions(imported.app) == set()

    take_down(imported, "1/later", also_unknown=True)
    dspace.add("later")

    assert imported.run().counts["added"] == 0
    assert exclusions(imported.app) == {("1/later", "Court order 7")}


def test_an_excluded_item_with_a_new_handle_stays_excluded_by_its_uuid(imported, dspace):
    dspace.add(UUID, title="By id")
    imported.run()
    take_down(imported, UUID)
    dspace.edit(UUID, handle="1/another")

    imported.run()

    assert titles(imported.app).keys() == {"a", "b"}


def test_a_number_that_means_another_item_after_an_upgrade_keeps_nothing_out(imported, dspace):
    dspace.add("7", handle="1/old")
    imported.run()
    take_down(imported, "1/old")
    dspace.edit("7", handle="1/new", title="Another")

    imported.run()

    assert titles(imported.app)["7"] == "Another"


def test_an_item_that_is_allowed_again_comes_with_the_next_import(imported):
    take_down(imported, "1/a")
    with imported.app.app_context():
        assert takedown.allow_named(imported.repository_id, ["1/a"]) == 1

    job = imported.run()

    assert (job.counts["added"], job.message) == (1, "")
    assert take_down(imported, "1/a", reason="Again") == 1
    assert {reason for _, _, reason in audit(imported.app)} == {"Again"}


def test_allowing_an_item_that_is_not_excluded_is_refused(imported):
    with imported.app.app_context(), pytest.raises(InvalidInputError, match="Not excluded: 1/b"):
        takedown.allow_named(imported.repository_id, ["1/b"])


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_required(imported, reason):
    with pytest.raises(InvalidInputError, match="reason"):
        take_down(imported, "1/a", reason=reason)

    assert len(titles(imported.app)) == 2


def test_undo_works_as_announced_after_a_takedown_of_an_imported_item(imported):
    take_down(imported, "1/a")

    undo = imported.undo(imported.first)

    assert (undo.state, undo.counts["removed"]) == ("completed", 1)
    assert undo.message == "1 item was no longer here: removed or taken down before."
    assert titles(imported.app) == {}
    assert (imported.first, "1/a", "Court order 7") in audit(imported.app)


def test_an_item_that_is_missing_at_the_source_can_be_taken_down(imported, dspace):
    dspace.edit("a", state=SourceState.WITHDRAWN)
    imported.run()

    assert take_down(imported, "a") == 1
    assert titles(imported.app) == {"b": "Beta"}


def item_id(app):
    with app.app_context():
        return db.session.scalar(db.select(CatalogueItem.id).where(CatalogueItem.source_key == "1/a"))


def test_the_button_of_an_item_asks_once_more_and_then_takes_it_down(imported, client):
    address = f"/takedown/?item={item_id(imported.app)}"
    assert address in links(client.get(f"/items/{item_id(imported.app)}/"))
    assert "Items removed 1 Files removed 1" in words(client.get(address))
    assert len(titles(imported.app)) == 2

    sent = {"repository": imported.repository_id, "names": "1/a", "reason": "Asked for", "confirmed": "yes"}
    done = client.post("/takedown/", data=sent, follow_redirects=True)

    assert "Taken down: 1 item." in words(done)
    assert "1/a" in words(done)
    assert titles(imported.app) == {"b": "Beta"}


def test_a_takedown_list_can_be_typed_or_uploaded_and_unknown_items_are_shown(imported, client):
    sent = {
        "repository": imported.repository_id,
        "names": "1/a",
        "list": (io.BytesIO(b"\xef\xbb\xbf1/b\r\n1/z\r\n"), "l.txt"),
    }
    page = words(client.post("/takedown/", data=sent))

    assert "Items removed 2" in page
    assert "Not in the catalogue 1/z" in page
    assert len(titles(imported.app)) == 2


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"names": "1/a", "confirmed": "yes", "reason": " "}, "Enter the reason"),
        ({"names": " "}, "Enter at least one item"),
        ({"names": "1/a", "repository": "99"}, "Choose the repository"),
        ({"list": (io.BytesIO(b"\xff\xfe1"), "l.txt")}, "not plain text"),
    ],
)
def test_a_takedown_that_lacks_something_is_refused_with_a_sentence(imported, client, sent, sentence):
    answer = client.post("/takedown/", data={"repository": imported.repository_id} | sent)

    assert answer.status_code == 422
    assert sentence in words(answer)
    assert len(titles(imported.app)) == 2


def test_the_exclusions_are_shown_exported_and_allowed_again(imported, client):
    take_down(imported, "1/a", "1/b", reason="=cmd()")

    assert "1/b" in words(client.get("/excluded/"))
    rows = list(csv.DictReader(io.StringIO(client.get("/excluded.csv").get_data(as_text=True))))
    assert {(row["handle"], row["reason"]) for row in rows} == {("1/a", "'=cmd()"), ("1/b", "'=cmd()")}
    assert "Allowed again: 1 item." in words(client.post("/excluded/", data={"one": "1"}, follow_redirects=True))
    assert exclusions(imported.app) == {("1/b", "=cmd()")}
    assert "Allowed again: 1 item." in words(client.post("/excluded/", data={"exclusion": "2"}, follow_redirects=True))
    assert "No item is excluded" in words(client.get("/excluded/"))


def test_nothing_ticked_among_the_exclusions_shows_them_again(imported, client):
    take_down(imported, "1/a", "1/b", reason="Court order 7")

    page = client.post("/excluded/")

    assert page.status_code == 422
    assert "No item is ticked. Tick items first." in words(page)
    assert "1/b" in words(page)


def command(importer, *args, stdin=None):
    with importer.app.app_context():
        return importer.app.test_cli_runner().invoke(args=["takedown", str(importer.repository_id), *args], input=stdin)


def test_the_command_takes_down_items_from_arguments_files_and_standard_input(imported, dspace, tmp_path):
    dspace.add("c")
    imported.run()
    (tmp_path / "list.txt").write_text("1/b\n")

    done = command(imported, "1/a", "-", "--list", str(tmp_path / "list.txt"), "--reason", "Asked for", stdin="1/c\n")

    assert (done.exit_code, done.stdout) == (0, "Taken down: 3 items.\n")
    assert titles(imported.app) == {}


def test_the_command_lists_each_unknown_item(imported):
    done = command(imported, "1/a", "1/z", "--reason", "Asked for", "--json")

    assert (done.exit_code, json.loads(done.stdout)) == (1, {"removed": 1, "unknown": ["1/z"], "jobs": []})
    assert "Not in the catalogue: 1/z" in done.stderr
    assert command(imported, "1/z", "--reason", "Asked for", "--also-unknown").exit_code == 0
    assert exclusions(imported.app) == {("1/a", "Asked for"), ("1/z", "Asked for")}


def test_the_command_prints_excluded_items_and_allows_them_again(imported):
    take_down(imported, "1/a")

    assert "1/a,a,Court order 7" in command(imported, "--list-excluded").stdout
    assert command(imported, "--allow", "1/a").exit_code == 0
    assert exclusions(imported.app) == set()


@pytest.mark.parametrize("args", [("1/a",), ("--reason", "None named"), ("--allow", "1/b")])
def test_the_command_refuses_with_a_sentence(imported, args):
    done = command(imported, *args)

    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert len(titles(imported.app)) == 2


def test_an_item_taken_down_while_the_source_is_asked_for_it_is_not_marked(imported, dspace):
    del dspace.items["a"]
    whereabouts = dspace.item_state

    def meanwhile(*args):
        take_down(imported, "1/a")
        return whereabouts(*args)

    dspace.item_state = meanwhile
    job = imported.run()

    assert job.state == "completed"
    assert titles(imported.app) == {"b": "Beta"}


@pytest.fixture
def restore_files_folder(imported):
    """The files folder of that importer, whose disk is away; it can be put back."""
    files = imported.app.config["INSTANCE"] / "files"
    files.rename(files.with_name("elsewhere"))
    return lambda: files.with_name("elsewhere").rename(files)


AWAY = "The files folder cannot be used: No such file or directory. Is its disk there?"


def test_takedown_is_refused_with_the_reason_while_the_files_folder_is_unavailable(
    imported, client, restore_files_folder
):
    sent = {"repository": imported.repository_id, "names": "1/a", "reason": "Asked for", "confirmed": "yes"}

    answer = client.post("/takedown/", data=sent | {"also_unknown": "yes"})

    assert (answer.status_code, AWAY in words(answer)) == (503, True)
    assert len(titles(imported.app)) == 2
    assert (exclusions(imported.app), audit(imported.app)) == (set(), [])

    restore_files_folder()
    assert "Taken down: 1 item." in words(client.post("/takedown/", data=sent, follow_redirects=True))
    assert stored_bytes(imported.app) == set()


def test_an_empty_folder_where_the_disk_is_to_be_mounted_is_not_taken_for_the_disk(
    imported, client, restore_files_folder
):
    (imported.app.config["INSTANCE"] / "files").mkdir()
    sent = {"repository": imported.repository_id, "names": "1/a", "reason": "Asked for", "confirmed": "yes"}

    answer = client.post("/takedown/", data=sent)

    assert (answer.status_code, "is its disk mounted?" in words(answer)) == (503, True)
    assert len(titles(imported.app)) == 2
    (imported.app.config["INSTANCE"] / "files").rmdir()
    restore_files_folder()
    assert "Taken down: 1 item." in words(client.post("/takedown/", data=sent, follow_redirects=True))


def test_the_command_takes_nothing_down_either_while_the_files_folder_is_away(imported, restore_files_folder):
    done = command(imported, "1/a", "--reason", "Asked for")

    assert (done.exit_code, done.stderr) == (2, f"Error: {AWAY}\n")
    assert len(titles(imported.app)) == 2


def test_missing_items_are_not_removed_while_the_files_folder_is_unavailable(imported, dspace, client):
    dspace.edit("a", state=SourceState.WITHDRAWN)
    imported.run()
    files = imported.app.config["INSTANCE"] / "files"
    files.rename(files.with_name("elsewhere"))

    answer = client.post("/missing/", data={"do": "remove", "every": "yes", "confirmed": "yes"})

    assert (answer.status_code, AWAY in words(answer)) == (503, True)
    assert len(titles(imported.app)) == 2


def test_an_undo_without_the_files_folder_changes_nothing_and_can_be_resumed(imported, restore_files_folder):
    undo = imported.undo(imported.first)

    assert (undo.state, undo.message, undo.counts["removed"]) == ("failed", AWAY, 0)
    assert len(titles(imported.app)) == 2

    restore_files_folder()
    imported.resume(undo.id)

    assert (titles(imported.app), stored_bytes(imported.app)) == ({}, set())


def test_stored_files_stay_registered_while_the_files_folder_is_unavailable(imported, restore_files_folder):
    with imported.app.app_context():
        with transaction():
            delete_items([item_id(imported.app)])
        before = stored_rows(imported.app)
        with pytest.raises(StorageError):
            delete_unreferenced_files()

    assert stored_rows(imported.app) == before != set()


def test_the_page_before_a_takedown_names_its_items(imported, client):
    page = words(client.post("/takedown/", data={"repository": imported.repository_id, "names": "1/a\n1/b"}))

    assert "A secret, second edition Beta" in page


def test_the_page_before_a_takedown_sends_the_typed_list_along(imported, client):
    asked = client.post("/takedown/", data={"repository": imported.repository_id, "names": "1/a"})

    sent = hidden_fields(asked) | {"reason": "Asked for", "confirmed": "yes"}
    done = client.post("/takedown/", data=sent, follow_redirects=True)

    assert "Taken down: 1 item." in words(done)


def test_a_takedown_of_nothing_is_refused_and_keeps_what_was_typed(imported, client):
    sent = {"repository": imported.repository_id, "names": "1/nowhere", "reason": "Asked for", "confirmed": "yes"}

    answer = client.post("/takedown/", data=sent)
    without_repository = client.post("/takedown/", data={"names": "1/nowhere"})

    assert (answer.status_code, without_repository.status_code) == (422, 422)
    assert "nothing was taken down" in words(answer)
    assert "Choose the repository" in words(without_repository)
    assert all(">1/nowhere</textarea>" in page.text for page in (answer, without_repository))
