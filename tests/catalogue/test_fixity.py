"""The check of the stored files: what is gone, damaged or left over is found, named, and mended where asked for."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import pytest

from connector.catalogue import earlier_states, fixity
from connector.catalogue.changes import insert_changes
from connector.catalogue.fixity import ProblemKind
from connector.catalogue.repository_context import RepositoryContext
from connector.errors import StorageError
from connector.extensions import db, transaction
from connector.imports import reruns
from connector.jobs import lifecycle
from connector.models.catalogue import CatalogueFile, StoredFile
from connector.models.repositories import Repository
from connector.storage.content_store import FileFolder
from connector.storage.garbage_collection import the_folder
from connector.tasks import carry_out

PICTURE = "harbour-01.png"


class Shelf:
    """The stored files of a stocked catalogue, and the check of them."""

    def __init__(self, app):
        self.app = app
        self.folder = FileFolder(Path(app.config["INSTANCE"]) / "files")

    def sha256(self, name: str) -> str:
        with self.app.app_context():
            return db.session.scalar(db.select(CatalogueFile.sha256).where(CatalogueFile.name == name))

    def path(self, name: str) -> Path:
        return self.folder.path(self.sha256(name))

    def add(self, content: bytes) -> str:
        """Bytes without a row."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.folder.path(sha256).parent.mkdir(exist_ok=True)
        self.folder.path(sha256).write_bytes(content)
        return sha256

    def check(self, repair: bool = False) -> list[fixity.Finding]:
        with self.app.app_context():
            return list(fixity.verify(the_folder(), repair, lambda size: None))

    def files(self, name: str) -> list[CatalogueFile]:
        with self.app.app_context():
            return db.session.scalars(db.select(CatalogueFile).where(CatalogueFile.name == name)).all()

    def import_again(self):
        with self.app.app_context():
            job_id = reruns.rerun(1)
            assert carry_out(job_id)
            return lifecycle.get(job_id)


@pytest.fixture
def shelf(stocked_app):
    return Shelf(stocked_app)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def test_a_shelf_in_order_has_nothing_to_tell_and_every_file_was_read(shelf):
    sizes = []
    with shelf.app.app_context():
        assert list(fixity.verify(the_folder(), False, sizes.append)) == []

        assert (len(sizes), sum(sizes)) == fixity.extent()
    assert len(sizes) == len(list(shelf.folder.stored())) > 0


@pytest.mark.parametrize(
    ("harm", "kind", "reason"),
    [
        (Path.unlink, ProblemKind.MISSING, "gone"),
        (cut, ProblemKind.DAMAGED, " bytes, and "),
        (flip, ProblemKind.DAMAGED, "not those that were stored"),
    ],
)
def test_bytes_that_are_gone_or_damaged_are_named_with_their_items_and_left_alone(shelf, harm, kind, reason):
    harm(shelf.path(PICTURE))
    before = shelf.files(PICTURE)[0].status

    [found] = shelf.check()

    assert (found.kind, found.sha256, found.mended) == (kind, shelf.sha256(PICTURE), "")
    assert reason in found.reason
    assert [(item["file"], item["title"]) for item in found.items] == [(PICTURE, "Herring boats leaving at dawn")]
    assert shelf.files(PICTURE)[0].status == before == "stored"


@pytest.mark.parametrize("harm", [Path.unlink, cut, flip])
def test_what_is_lost_is_fetched_again_by_the_next_import(shelf, harm, stocked_sample):
    sha256, path = shelf.sha256(PICTURE), shelf.path(PICTURE)
    whole = path.read_bytes()
    harm(path)

    [found] = shelf.check(repair=True)

    assert "fetches it again" in found.mended
    [file] = shelf.files(PICTURE)
    assert (file.status, file.sha256) == ("linked", None)
    assert found.reason in file.reason
    assert shelf.check() == []
    job = shelf.import_again()
    assert (job.state, job.clean, job.counts["failed"]) == ("completed", True, 0)
    assert (shelf.sha256(PICTURE), path.read_bytes(), shelf.files(PICTURE)[0].reason) == (sha256, whole, None)


def test_damaged_bytes_are_moved_aside_each_time_and_never_thrown_away(shelf, stocked_sample):
    sha256 = shelf.sha256(PICTURE)
    aside = shelf.folder.folder / "damaged"
    cut(shelf.path(PICTURE))
    first = shelf.path(PICTURE).read_bytes()
    [found] = shelf.check(repair=True)
    shelf.import_again()
    flip(shelf.path(PICTURE))

    [again] = shelf.check(repair=True)

    assert f"files/damaged/{sha256}." in found.mended
    assert f"files/damaged/{sha256}-2." in again.mended
    assert (aside / sha256).read_bytes() == first
    assert (aside / f"{sha256}-2").read_bytes() != first


def test_bytes_that_nobody_needs_are_told_and_removed_only_when_asked(shelf):
    sha256 = shelf.add(b"nobody's")

    [told] = shelf.check()
    assert (told.kind, told.mended, shelf.folder.path(sha256).exists()) == (ProblemKind.NAMELESS, "", True)
    [removed] = shelf.check(repair=True)

    assert (removed.mended, shelf.folder.path(sha256).exists()) == ("Removed.", False)


def test_bytes_that_an_undo_would_bring_back_are_put_back_into_the_list(shelf):
    sha256 = shelf.add(b"of an earlier state")
    with shelf.app.app_context(), transaction():
        item_id = db.session.scalar(db.select(CatalogueFile.item_id).where(CatalogueFile.name == PICTURE))
        group = earlier_states.data_groups([item_id])[item_id]
        group["files"] = [file | {"sha256": sha256} for file in group["files"]]
        change = {"job_id": 1, "item_id": item_id, "action": "updated", "source_key": "x", "before": {"data": group}}
        insert_changes([change])

    [found] = shelf.check(repair=True)

    assert (found.kind, found.items) == (ProblemKind.FORGOTTEN, ())
    with shelf.app.app_context():
        row = db.session.get_one(StoredFile, sha256)
        assert (row.size, row.md5) == (19, hashlib.md5(b"of an earlier state").hexdigest())
    assert shelf.check() == []


def test_whole_bytes_of_an_item_without_their_row_are_not_fetched_again(shelf):
    sha256 = shelf.sha256(PICTURE)
    with shelf.app.app_context(), transaction():
        db.session.execute(db.delete(StoredFile).where(StoredFile.sha256 == sha256))

    [found] = shelf.check(repair=True)

    assert (found.kind, found.items[0]["file"]) == (ProblemKind.FORGOTTEN, PICTURE)
    assert shelf.files(PICTURE)[0].status == "stored"
    assert shelf.check() == []


def test_a_file_that_has_neither_bytes_nor_their_row_is_found(shelf):
    path = shelf.path(PICTURE)
    with shelf.app.app_context(), transaction():
        db.session.execute(db.delete(StoredFile).where(StoredFile.sha256 == shelf.sha256(PICTURE)))
    path.unlink()

    [found] = shelf.check(repair=True)

    assert (found.kind, found.items[0]["file"]) == (ProblemKind.MISSING, PICTURE)
    assert shelf.files(PICTURE)[0].status == "linked"


def test_an_undo_never_says_that_bytes_are_stored_which_were_lost_meanwhile(shelf):
    with shelf.app.app_context():
        item_id = db.session.scalar(db.select(CatalogueFile.item_id).where(CatalogueFile.name == PICTURE))
        repository = db.session.scalar(db.select(Repository))
        place = RepositoryContext(repository.id, repository.server)
        group = earlier_states.data_groups([item_id])[item_id]
    shelf.path(PICTURE).unlink()
    shelf.check(repair=True)

    with shelf.app.app_context(), transaction():
        earlier_states.restore_data(place, item_id, group)

    [file] = shelf.files(PICTURE)
    assert (file.status, file.sha256, file.last_tried_job_id) == ("linked", None, None)


def test_a_folder_whose_disk_is_not_mounted_makes_no_repair(shelf):
    for sha256 in list(shelf.folder.stored()):
        shelf.folder.remove(sha256)

    with pytest.raises(StorageError, match="mounted"):
        shelf.check(repair=True)

    assert shelf.files(PICTURE)[0].status == "stored"
    assert {found.kind for found in shelf.check()} == {ProblemKind.MISSING}


class WaitedFor(FileFolder):
    """Tells when somebody wants to hold it."""

    wanted = threading.Event()

    def lock(self):
        self.wanted.set()
        return super().lock()


def test_bytes_that_a_job_is_about_to_write_the_row_of_are_not_taken_for_left_over(shelf):
    folder, found = WaitedFor(shelf.folder.folder), []

    def check() -> None:
        with shelf.app.app_context():
            found.extend(fixity.verify(folder, True, lambda size: None))

    checking = threading.Thread(target=check)
    with shelf.folder.lock():
        sha256 = shelf.add(b"just stored")
        checking.start()
        assert folder.wanted.wait(30)
        with shelf.app.app_context(), transaction():
            db.session.add(StoredFile(sha256=sha256, md5="0" * 32, size=11))
    checking.join()

    assert found == []
    assert shelf.folder.path(sha256).exists()


def test_the_command_names_what_is_wrong_and_ends_with_1_until_all_is_well(shelf):
    run = shelf.app.test_cli_runner().invoke
    flip(shelf.path(PICTURE))

    told, repaired, well = (run(args=["files", "verify", *more]) for more in ([], ["--repair"], ["--json"]))

    assert [result.exit_code for result in (told, repaired, well)] == [1, 1, 0]
    assert f"{PICTURE} of 123456789/" in told.stderr
    assert "Damaged: " in told.stderr
    assert "1 problem was found. `flask files verify --repair` repairs what can be repaired." in told.stderr
    assert "Files that are lost come again with the next import with files." in repaired.stderr
    assert "All stored files are intact." in well.stderr
    answer = json.loads(well.stdout)
    assert (answer["clean"], answer["problems"]) == (True, [])
    assert answer["checked"] == len(list(shelf.folder.stored()))
