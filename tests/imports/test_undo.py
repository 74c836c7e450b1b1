"""Undo removes what an import added, restores what it changed, and keeps what other imports hold, in any order."""

from __future__ import annotations

import json
import os
import socket
import time
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from connector.catalogue.export import as_jsonl
from connector.catalogue.job_changes import clear_before
from connector.catalogue.search import Selection
from connector.dspace.records import SourceState
from connector.errors import ConflictError
from connector.extensions import db, transaction
from connector.imports.undo import ROWS_PER_STEP
from connector.imports.undo_effects import undo_effects
from connector.jobs import creation, lifecycle
from connector.models.catalogue import CatalogueFile, CatalogueItem, ItemSet, Membership
from connector.models.changes import Change
from connector.storage.garbage_collection import delete_unreferenced_files
from tests.thoroughness import share

from .catalogue import files_that_undo_needs, records, stored_bytes, stored_rows, titles


def jobs_named(app):
    """The jobs that items say they were added or updated by."""
    with app.app_context():
        return sorted({job for line in as_jsonl(Selection()) for job in json.loads(line)["jobs"]})


def numbers(undo):
    return undo.counts["removed"], undo.counts["restored"], undo.counts["kept"]


def test_undoing_the_only_import_leaves_catalogue_and_files_as_they_were(importer, dspace):
    dspace.add("a", files={"a.txt": b"aaa"})
    dspace.add("b")
    job = importer.run(files=True, item_set="New set")

    undo = importer.undo(job.id)

    assert (undo.state, numbers(undo)) == ("completed", (2, 0, 0))
    assert (records(importer.app), stored_bytes(importer.app), stored_rows(importer.app)) == ([], set(), set())
    with importer.app.app_context():
        assert db.session.scalar(db.select(db.func.count(ItemSet.id))) == 0
    assert importer.job(job.id).is_undone


def test_the_numbers_before_an_undo_are_those_of_the_undo(importer, dspace):
    dspace.add("a", files={"a.txt": b"aaa"}, collections=("c1", "c2"))
    dspace.add("b", files={"b.txt": b"bbb"})
    job = importer.run(files=True, item_set="New set")
    importer.run("c2")

    with importer.app.app_context():
        told = undo_effects(job.id)
    undo = importer.undo(job.id)

    assert told == {"removed": 1, "restored": 0, "kept": 1, "files": 1, "item_sets": 1, "gone": 0, "lasting": 0}
    assert numbers(undo) == (1, 0, 1)


def test_the_numbers_before_an_undo_count_each_item_once(importer, dspace):
    dspace.add("a", title="One", collections=("c1", "c2"))
    importer.run("c1")
    dspace.edit("a", title="Two")
    second = importer.run("c2")

    with importer.app.app_context():
        told = undo_effects(second.id)
    undo = importer.undo(second.id)

    assert (told["removed"], told["restored"], told["kept"]) == numbers(undo) == (0, 1, 0)


def test_undo_restores_items_and_files_that_a_later_import_changed(importer, dspace):
    dspace.add("a", title="First", files={"a.txt": b"one"})
    importer.run(files=True)
    before, bytes_before = records(importer.app), stored_bytes(importer.app)
    dspace.edit("a", title="Second", files={"a.txt": b"two"})
    job = importer.run(files=True)
    assert titles(importer.app) == {"a": "Second"}

    undo = importer.undo(job.id)

    assert numbers(undo) == (0, 1, 0)
    assert records(importer.app) == before
    assert jobs_named(importer.app) == [1]
    assert stored_bytes(importer.app) == bytes_before == stored_rows(importer.app)


def test_files_that_an_undo_would_restore_are_kept(importer, dspace):
    dspace.add("a", files={"a.txt": b"one"})
    importer.run(files=True)
    dspace.edit("a", files={"a.txt": b"two"})
    middle = importer.run(files=True)
    dspace.edit("a", title="Third")
    last = importer.run(files=True)

    importer.undo(last.id)

    assert len(stored_bytes(importer.app)) == 2
    importer.undo(middle.id)
    assert len(stored_bytes(importer.app)) == 1


def test_garbage_collection_deletes_the_files_that_no_undo_needs_any_more(importer, dspace):
    dspace.add("a", files={"a.txt": b"one"})
    importer.run(files=True)
    dspace.edit("a", files={"a.txt": b"two"})
    changed = importer.run(files=True)
    with importer.app.app_context():
        assert delete_unreferenced_files() == 0
        with transaction():
            assert clear_before(Change.__table__.c.job_id == changed.id) == 1

        assert delete_unreferenced_files() == 1

    assert {name.replace("/", "") for name in stored_bytes(importer.app)} == {sha256(b"two").hexdigest()}


def test_garbage_collection_finds_the_files_of_an_undo_without_reading_stored_states(importer, dspace):
    dspace.add("a", files={"a.txt": b"one"})
    importer.run(files=True)
    dspace.edit("a", files={"a.txt": b"two"})
    importer.run(files=True)
    with importer.app.app_context():
        with transaction():  # as earlier versions wrote it
            db.session.execute(db.text("UPDATE change SET before = replace(before, '\":\"', '\": \"')"))

        assert delete_unreferenced_files() == 0

    assert len(stored_bytes(importer.app)) == 2


def test_undo_keeps_items_that_another_source_holds(importer, dspace):
    dspace.add("both", collections=("c1", "c2"))
    first, second = importer.run("c1"), importer.run("c2")

    assert numbers(importer.undo(first.id)) == (0, 0, 1)
    assert titles(importer.app) == {"both": "A title"}
    assert numbers(importer.undo(second.id)) == (1, 0, 0)
    assert records(importer.app) == []


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_changes_undone_in_either_order_end_in_the_same_state(importer, dspace, order):
    dspace.add("a", title="One")
    jobs_run = [importer.run()]
    for title in ("Two", "Three"):
        dspace.edit("a", title=title)
        jobs_run.append(importer.run())

    for number in order:
        importer.undo(jobs_run[number].id)

    assert titles(importer.app) == {"a": "One"}


def test_undoing_an_older_change_leaves_the_later_one_and_counts_it_as_kept(importer, dspace):
    dspace.add("a", title="One")
    importer.run()
    dspace.edit("a", title="Two")
    older = importer.run()
    dspace.edit("a", title="Three")
    importer.run()

    undo = importer.undo(older.id)

    assert (numbers(undo), titles(importer.app)) == ((0, 0, 1), {"a": "Three"})


def test_a_later_mark_neither_blocks_an_undo_nor_is_overwritten(importer, dspace):
    dspace.add("a", title="One")
    dspace.add("b")
    importer.run()
    dspace.edit("a", title="Two")
    changed = importer.run()
    dspace.items["a"].state = SourceState.WITHDRAWN
    marked = importer.run()

    assert numbers(importer.undo(changed.id)) == (0, 1, 0)
    assert (records(importer.app)[0]["title"], records(importer.app)[0]["source_state"]) == ("One", "withdrawn")
    importer.undo(marked.id)
    assert records(importer.app)[0]["source_state"] == "present"


def test_an_import_after_an_undo_imports_everything_again(importer, dspace):
    dspace.add("a", files={"a.txt": b"one"})
    job = importer.run(files=True)
    importer.undo(job.id)

    again = importer.run(files=True)

    assert (again.counts["added"], again.counts["files_stored"]) == (1, 1)


def test_undo_never_changes_a_membership_made_by_hand(importer, dspace):
    dspace.add("a", collections=("c1", "c2"))
    importer.run("c1")
    with importer.app.app_context():
        item_set = ItemSet(name="Mine")
        db.session.add(item_set)
        db.session.flush()
        item_id = db.session.scalar(db.select(CatalogueItem.id))
        db.session.add(Membership(item_set_id=item_set.id, item_id=item_id))
        db.session.commit()
    second = importer.run("c2", item_set="Mine")

    importer.undo(second.id)

    assert records(importer.app)[0]["item_sets"] == ["Mine"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_item_set_is_deleted_with_the_last_import_that_used_it(importer, dspace, order):
    dspace.add("a", collections=("c1", "c2"))
    imports = [importer.run("c1", item_set="Ours"), importer.run("c2", item_set="Ours")]

    with importer.app.app_context():
        told = [undo_effects(imports[order[0]].id)["item_sets"]]
    importer.undo(imports[order[0]].id)
    assert records(importer.app)[0]["item_sets"] == ["Ours"]
    with importer.app.app_context():
        told.append(undo_effects(imports[order[1]].id)["item_sets"])
    importer.undo(imports[order[1]].id)

    assert told == [0, 1]
    with importer.app.app_context():
        assert db.session.scalar(db.select(db.func.count(ItemSet.id))) == 0


def test_undo_deletes_leftovers_of_a_killed_process_in_the_files_folder(importer, dspace):
    dspace.add("a", files={"a.txt": b"aaa"})
    dspace.add("b", collections=("c2",), files={"b.txt": b"bbb"})
    job, kept = importer.run(files=True), importer.run("c2", files=True)
    folder = Path(importer.app.config["INSTANCE"]) / "files"
    nameless = folder / "ab" / ("cd" * 31)
    nameless.parent.mkdir(exist_ok=True)
    nameless.write_bytes(b"written, but never committed")
    (folder / f"{socket.gethostname()}-99999999-x.part").write_bytes(b"half of it")
    of_another_machine, under_way = folder / "a-container-1-x.part", folder / "a-container-1-y.part"
    of_another_machine.write_bytes(b"half of it")
    os.utime(of_another_machine, (time.time() - 25 * 3600,) * 2)
    under_way.write_bytes(b"still written there")

    importer.undo(job.id)

    assert (of_another_machine.exists(), under_way.exists()) == (False, True)
    under_way.unlink()
    assert stored_bytes(importer.app) == stored_rows(importer.app)
    assert len(stored_bytes(importer.app)) == kept.counts["files_stored"] == 1


@pytest.mark.parametrize("case", ["undo of an undo", "twice", "while active"])
def test_jobs_that_cannot_be_undone_are_refused_with_a_sentence(importer, dspace, case):
    dspace.add("a")
    job = importer.run()
    if case == "while active":
        importer.create("c2")
        target = job.id
    else:
        undo = importer.undo(job.id)
        target = undo.id if case == "undo of an undo" else job.id

    with importer.app.app_context(), pytest.raises(ConflictError, match=r"undo|active"):
        creation.create_undo(target)


def test_a_stopped_import_can_be_undone_and_then_not_resumed(importer, dspace):
    for n in range(200):
        dspace.add(f"i{n}")
    job_id = importer.create()
    dspace.page_size = 80
    dspace.before_page = lambda number: number == 1 and importer.stop(job_id)
    importer.work(job_id)
    assert importer.job(job_id).state == "stopped"
    assert 0 < importer.job(job_id).counts["seen"] < 200

    undo = importer.undo(job_id)

    assert undo.counts["removed"] == importer.job(job_id).counts["seen"]
    assert records(importer.app) == []
    with importer.app.app_context(), pytest.raises(ConflictError):
        lifecycle.resume(job_id)


def test_a_stopped_undo_continues_where_it_stopped(importer, dspace, monkeypatch):
    dspace.page_size = 100
    number = ROWS_PER_STEP + 50
    for n in range(number):
        dspace.add(f"i{n:03}")
    job = importer.run()
    with importer.app.app_context():
        undo_id = creation.create_undo(job.id)
    importer.stop_after_writes(undo_id, 1)
    importer.work(undo_id)
    assert importer.job(undo_id).state == "stopped"
    with importer.app.app_context():
        changes = db.session.scalar(db.select(db.func.count(Change.id)))
    assert 0 < len(records(importer.app)) == changes < number  # changes are deleted with their items

    undo = importer.resume(undo_id)

    assert (undo.counts["removed"], records(importer.app)) == (number, [])


class Model:
    """What should be held: each job's ties and changes, and which jobs are undone."""

    def __init__(self):
        self.ties: dict[tuple[str, str], int] = {}
        self.changes: dict[str, list[tuple[int, str, str]]] = {}
        self.undone: set[int] = set()

    def ran(self, job_id: int, collection: str, shown: dict[str, str]) -> None:
        for item, title in shown.items():
            self.ties.setdefault((collection, item), job_id)
            if not self.changes.get(item):
                self.changes[item] = [(job_id, title, "added")]
            elif self.title(item) != title:
                self.changes[item].append((job_id, title, "updated"))

    def undo(self, job_id: int) -> None:
        self.undone.add(job_id)
        self.ties = {tie: maker for tie, maker in self.ties.items() if maker != job_id}
        for item in list(self.changes):
            if not any(tied == item for _, tied in self.ties):
                del self.changes[item]

    def title(self, item: str) -> str:
        """Of the last change not undone; what the item was added with stays as long as anything holds it."""
        standing = [t for job, t, action in self.changes[item] if action == "added" or job not in self.undone]
        return standing[-1]

    def titles(self) -> dict[str, str]:
        return {item: self.title(item) for item in self.changes}


steps = st.lists(
    st.tuples(
        st.sampled_from(["c1", "c2"]),
        st.dictionaries(st.sampled_from("abc"), st.sampled_from(["One", "Two", "Three"]), max_size=3),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=share(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, data=st.data())
def test_undo_in_random_order_keeps_the_items_of_the_other_imports(importer, dspace, steps, data):
    importer.forget_everything()
    dspace.items.clear()
    model, done = Model(), []
    for collection, edits in steps:
        for item, title in edits.items():
            if item in dspace.items:
                dspace.edit(item, title=title, files={"f.txt": title.encode()})
            else:
                dspace.add(item, title=title, collections=("c1", "c2"), files={"f.txt": title.encode()})
        job = importer.run(collection, files=True)
        assert (job.state, job.clean) == ("completed", True)
        model.ran(job.id, collection, {item.id: item.title for item in dspace.items.values()})
        done.append(job.id)
        assert titles(importer.app) == model.titles()

    for job_id in data.draw(st.permutations(done)):
        importer.undo(job_id)
        model.undo(job_id)
        assert titles(importer.app) == model.titles()
        assert stored_bytes(importer.app) == stored_rows(importer.app)
        for record in records(importer.app):
            [file] = record["files"]
            assert (file["fate"], file["path"][6:].replace("/", "")) == ("stored", file["sha256"])

    assert stored_bytes(importer.app) == set()
    with importer.app.app_context():
        assert json.dumps(list(as_jsonl(Selection()))) == "[]"


def needed_files(app) -> set[str]:
    """Return the SHA-256 of the files that items have, and of those that an undo would restore."""
    with app.app_context():
        undo_needs = {sha256 for _, sha256 in files_that_undo_needs()}
        return undo_needs | set(db.session.scalars(db.select(CatalogueFile.sha256))) - {None}


actions = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["c1", "c2"]), st.sampled_from("ab"), st.sampled_from(["One", "Two", "Three"])),
        st.integers(0, 7),
    ),
    min_size=3,
    max_size=8,
)


@settings(max_examples=share(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=actions)
def test_imports_and_undos_in_random_order_keep_exactly_the_files_that_are_needed(importer, dspace, actions):
    importer.forget_everything()
    dspace.items.clear()
    done: list[int] = []
    for action in actions:
        if isinstance(action, int):
            if done:
                importer.undo(done.pop(action % len(done)))
                kept = {name.replace("/", "") for name in stored_bytes(importer.app)}
                assert kept == needed_files(importer.app)
        else:
            collection, item, title = action
            put = dspace.edit if item in dspace.items else dspace.add
            place = {} if item in dspace.items else {"collections": ("c1", "c2")}
            put(item, title=title, files={"f.txt": title.encode()}, **place)
            done.append(importer.run(collection, files=True).id)
        kept = {name.replace("/", "") for name in stored_bytes(importer.app)}
        assert needed_files(importer.app) <= kept


def test_undo_restores_a_time_stamp_that_changed_alone(importer, dspace):
    dspace.add("a")
    importer.run()
    before = records(importer.app)
    dspace.edit("a")
    job = importer.run()

    importer.undo(job.id)

    assert job.counts["updated"] == 0
    assert records(importer.app) == before


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1)])
def test_time_stamps_and_changes_undone_in_any_order_end_in_the_same_state(importer, dspace, order):
    dspace.add("a")
    importer.run()
    before = records(importer.app)
    ids = []
    for values in ({}, {"title": "New"}, {}):
        dspace.edit("a", **values)
        ids.append(importer.run().id)

    for number in order:
        importer.undo(ids[number])

    assert records(importer.app) == before


def test_the_next_import_reads_restored_items_in_full(importer, dspace):
    """A file was deleted at the source, where no time stamp moves for that."""
    dspace.add("a", files={"a.txt": b"a", "b.txt": b"b"})
    importer.run()
    del dspace.items["a"].files["b.txt"]
    job = importer.run(full=True)
    importer.undo(job.id)
    assert [file["name"] for file in records(importer.app)[0]["files"]] == ["a.txt", "b.txt"]

    again, last = importer.run(), importer.run()

    assert [file["name"] for file in records(importer.app)[0]["files"]] == ["a.txt"]
    assert (again.counts["updated"], last.counts["updated"]) == (1, 0)
    assert dspace.details == ["a"]  # once
