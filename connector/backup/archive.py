"""Writes a backup while the app runs.

Most files are written first. Then the folder is locked for the database copy and the files added since.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from flask import current_app
from sqlalchemy import select

from ..accounts import audit
from ..errors import ConflictError, StorageError
from ..extensions import count_rows, db, utcnow
from ..i18n import gettext as _
from ..models.accounts import Account
from ..models.catalogue import ITEM, STORED_FILE
from ..models.jobs import JOB
from ..models.repositories import Repository
from ..storage.garbage_collection import the_folder
from ..storage.instance import copy_database, database_file
from ..storage.restore_commit import DATABASE, KEY
from ..storage.schema_revision import revision
from ..version import __version__
from .partial_file import write_atomically

MANIFEST = "manifest.json"
FILES = "files"
HASHES_PER_QUERY = 1000


@dataclass
class Manifest:
    """The contents of an archive. It is the last member, so an archive without a manifest is incomplete.

    `revision`: the migration of the database. `database`: sqlite, or the kind of a database that is not in the archive.
    `files`, `bytes`: stored files in the archive, each a member files/ab/cdef… where abcdef… is its SHA-256. `lost`:
    SHA-256 of the files in the database that were missing or damaged at the time of the backup. `sha256`: SHA-256 of
    the members whose name is not their SHA-256.
    """

    version: str
    revision: str | None
    made: str
    database: str
    items: int = 0
    jobs: int = 0
    files: int = 0
    bytes: int = 0
    lost: list[str] = field(default_factory=list)
    sha256: dict[str, str] = field(default_factory=dict)


def write(target: Path) -> Manifest:
    """Write the archive with mode 600, completely or not at all, and return its manifest.

    Raise ConflictError if `target` exists, another backup is writing it or there is nothing to write. Raise
    StorageError if it cannot be written.
    """
    if is_empty():
        raise ConflictError(
            _(
                "There is nothing to back up: no account and no repository. Run this with the settings that the app "
                "has, first of all CONNECTOR_INSTANCE."
            )
        )
    try:
        with write_atomically(target) as file, tarfile.open(fileobj=file, mode="w") as tar:
            manifest = _Writing(tar, Path(f"{target}.database.part")).all()
    except OSError as error:
        raise StorageError(
            _("The backup cannot be written to %(target)s: %(strerror)s.", target=target, strerror=error.strerror)
        ) from error
    audit.record("backup", target.name)
    return manifest


def is_empty() -> bool:
    """Return whether the instance is unused: it has no account and no repository."""
    kept = [db.session.scalar(select(table.id).limit(1)) for table in (Repository, Account)]
    db.session.rollback()
    return all(row is None for row in kept)


class _Writing:
    """A writer of one archive. `copy`: the path of a temporary copy of the database."""

    def __init__(self, tar: tarfile.TarFile, copy: Path):
        self._tar, self._copy = tar, copy
        self._folder = the_folder()
        self._written: set[bytes] = set()
        kind = db.engine.url.get_backend_name()
        self._manifest = Manifest(__version__, revision(), utcnow().isoformat(timespec="seconds"), kind)

    def all(self) -> Manifest:
        """Write all members and return the manifest.

        No file is deleted while the folder is locked, so every file in the copied database is there or was lost before.
        The first round takes long and is not locked. It makes the second, locked round short.
        """
        self._copy.unlink(missing_ok=True)  # of a backup that was killed
        self._add_files(_in_database())
        try:
            with self._folder.lock():
                self._catch_up()
            if self._copy.exists():
                with open(self._copy, "rb") as file:
                    self._manifest.sha256[DATABASE] = self._add(DATABASE, file)
        finally:
            self._copy.unlink(missing_ok=True)
        self._manifest.sha256[KEY] = self._add_text(KEY, current_app.config["SECRET_KEY"])
        self._add_text(MANIFEST, json.dumps(asdict(self._manifest), indent=1))
        return self._manifest

    def _catch_up(self) -> None:
        """Copy the database and add the files stored since the first round. Copy only a SQLite database."""
        manifest = self._manifest
        manifest.items, manifest.jobs = count_rows(ITEM), count_rows(JOB)
        db.session.rollback()
        if database_file() is None:
            manifest.lost += self._add_files(_in_database())
            return
        copy_database(self._copy)
        manifest.lost += self._add_files(_in_copy(self._copy))

    def _add_files(self, hashes: Iterable[str]) -> list[str]:
        """Add the stored files that are not in the archive yet. Return the hashes of missing files."""
        gone = []
        for sha256 in hashes:
            if (key := bytes.fromhex(sha256)) in self._written:
                continue
            try:
                file = open(self._folder.path(sha256), "rb")  # noqa: SIM115
            except FileNotFoundError:
                gone.append(sha256)
                continue
            with file:
                if self._add(f"{FILES}/{sha256[:2]}/{sha256[2:]}", file) != sha256:
                    self._manifest.lost.append(sha256)
                self._manifest.files += 1
                self._manifest.bytes += file.tell()
            self._written.add(key)
        return gone

    def _add_text(self, name: str, text: str) -> str:
        return self._add(name, io.BytesIO(text.encode()))

    def _add(self, name: str, file: IO[bytes]) -> str:
        """Add a member and return its SHA-256."""
        info = tarfile.TarInfo(name)
        info.mode, info.size = 0o600, file.seek(0, os.SEEK_END)
        file.seek(0)
        reading = Hashed(file)
        self._tar.addfile(info, reading)
        self._tar.members.clear()  # type: ignore[attr-defined]  # hundreds of thousands of members would fill the memory
        return reading.sha256


class Hashed:
    """A file that is read once, with the SHA-256 of the bytes read."""

    def __init__(self, file: IO[bytes]):
        self._file, self._digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size`, or all that are left with -1."""
        piece = self._file.read(size)
        self._digest.update(piece)
        return piece

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the bytes read so far."""
        return self._digest.hexdigest()


def _in_database() -> Iterator[str]:
    """Yield the SHA-256 of all stored files, without a long transaction."""
    last = ""
    query = select(STORED_FILE.c.sha256).order_by(STORED_FILE.c.sha256).limit(HASHES_PER_QUERY)
    while hashes := db.session.scalars(query.where(STORED_FILE.c.sha256 > last)).all():
        db.session.rollback()
        yield from hashes
        last = hashes[-1]
    db.session.rollback()


def _in_copy(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as copy:
        for (sha256,) in copy.execute("SELECT sha256 FROM stored_file"):
            yield sha256
