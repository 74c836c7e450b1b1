"""A backup is written while the app is used, and a restore brings back the same data."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import tarfile
import threading
from contextlib import closing
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event

from config import load
from connector import create_app
from connector.backup import archive
from connector.backup.partial_file import write_atomically as part_written
from connector.backup.restore import read_manifest
from connector.backup.rotation import archive_path, remove_old
from connector.cli import backup_commands
from connector.errors import ConflictError, InvalidInputError
from connector.extensions import db
from connector.storage.garbage_collection import the_folder
from connector.storage.instance import database_file, prepare
from tests.command_line import CommandLine
from tests.postgresql import program
from tests.processes import ROOT
from tests.sample import SampleRepository

KEY = "the key of the instance that the backups are of"
IMPORT = ("--all", "--files", "--item-set-from-collection")


class Here(CommandLine):
    """The same commands in this process, which is quicker; only `start` begins another one."""

    def __call__(self, *args: str, **environment: str) -> tuple[int, str, str]:
        app = create_app(load(self.environment | environment))
        with app.app_context():
            try:
                prepare(app)
                done = app.test_cli_runner().invoke(args=args)
            finally:
                db.session.remove()
                db.engine.dispose()
                os.close(app.extensions["in_use"])
        return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def flask(tmp_path):
    return Here(tmp_path / "instance")


@pytest.fixture
def elsewhere(tmp_path):
    """Another, empty instance."""
    return Here(tmp_path / "elsewhere")


@pytest.fixture
def dspace9():
    with SampleRepository(9) as sample:
        yield sample


@pytest.fixture
def stocked(tmp_path, stock, archive_file) -> CommandLine:
    """An instance with a catalogue, and the key of the backup."""
    shutil.copytree(stock, tmp_path / "stocked")
    shutil.copy(archive_file.parent / "instance" / "secret_key", tmp_path / "stocked")
    return Here(tmp_path / "stocked")


@pytest.fixture(scope="module")
def archive_file(stock, tmp_path_factory) -> Path:
    """A backup of that catalogue."""
    folder = tmp_path_factory.mktemp("backups")
    shutil.copytree(stock, folder / "instance")
    (folder / "instance" / "secret_key").write_text(KEY)
    assert Here(folder / "instance")("backup", str(folder / "backup.tar"))[0] == 0
    return folder / "backup.tar"


@pytest.fixture
def backup(archive_file, tmp_path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copy2(archive_file, tmp_path))


def instance_of(flask: CommandLine) -> Path:
    return Path(flask.environment["CONNECTOR_INSTANCE"])


def held(flask: CommandLine) -> tuple[str, dict[str, bytes], str]:
    """The catalogue, the stored files and the key."""
    return flask("export", "--hidden")[1], tree(flask), key(flask)


def lying(flask: CommandLine) -> tuple[list[str], dict[str, bytes], str]:
    """The same, without asking the app: the database as SQL."""
    with closing(sqlite3.connect(instance_of(flask) / "connector.db")) as connection:
        return list(connection.iterdump()), tree(flask), key(flask)


def tree(flask: CommandLine) -> dict[str, bytes]:
    files = instance_of(flask) / "files"
    return {str(path.relative_to(files)): path.read_bytes() for path in files.rglob("*") if path.is_file()}


def key(flask: CommandLine) -> str:
    return (instance_of(flask) / "secret_key").read_text()


def rewritten(path: Path, target: Path, change) -> Path:
    """The archive with each member as `change` gives it from its name and bytes; left out where that is None."""
    with tarfile.open(path) as old, tarfile.open(target, "w") as new:
        for info in old:
            content = change(info.name, old.extractfile(info).read())
            if content is not None:
                info.size = len(content)
                new.addfile(info, io.BytesIO(content))
    return target


def test_a_restored_import_can_still_be_undone(dspace9, tmp_path):
    flask = CommandLine(tmp_path / "instance")
    code, job = flask.json("import", dspace9.url, *IMPORT)
    assert code == 0
    before = held(flask)
    path = tmp_path / "backup.tar"
    assert flask("backup", str(path))[0] == 0
    shutil.rmtree(instance_of(flask))

    code, out, err = flask("restore", str(path))

    assert (code, out) == (0, "")
    assert re.search(rf"Restored .*: {job['seen']} items, 1 job, {len(before[1])} files", err)
    assert held(flask) == before
    code, undone = flask.json("undo", str(job["job"]))
    assert (code, undone["removed"]) == (0, job["seen"])


def test_a_backup_made_during_an_import_can_finish_the_import_after_a_restore(flask, elsewhere, dspace9, tmp_path):
    path = tmp_path / "backup.tar"
    reached, go_on = threading.Event(), threading.Event()

    def hold(asked: str) -> bool:
        if "/content" in asked and (len(reading) == 20 or reading.append(asked)):
            reached.set()
            go_on.wait(60)
        return False

    reading: list[str] = []
    dspace9.faults.add(hold, times=None)
    running = flask.start("import", dspace9.url, *IMPORT)
    assert reached.wait(60)

    code, manifest = flask.json("backup", str(path))

    go_on.set()
    running.communicate()
    assert (running.returncode, code, manifest["lost"]) == (0, 0, [])
    assert 0 < manifest["files"] < len(held(flask)[1])
    assert elsewhere("restore", str(path))[0] == 0
    assert elsewhere("files", "verify")[0] == 0
    assert elsewhere("resume", "1")[0] == 0
    assert held(elsewhere)[1] == held(flask)[1]
    assert without_moments(held(elsewhere)[0]) == without_moments(held(flask)[0])


def without_moments(export: str) -> list[dict]:
    lines = [json.loads(line) for line in export.split("\n") if line]
    moments = ("id", "created", "updated", "added", "changed")
    return [{name: value for name, value in line.items() if name not in moments} for line in lines]


def test_a_backup_contains_the_files_of_its_database_although_files_change_meanwhile(stocked_app, tmp_path):
    path, queries = tmp_path / "backup.tar", itertools.count(1)
    with stocked_app.app_context():
        folder = the_folder()
        goes, stays, *_ = sorted(folder.all_checksums())
        comes = hashlib.sha256(b"new").hexdigest()

        def meanwhile(connection, cursor, statement, *rest):
            if "FROM stored_file" not in statement:
                return
            with closing(sqlite3.connect(database_file())) as other, other:
                match next(queries):
                    case 1:  # listed and not read yet
                        other.execute("DELETE FROM stored_file WHERE sha256 = ?", [goes])
                        folder.remove(goes)
                    case 2:  # the first round has ended
                        other.execute("INSERT INTO stored_file (sha256, md5, size) VALUES (?, ?, 3)", [comes, "m" * 32])
                        folder.path(comes).parent.mkdir(exist_ok=True)
                        folder.path(comes).write_bytes(b"new")

        event.listen(db.engine, "after_cursor_execute", meanwhile)

        manifest = archive.write(path)

    stored = {name.removeprefix("files/").replace("/", "") for name in names(path) if name.startswith("files/")}
    assert manifest.lost == []
    assert {comes, stays} <= stored
    assert goes not in stored


def names(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()


def test_only_the_owner_may_read_a_backup_and_no_temporary_file_stays(archive_file):
    assert stat.S_IMODE(archive_file.stat().st_mode) == 0o600
    assert sorted(path.name for path in archive_file.parent.iterdir()) == ["backup.tar", "instance"]


def test_every_member_can_be_compared_with_its_sha256(backup):
    manifest = read_manifest(backup)

    with tarfile.open(backup) as tar:
        for info in tar:
            digest = archive.Hashed(tar.extractfile(info))
            digest.read(info.size)
            if info.name.startswith("files/"):
                assert info.name.removeprefix("files/").replace("/", "") == digest.sha256
            elif info.name != "manifest.json":
                assert manifest.sha256[info.name] == digest.sha256


def test_a_backup_never_overwrites_another(stocked, backup):
    before = backup.read_bytes()

    code, _, err = stocked("backup", str(backup))

    assert (code, backup.read_bytes()) == (2, before)
    assert "exists already" in err


NIGHTS = [archive_path(Path(), KEY, datetime(2026, 1, day, 2)).name for day in range(1, 6)]
NOON = datetime(2026, 1, 5, 12)


@pytest.fixture
def backup_folder(tmp_path) -> Path:
    """A folder with archives of five nights, what a killed backup left in two of them, and what is none of ours."""
    folder = tmp_path / "nights"
    folder.mkdir()
    for name in (*NIGHTS, f"{NIGHTS[0]}.part", f"{NIGHTS[4]}.database.part", "connector-2025.tar", f"{NIGHTS[0]}.gpg"):
        (folder / name).touch()
    return folder


def test_archives_in_a_folder_are_named_by_time_and_the_oldest_are_deleted(stocked, backup_folder):
    code, told = stocked.json("backup", "--keep", "3", str(backup_folder))

    assert code == 0
    assert re.fullmatch(r"connector-[0-9a-f]{8}-\d{8}T\d{6}Z\.tar", Path(told["file"]).name)
    assert read_manifest(Path(told["file"])).items > 0
    kept = [*NIGHTS[3:], f"{NIGHTS[4]}.database.part", Path(told["file"]).name]
    assert sorted(path.name for path in backup_folder.iterdir()) == sorted(
        [*kept, "connector-2025.tar", f"{NIGHTS[0]}.gpg"]
    )


def test_no_older_archive_is_deleted_while_stored_files_are_missing(stocked, backup_folder):
    next((instance_of(stocked) / "files").glob("??/*")).unlink()

    assert stocked("backup", "--keep", "3", str(backup_folder))[0] == 1

    assert {path.name for path in backup_folder.iterdir()} >= set(NIGHTS)


def test_the_newest_archive_stays_although_a_slow_clock_dated_it_earlier(backup_folder):
    archive_file = backup_folder / NIGHTS[1]

    remove_old(archive_file, 2, NOON)

    assert [name for name in NIGHTS if (backup_folder / name).exists()] == NIGHTS[1:]


def test_the_name_of_an_archive_identifies_the_instance_without_revealing_its_key():
    one, other = (archive_path(Path(), key, NOON).name for key in (KEY, f"{KEY}."))

    assert one != other
    assert hashlib.sha256(KEY.encode()).hexdigest()[:8] not in one


def test_archives_of_another_instance_are_neither_deleted_nor_counted(stocked, backup_folder):
    others = [archive_path(backup_folder, "another key", datetime(year, 1, 1)) for year in range(2020, 2026)]
    for path in others:
        path.touch()

    code, told = stocked.json("backup", "--keep", "2", str(backup_folder))

    assert (code, all(path.exists() for path in others)) == (0, True)
    assert [name for name in NIGHTS if (backup_folder / name).exists()] == NIGHTS[4:]
    assert Path(told["file"]).exists()


@pytest.mark.parametrize("what", ["a folder", "a link"])
def test_a_folder_with_the_name_of_an_old_archive_is_ignored(stocked, backup_folder, what):
    odd = archive_path(backup_folder, KEY, datetime(2025, 12, 31))
    for path in (odd, Path(f"{odd}.part"), Path(f"{odd}.database.part")):
        path.mkdir() if what == "a folder" else path.symlink_to(backup_folder / "connector-2025.tar")

    code, _, err = stocked("backup", "--keep", "2", str(backup_folder))

    assert (code, "Error" in err) == (0, False)
    assert len(list(backup_folder.glob(f"{odd.name}*"))) == 3
    assert [name for name in NIGHTS if (backup_folder / name).exists()] == NIGHTS[4:]


def test_archives_dated_in_the_future_do_not_count_as_kept(stocked, backup_folder):
    ahead = [archive_path(backup_folder, KEY, datetime(2999, 1, day)) for day in range(1, 6)]
    for path in ahead:
        path.touch()

    assert stocked("backup", "--keep", "3", str(backup_folder))[0] == 0

    assert [name for name in NIGHTS if (backup_folder / name).exists()] == NIGHTS[3:]
    assert all(path.exists() for path in ahead)


def test_a_running_backup_is_not_disturbed_by_one_that_ends_earlier(stocked, backup_folder):
    running = archive_path(backup_folder, KEY, datetime(2025, 12, 31))
    with part_written(running) as file:
        file.write(b"the rest")
        copy = Path(f"{running}.database.part")
        copy.touch()

        assert stocked("backup", "--keep", "1", str(backup_folder))[0] == 0

        assert copy.exists()
    assert running.read_bytes() == b"the rest"


def test_a_second_backup_to_the_same_file_is_refused_and_the_first_completes(stocked, tmp_path):
    path = tmp_path / "backup.tar"
    with part_written(path) as file:
        copy = Path(f"{path}.database.part")
        copy.touch()

        code, _, err = stocked("backup", str(path))

        assert (code, "Another backup is writing" in err, copy.exists()) == (2, True, True)
        file.write(b"the rest")
    assert path.read_bytes() == b"the rest"


def test_concurrent_backups_create_one_archive(tmp_path):
    path, start, done = tmp_path / "backup.tar", threading.Barrier(8), []

    def one(number: int) -> None:
        start.wait()
        try:
            with part_written(path) as file:
                file.write(b"%d" % number)
        except ConflictError:
            return
        done.append(b"%d" % number)

    threads = [threading.Thread(target=one, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert done == [path.read_bytes()]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", ["/", "//", "/."])
def test_a_missing_folder_is_not_used_as_a_file_name(stocked, tmp_path, ending):
    code, _, err = stocked("backup", f"{tmp_path}/missing{ending}")

    assert (code, "There is no folder" in err, (tmp_path / "missing").exists()) == (2, True, False)


def test_a_missing_backup_folder_is_refused(stocked, tmp_path):
    code, _, err = stocked("backup", "--keep", "3", str(tmp_path / "missing"))

    assert (code, "needs an existing folder" in err, (tmp_path / "missing").exists()) == (2, True, False)


def test_the_command_of_the_timer_writes_a_backup_and_keeps_seven(stocked, tmp_path):
    unit = (ROOT / "deploy" / "dspace-connector-backup.service").read_text()
    args = re.search(r"(?m)^ExecStart=\S+/flask (.+)$", unit)[1].split()
    backup_folder = tmp_path / args[-1].lstrip("/")
    backup_folder.mkdir(parents=True)
    for day in range(10, 20):
        archive_path(backup_folder, KEY, datetime(2026, 1, day, 2)).touch()

    code, _, _ = stocked(*args[:-1], str(backup_folder))

    assert code == 0
    assert len(list(backup_folder.iterdir())) == 7


@pytest.mark.parametrize("kept", ["nothing", "an empty folder", "only the database"])
def test_a_backup_of_a_missing_instance_is_refused_and_creates_nothing(tmp_path, stock, kept):
    flask, path = CommandLine(tmp_path / "instance"), tmp_path / "backup.tar"
    if kept != "nothing":
        instance_of(flask).mkdir()
    if kept == "only the database":
        flask.environment["CONNECTOR_DATABASE_URL"] = f"sqlite:///{shutil.copy(stock / 'connector.db', tmp_path)}"
    before = sorted(tmp_path.rglob("*"))

    code, _, err = flask("backup", str(path))

    assert (code, "CONNECTOR_INSTANCE" in err, "Traceback" in err) == (2, True, False)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("options", [["--debug"], ["--app", "wsgi"], ["-A", "wsgi", "--no-debug"]])
def test_a_backup_with_options_before_the_command_creates_no_instance(tmp_path, options):
    flask = CommandLine(tmp_path / "instance")

    code, _, err = flask(*options, "backup", str(tmp_path / "backup.tar"))

    assert (code, "CONNECTOR_INSTANCE" in err, list(tmp_path.iterdir())) == (2, True, [])


def test_an_unused_instance_is_not_backed_up(elsewhere, tmp_path):
    code, _, err = elsewhere("backup", str(tmp_path / "backup.tar"))

    assert (code, "nothing to back up" in err) == (2, True)
    assert not list(tmp_path.glob("backup.tar*"))


def test_a_backup_of_an_empty_postgresql_database_is_refused_and_creates_no_tables(postgresql, tmp_path):
    flask = CommandLine(tmp_path / "instance")
    (instance_of(flask) / "files").mkdir(parents=True)

    code, _, err = flask("backup", str(tmp_path / "backup.tar"), CONNECTOR_DATABASE_URL=postgresql)

    assert (code, "CONNECTOR_INSTANCE" in err) == (2, True)
    with psycopg.connect(postgresql) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_backup_after_a_killed_restore_contains_the_restored_database(stocked, backup, tmp_path):
    ready = instance_of(stocked) / "restored"
    ready.mkdir()
    (instance_of(stocked) / "connector.db").rename(ready / "connector.db")

    code, _, err = CommandLine(instance_of(stocked))("backup", str(tmp_path / "after.tar"))

    assert (code, "Wrote" in err) == (0, True)


def test_a_backup_that_cannot_be_written_is_reported_and_leaves_no_file(stocked, tmp_path):
    code, _, err = stocked("backup", str(tmp_path / "no" / "such" / "folder.tar"))

    assert (code, "cannot be written" in err, "Traceback" in err) == (2, True, False)


def test_missing_and_damaged_files_are_reported_and_the_rest_is_restored(stocked, elsewhere, tmp_path):
    gone, damaged, *intact = sorted(path for path in (instance_of(stocked) / "files").glob("??/*"))
    gone.unlink()
    damaged.write_bytes(b"something else")
    path = tmp_path / "backup.tar"

    code, manifest = stocked.json("backup", str(path))

    assert (code, sorted(manifest["lost"])) == (1, sorted(one.parent.name + one.name for one in (gone, damaged)))
    assert elsewhere("restore", str(path))[0] == 0
    assert sorted(one.name for one in (instance_of(elsewhere) / "files").glob("??/*")) == sorted(
        one.name for one in intact
    )


def test_a_restore_into_a_used_instance_is_refused_without_replace(flask, dspace9, stocked, backup):
    other = dspace9.data.named("Special files").handle
    assert flask("import", dspace9.url, "--collection", other, "--files")[0] in (0, 1)
    before = held(flask)

    code, _, err = flask("restore", str(backup))

    assert (code, "--replace" in err) == (2, True)
    assert held(flask) == before
    assert flask("restore", str(backup), "--replace")[0] == 0
    assert held(flask) == held(stocked)


CUT_SHORT = 10_000


def told(name: str, content: bytes, **values) -> bytes:
    """The member, where it is the manifest with these values."""
    return json.dumps(json.loads(content) | values).encode() if name == "manifest.json" else content


def with_database(name: str, content: bytes, database: bytes) -> bytes:
    """The member, where the database is this one and the manifest says so."""
    if name == "manifest.json":
        sha256 = json.loads(content)["sha256"] | {"connector.db": hashlib.sha256(database).hexdigest()}
        return told(name, content, sha256=sha256)
    return database if name == "connector.db" else content


def test_an_instance_with_only_accounts_counts_as_used(elsewhere, backup):
    assert elsewhere("user", "add", "Anna", "--role", "admin")[0] == 0

    code, _, err = elsewhere("restore", str(backup))

    assert (code, "--replace" in err) == (2, True)
    assert elsewhere("user", "list")[1].startswith("Anna\t")


def trail(flask: CommandLine) -> list[tuple[str, str, str]]:
    """What the audit trail tells of backups, oldest first."""
    with closing(sqlite3.connect(instance_of(flask) / "connector.db")) as connection:
        query = "SELECT who, what, about FROM audit WHERE what IN ('backup', 'restore') ORDER BY id"
        return connection.execute(query).fetchall()


def test_backups_and_restores_are_recorded_with_their_user(stocked, tmp_path):
    path = tmp_path / "in.tar"
    assert stocked("backup", str(path))[0] == 0
    assert trail(stocked) == [("local operator", "backup", "in.tar")]

    assert stocked("restore", str(path), "--replace")[0] == 0

    assert trail(stocked) == [("local operator", "restore", "in.tar")]  # the archive is older than its own entry


def test_sessions_links_and_tokens_of_the_backup_are_invalid_after_the_restore(stocked, elsewhere, tmp_path):
    with closing(sqlite3.connect(instance_of(stocked) / "connector.db")) as connection, connection:
        connection.execute("INSERT INTO invitation (token_hash, purpose, expires) VALUES ('x', 'first', '2999-01-01')")
        columns = "account_id, name, token_hash, created"
        connection.execute(f"INSERT INTO access_token ({columns}) SELECT id, 'a', 'x', '2026-01-01' FROM account")
        assert connection.execute("SELECT count(*) FROM session").fetchone()[0] > 0
    stocked("backup", str(tmp_path / "in.tar"))

    assert elsewhere("restore", str(tmp_path / "in.tar"))[0] == 0

    with closing(sqlite3.connect(instance_of(elsewhere) / "connector.db")) as connection:
        assert connection.execute("SELECT count(*) FROM account").fetchone()[0] > 0
        for table in ("session", "invitation", "access_token"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


@pytest.mark.parametrize(
    ("says", "damage"),
    [
        ("unexpected end", lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size - CUT_SHORT])),
        ("not a|empty|truncated|invalid|manifest", lambda path: path.write_bytes(b"no archive at all" * 1000)),
        ("manifest|empty", lambda path: path.write_bytes(b"")),
    ],
)
def test_a_damaged_archive_is_refused_with_a_sentence(backup, elsewhere, says, damage):
    damage(backup)

    code, _, err = elsewhere("restore", str(backup))

    assert (code, "Traceback" in err) == (2, False)
    assert re.search(says, err)
    assert "Nothing was restored" in err


@pytest.mark.parametrize(
    ("says", "change"),
    [
        ("not those that were stored", lambda name, content: b"x" if name.startswith("files/") else content),
        ("not what was written", lambda name, content: content + b"\0" if name == "connector.db" else content),
        ("not what was written", lambda name, content: content[::-1] if name == "secret_key" else content),
        ("connector.db is not in it", lambda name, content: None if name == "connector.db" else content),
        ("secret_key is not in it", lambda name, content: None if name == "secret_key" else content),
        ("it holds 0 files", lambda name, content: None if name.startswith("files/") else content),
        ("no manifest", lambda name, content: None if name == "manifest.json" else content),
        ("cannot be read", lambda name, content: b"{" if name == "manifest.json" else content),
        ("cannot be read", lambda name, content: told(name, content, lost=[[1]])),
        ("cannot be read", lambda name, content: told(name, content, lost=7)),
        ("cannot be read", lambda name, content: told(name, content, revision=[1])),
        ("its database cannot be read", lambda name, content: with_database(name, content, b"junk" * 5000)),
        ("its database cannot be read", lambda name, content: with_database(name, content, b"")),
    ],
)
def test_an_altered_archive_leaves_the_instance_unchanged(backup, stocked, tmp_path, says, change):
    before = lying(stocked)
    changed = rewritten(backup, tmp_path / "changed.tar", change)

    code, _, err = stocked("restore", str(changed), "--replace")

    assert (code, says in err, "Traceback" in err) == (2, True, False)
    assert lying(stocked) == before
    assert not (instance_of(stocked) / "restoring").exists()


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "files/../../outside", "files/ab/short"])
def test_unexpected_members_of_an_archive_are_not_written(backup, elsewhere, tmp_path, name):
    changed = rewritten(backup, tmp_path / "changed.tar", lambda name, content: content)
    with tarfile.open(changed, "a") as tar:
        tar.addfile(tarfile.TarInfo(name))

    code, _, err = elsewhere("restore", str(changed))

    assert (code, f"“{name}”" in err) == (2, True)
    assert not list(tmp_path.rglob("outside"))


def test_a_link_in_an_archive_is_not_followed(tmp_path):
    with tarfile.open(tmp_path / "links.tar", "w") as tar:
        link = tarfile.TarInfo("manifest.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)

    with pytest.raises(InvalidInputError, match="is no file"):
        read_manifest(tmp_path / "links.tar")


def test_a_backup_of_a_newer_version_is_refused(backup, elsewhere, tmp_path):
    def newer(name: str, content: bytes) -> bytes:
        return json.dumps(json.loads(content) | {"revision": "9999"}).encode() if name == "manifest.json" else content

    code, _, err = elsewhere("restore", str(rewritten(backup, tmp_path / "newer.tar", newer)))

    assert (code, "newer version" in err, "9999" in err) == (2, True, True)


def test_a_restore_is_refused_while_a_process_uses_the_instance(stocked, dspace9, backup):
    reached, go_on = threading.Event(), threading.Event()

    def hold(path: str) -> bool:
        reached.set()
        go_on.wait(60)
        return False

    dspace9.faults.add(hold, times=None)
    running = stocked.start("import", dspace9.url, "--all")
    assert reached.wait(60)

    code, _, err = stocked("restore", str(backup), "--replace")

    go_on.set()
    running.communicate()
    assert (code, "in use" in err) == (2, True)


def test_the_next_start_completes_a_restore_that_was_killed_at_its_end(stocked, elsewhere, backup):
    assert elsewhere("jobs")[0] == 0
    leave_unwritten_pages(instance_of(elsewhere) / "connector.db")
    ready = instance_of(elsewhere) / "restored"
    ready.mkdir()
    with tarfile.open(backup) as tar:
        for name in ("connector.db", "secret_key"):
            (ready / name).write_bytes(tar.extractfile(name).read())

    assert elsewhere("export", "--hidden")[1] == stocked("export", "--hidden")[1]

    assert not ready.exists()
    assert (instance_of(elsewhere) / "secret_key").read_text() == (instance_of(stocked) / "secret_key").read_text()


def leave_unwritten_pages(database: Path) -> None:
    """As a process that is killed does: in the -wal beside the database lies what is not in it yet."""
    wal, aside = Path(f"{database}-wal"), Path(f"{database}-aside")
    with closing(sqlite3.connect(database)) as connection:
        with connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        shutil.copy(wal, aside)
    aside.rename(wal)


def test_a_killed_restore_leaves_the_old_or_the_new_instance_complete(flask, dspace9, stocked, backup):
    other = dspace9.data.named("Odd metadata").handle
    assert flask("import", dspace9.url, "--collection", other)[0] in (0, 1)
    before, after = held(flask)[0], held(stocked)[0]
    killed = flask.start("restore", str(backup), "--replace")
    while killed.poll() is None and not (instance_of(flask) / "restoring" / "secret_key").exists():
        pass

    killed.kill()
    killed.communicate()

    assert held(flask)[0] in (before, after)
    assert flask("restore", str(backup), "--replace")[0] == 0
    assert held(flask) == held(stocked)
    assert not (instance_of(flask) / "restoring").exists()


def test_leftovers_of_a_killed_backup_do_not_block_the_next(stocked, tmp_path):
    for name in ("backup.tar.part", "backup.tar.database.part"):
        (tmp_path / name).write_bytes(b"half")

    assert stocked("backup", str(tmp_path / "backup.tar"))[0] == 0

    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("backup")] == ["backup.tar"]


def test_a_secret_key_of_the_environment_must_match_the_backup(backup, stocked, elsewhere):
    own = key(stocked)

    code, _, err = elsewhere("restore", str(backup), CONNECTOR_SECRET_KEY="another key of the environment, long")

    assert (code, "CONNECTOR_SECRET_KEY" in err) == (2, True)
    assert elsewhere("restore", str(backup), CONNECTOR_SECRET_KEY=own)[0] == 0
    assert not (instance_of(elsewhere) / "secret_key").exists()
    assert own not in err


def test_a_backup_on_postgresql_contains_files_and_key_and_names_pg_dump(postgresql, flask, dspace9, tmp_path):
    flask.environment["CONNECTOR_DATABASE_URL"] = postgresql
    special = dspace9.data.named("Special files").handle
    assert flask("import", dspace9.url, "--collection", special, "--files")[0] in (0, 1)
    before = held(flask)
    path = tmp_path / "backup.tar"

    code, _, err = flask("backup", str(path))

    assert (code, "pg_dump --format=custom" in err, f"--dbname={postgresql}" in err) == (0, True, True)
    assert "connector.db" not in names(path)
    dump = f"{path}.dump"
    postgresql_tool("pg_dump", "--format=custom", f"--file={dump}", postgresql)
    shutil.rmtree(instance_of(flask))
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    postgresql_tool("pg_restore", "--clean", "--if-exists", f"--dbname={postgresql}", dump)
    assert flask("restore", str(path))[0] == 0
    assert held(flask) == before


def postgresql_tool(name: str, *args: str) -> None:
    subprocess.run([program(name), *args], check=True, capture_output=True)


def test_the_address_for_pg_dump_contains_no_password(tmp_path):
    url = "postgresql://me:secret@host:5433/name?sslmode=require&password=secret"
    app = create_app(load({"CONNECTOR_INSTANCE": str(tmp_path), "CONNECTOR_DATABASE_URL": url}))

    with app.app_context():
        assert backup_commands._without_password() == "postgresql://me@host:5433/name?sslmode=require"


def test_a_backup_of_another_kind_of_database_is_refused(postgresql, backup, flask):
    code, _, err = flask("restore", str(backup), CONNECTOR_DATABASE_URL=postgresql)

    assert (code, "CONNECTOR_DATABASE_URL" in err) == (2, True)
