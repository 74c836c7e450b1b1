"""The check of stored files names missing, damaged and unneeded files, and repairs them on request."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import pytest

from connector.accounts import audit
from connector.catalogue import earlier_states, fixity
from connector.catalogue.fixity import ProblemKind
from connector.catalogue.job_changes import insert_changes
from connector.catalogue.repository_context import RepositoryContext
from connector.errors import StorageError
from connector.extensions import db, transaction
from connector.imports.start import queueing
from connector.jobs import lifecycle
from connector.models.catalogue import CatalogueFile, StoredFile
from connector.models.repositories import Repository
from connector.storage.content_store import FileFolder
from connector.storage.garbage_collection import the_folder
from connector.tasks import carry_out

PICTURE = "harbour-01.png"


class StockedCatalogue:
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
            job_id = queueing.rerun(1)
            assert carry_out(job_id)
            return lifecycle.get(job_id)


@pytest.fixture
def stocked(stocked_app):
    return StockedCatalogue(stocked_app)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def test_a_check_of_undamaged_files_reads_every_file_and_reports_nothing(stocked):
    sizes = []
    with stocked.app.app_context():
        assert list(fixity.verify(the_folder(), False, sizes.append)) == []

        assert (len(sizes), sum(sizes)) == fixity.count_stored_files()
    assert len(sizes) == len(list(stocked.folder.all_checksums())) > 0


@pytest.mark.parametrize(
    ("harm", "kind", "reason"),
    [
        (Path.unlink, ProblemKind.MISSING, "missing"),
        (cut, ProblemKind.DAMAGED, " bytes, and "),
        (flip, ProblemKind.DAMAGED, "differs from what was stored"),
    ],
)
def test_missing_and_damaged_files_are_reported_with_their_items_and_not_changed(stocked, harm, kind, reason):
    harm(stocked.path(PICTURE))
    before = stocked.files(PICTURE)[0].status

    [found] = stocked.check()

    assert (found.kind, found.sha256, found.repair) == (kind, stocked.sha256(PICTURE), "")
    assert reason in found.reason
    assert [(item["file"], item["title"]) for item in found.items] == [(PICTURE, "Herring boats leaving at dawn")]
    assert stocked.files(PICTURE)[0].status == before == "stored"


def test_only_a_repair_that_changes_something_is_in_the_audit_trail(stocked):
    stocked.path(PICTURE).unlink()

    stocked.check()
    stocked.check(repair=True)
    stocked.check(repair=True)

    with stocked.app.app_context():
        [entry] = db.session.scalars(audit.entries(what="repair of files"))
        assert entry.data == {"repaired": 1}


@pytest.mark.parametrize("harm", [Path.unlink, cut, flip])
def test_a_repair_lets_the_next_import_download_lost_files_again(stocked, harm, stocked_sample):
    sha256, path = stocked.sha256(PICTURE), stocked.path(PICTURE)
    whole = path.read_bytes()
    harm(path)

    [found] = stocked.check(repair=True)

    assert "fetches it again" in found.repair
    [file] = stocked.files(PICTURE)
    assert (file.status, file.sha256) == ("linked", None)
    assert found.reason in file.reason
    assert stocked.check() == []
    job = stocked.import_again()
    assert (job.state, job.clean, job.counts["failed"]) == ("completed", True, 0)
    assert (stocked.sha256(PICTURE), path.read_bytes(), stocked.files(PICTURE)[0].reason) == (sha256, whole, None)


def test_a_repair_moves_damaged_files_aside_and_never_deletes_them(stocked, stocked_sample):
    sha256 = stocked.sha256(PICTURE)
    aside = stocked.folder.folder / "damaged"
    cut(stocked.path(PICTURE))
    first = stocked.path(PICTURE).read_bytes()
    [found] = stocked.check(repair=True)
    stocked.import_again()
    flip(stocked.path(PICTURE))

    [again] = stocked.check(repair=True)

    assert f"files/damaged/{sha256}." in found.repair
    assert f"files/damaged/{sha256}-2." in again.repair
    assert (aside / sha256).read_bytes() == first
    assert (aside / f"{sha256}-2").read_bytes() != first


def test_unneeded_files_are_reported_and_deleted_only_by_a_repair(stocked):
    sha256 = stocked.add(b"nobody's")

    [told] = stocked.check()
    assert (told.kind, told.repair, stocked.folder.path(sha256).exists()) == (ProblemKind.NAMELESS, "", True)
    [removed] = stocked.check(repair=True)

    assert (removed.repair, stocked.folder.path(sha256).exists()) == ("Removed.", False)


def test_a_repair_registers_files_again_that_an_undo_needs(stocked):
    sha256 = stocked.add(b"of an earlier state")
    with stocked.app.app_context(), transaction():
        item_id = db.session.scalar(db.select(CatalogueFile.item_id).where(CatalogueFile.name == PICTURE))
        group = earlier_states.data_groups([item_id])[item_id]
        group["files"] = [file | {"sha256": sha256} for file in group["files"]]
        change = {"job_id": 1, "item_id": item_id, "action": "updated", "source_key": "x", "before": {"data": group}}
        insert_changes([change])

    [found] = stocked.check(repair=True)

    assert (found.kind, found.items) == (ProblemKind.FORGOTTEN, ())
    with stocked.app.app_context():
        row = db.session.get_one(StoredFile, sha256)
        assert (row.size, row.md5) == (19, hashlib.md5(b"of an earlier state").hexdigest())
    assert stocked.check() == []


def test_a_repair_registers_undamaged_files_of_items_without_a_download(stocked):
    sha256 = stocked.sha256(PICTURE)
    with stocked.app.app_context(), transaction():
        db.session.execute(db.delete(StoredFile).where(StoredFile.sha256 == sha256))

    [found] = stocked.check(repair=True)

    assert (found.kind, found.items[0]["file"]) == (ProblemKind.FORGOTTEN, PICTURE)
    assert stocked.files(PICTURE)[0].status == "stored"
    assert stocked.check() == []


def test_a_file_with_neither_content_nor_row_is_reported(stocked):
    path = stocked.path(PICTURE)
    with stocked.app.app_context(), transaction():
        db.session.execute(db.delete(StoredFile).where(StoredFile.sha256 == stocked.sha256(PICTURE)))
    path.unlink()

    [found] = stocked.check(repair=True)

    assert (found.kind, found.items[0]["file"]) == (ProblemKind.MISSING, PICTURE)
    assert stocked.files(PICTURE)[0].status == "linked"


def test_undo_does_not_restore_a_file_as_stored_whose_content_was_lost(stocked):
    with stocked.app.app_context():
        item_id = db.session.scalar(db.select(CatalogueFile.item_id).where(CatalogueFile.name == PICTURE))
        repository = db.session.scalar(db.select(Repository))
        place = RepositoryContext(repository.id, repository.server)
        group = earlier_states.data_groups([item_id])[item_id]
    stocked.path(PICTURE).unlink()
    stocked.check(repair=True)

    with stocked.app.app_context(), transaction():
        earlier_states.restore_data(place, item_id, group)

    [file] = stocked.files(PICTURE)
    assert (file.status, file.sha256, file.last_tried_job_id) == ("linked", None, None)


def test_a_repair_is_refused_while_the_disk_of_the_files_folder_is_not_mounted(stocked):
    for sha256 in list(stocked.folder.all_checksums()):
        stocked.folder.remove(sha256)

    with pytest.raises(StorageError, match="mounted"):
        stocked.check(repair=True)

    assert stocked.files(PICTURE)[0].status == "stored"
    assert {found.kind for found in stocked.check()} == {ProblemKind.MISSING}


class WaitedFor(FileFolder):
    """Tells when somebody wants to hold it."""

    wanted = threading.Event()

    def lock(self):
        self.wanted.set()
        return super().lock()


def test_content_that_a_job_is_about_to_register_is_not_reported(stocked):
    folder, found = WaitedFor(stocked.folder.folder), []

    def check() -> None:
        with stocked.app.app_context():
            found.extend(fixity.verify(folder, True, lambda size: None))

    checking = threading.Thread(target=check)
    with stocked.folder.lock():
        sha256 = stocked.add(b"just stored")
        checking.start()
        assert folder.wanted.wait(30)
        with stocked.app.app_context(), transaction():
            db.session.add(StoredFile(sha256=sha256, md5="0" * 32, size=11))
    checking.join()

    assert found == []
    assert stocked.folder.path(sha256).exists()


def test_the_command_reports_problems_and_exits_with_1_until_they_are_repaired(stocked):
    run = stocked.app.test_cli_runner().invoke
    flip(stocked.path(PICTURE))

    told, repaired, well = (run(args=["files", "verify", *more]) for more in ([], ["--repair"], ["--json"]))

    assert [result.exit_code for result in (told, repaired, well)] == [1, 1, 0]
    assert f"{PICTURE} of 123456789/" in told.stderr
    assert "Damaged: " in told.stderr
    assert "1 problem was found. `flask files verify --repair` repairs what can be repaired." in told.stderr
    assert "Files that are lost come again with the next import with files." in repaired.stderr
    assert "All stored files are intact." in well.stderr
    answer = json.loads(well.stdout)
    assert (answer["clean"], answer["problems"]) == (True, [])
    assert answer["checked"] == len(list(stocked.folder.all_checksums()))
