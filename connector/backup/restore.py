"""Restores a backup. Everything is unpacked and verified first, then replaces the instance in one step."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from flask import Flask
from sqlalchemy import text

from ..accounts import audit
from ..errors import ConflictError, InvalidInputError, StorageError
from ..extensions import current_app_itself, db, transaction
from ..i18n import decimal, gettext as _, lazy_gettext as _l, ngettext
from ..storage import restore_commit
from ..storage.content_store import FileFolder
from ..storage.garbage_collection import delete_unreferenced_files, the_folder
from ..storage.instance import database_file, lock_exclusively, prepare
from ..storage.restore_commit import DATABASE, KEY
from ..storage.schema_revision import check_known
from .archive import FILES, MANIFEST, Hashed, Manifest, is_empty

STORED = re.compile(rf"{FILES}/([0-9a-f]{{2}})/([0-9a-f]{{62}})")
PIECE = 256 * 1024  # bytes
NEWER = _l(
    "The backup was written by a newer version of DSpace Connector (at %(found)s; this one knows up to %(known)s). "
    "Install that version again; nothing was changed."
)
ENDED = {"access_token", "invitation", "session"}  # what ended since the backup must not be valid again
MOST_TEXT = 64 * 2**20  # bytes of a manifest, which may list every file as lost


def restore(path: Path, *, replace: bool = False) -> Manifest:
    """Replace the instance with the contents of the archive, and upgrade it. Return the manifest.

    Raise ConflictError if the instance is in use, or not empty (unless `replace`). Raise InvalidInputError if the
    archive is damaged or does not fit, NewerVersionError, StorageError. After an error, the instance is unchanged.
    """
    app = current_app_itself()
    instance: Path = app.config["INSTANCE"]
    manifest = read_manifest(path)
    _check(manifest)
    lock_exclusively(app)
    if not replace:
        _refuse_unless_empty()
    beside = instance / "restoring"
    shutil.rmtree(beside, ignore_errors=True)  # of a restore that was killed
    beside.mkdir(mode=0o700)
    try:
        with _translated_errors(path):
            _unpack(path, manifest, beside)
            if manifest.database == "sqlite":
                _make_ready(path, beside / DATABASE)
        _keep_key(beside / KEY, app)
    except BaseException:
        shutil.rmtree(beside)
        delete_unreferenced_files()  # files unpacked so far have no row
        raise
    db.session.remove()
    db.engine.dispose()
    restore_commit.commit(beside, instance)
    prepare(app)
    if manifest.database == "sqlite":  # otherwise, the rows of these files may be restored later
        delete_unreferenced_files()
    else:
        with transaction():
            for table in ENDED:
                db.session.execute(text(f"DELETE FROM {table}"))
    audit.record("restore", path.name)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of an archive. Raise InvalidInputError, StorageError."""
    with _translated_errors(path):
        for info, member in _members(path):
            if info.name == MANIFEST and info.size <= MOST_TEXT:
                try:
                    manifest = Manifest(**json.load(member))
                except (ValueError, TypeError, RecursionError) as error:
                    raise _damaged(path, _("its manifest cannot be read")) from error
                if not _is_sound(manifest):
                    raise _damaged(path, _("its manifest cannot be read"))
                return manifest
    raise _damaged(path, _("it has no manifest, so it was not written to its end"))


def _is_sound(manifest: Manifest) -> bool:
    """Return whether the values in the manifest have the right types, because JSON may contain anything."""
    texts = [manifest.version, manifest.made, manifest.database, manifest.revision or ""]
    numbers = [manifest.items, manifest.jobs, manifest.files, manifest.bytes]
    if not isinstance(manifest.lost, list) or not isinstance(manifest.sha256, dict):
        return False
    texts += [*manifest.lost, *manifest.sha256.values()]
    return all(isinstance(one, str) for one in texts) and all(isinstance(one, int) for one in numbers)


def _make_ready(path: Path, database: Path) -> None:
    """Check the unpacked database, and delete its sessions and one-time links.

    Raise InvalidInputError if it is damaged, NewerVersionError if it is of a newer version.
    """
    try:
        with closing(sqlite3.connect(database)) as copy, copy:
            if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise _damaged(path, _("its database is not whole"))
            found = copy.execute("SELECT version_num FROM alembic_version").fetchone()
            tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table in ENDED & tables:
                copy.execute(f"DELETE FROM {table}")
    except sqlite3.Error as error:
        raise _damaged(path, _("its database cannot be read: %(error)s", error=error)) from error
    if found is None:
        raise _damaged(path, _("its database does not say of which version it is"))
    check_known(found[0], NEWER)


def _check(manifest: Manifest) -> None:
    check_known(manifest.revision, NEWER)
    kind = db.engine.url.get_backend_name()
    if manifest.database != kind:
        raise InvalidInputError(
            _(
                "The backup was made with a %(database)s database and this instance uses %(kind)s: set "
                "CONNECTOR_DATABASE_URL as it was then.",
                database=manifest.database,
                kind=kind,
            )
        )


def _refuse_unless_empty() -> None:
    is_sqlite = database_file() is not None
    if (is_sqlite and not is_empty()) or next(the_folder().all_checksums(), None) is not None:
        raise ConflictError(_("This instance is not empty. With --replace, the backup replaces everything in it."))


def _unpack(path: Path, manifest: Manifest, beside: Path) -> None:
    """Unpack and verify all members: stored files to the files folder, all others to the folder `beside`.

    Stored files without a row have no effect.
    """
    folder, lost, number = the_folder(), set(manifest.lost), 0
    for info, member in _members(path):
        if match := STORED.fullmatch(info.name):
            number += 1
            sha256 = match[1] + match[2]
            if sha256 not in lost:
                _unpack_stored(path, member, sha256, folder)
        elif info.name in (DATABASE, KEY):
            _unpack_beside(path, member, beside / info.name, manifest.sha256.get(info.name))
        elif info.name != MANIFEST:
            raise _damaged(path, _("nothing called “%(name)s” belongs into it", name=info.name))
    if number != manifest.files:
        reason = ngettext(
            "it holds %(num)s file where %(expected)s were written",
            "it holds %(num)s files where %(expected)s were written",
            number,
            expected=decimal(manifest.files),
        )
        raise _damaged(path, reason)
    wanted = (DATABASE, KEY) if manifest.database == "sqlite" else (KEY,)
    missing = [name for name in wanted if not (beside / name).exists()]
    if missing:
        raise _damaged(path, _("%(missing)s is not in it", missing=missing[0]))


def _unpack_stored(path: Path, member: IO[bytes], sha256: str, folder: FileFolder) -> None:
    part, reading = folder.part(), Hashed(member)
    try:
        while piece := reading.read(PIECE):
            part.write(piece)
        if reading.sha256 != sha256:
            raise _damaged(path, _("the bytes of %(sha256)s are not those that were stored", sha256=sha256))
        part.finish()
        folder.keep(part, sha256)
    except BaseException:
        part.discard()
        raise


def _unpack_beside(path: Path, member: IO[bytes], target: Path, sha256: str | None) -> None:
    reading = Hashed(member)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while piece := reading.read(PIECE):
            file.write(piece)
    if reading.sha256 != sha256:
        raise _damaged(path, _("%(name)s is not what was written", name=target.name))


def _keep_key(unpacked: Path, app: Flask) -> None:
    """Keep the key of the backup for the instance. Delete it if the environment sets the same key.

    Raise InvalidInputError if the environment sets another key.
    """
    own = app.config["INSTANCE"] / KEY
    if own.exists() and own.read_text().strip() == app.config["SECRET_KEY"]:
        return
    if unpacked.read_text() != app.config["SECRET_KEY"]:
        raise InvalidInputError(
            _(
                "The backup was made with another secret key than CONNECTOR_SECRET_KEY sets, and what is sealed with "
                "it could not be read. Leave that setting out: the backup brings its key along."
            )
        )
    unpacked.unlink()


def _members(path: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Yield each member and its bytes, which must be read before the next member."""
    with tarfile.open(path, "r:") as tar:
        while (info := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # hundreds of thousands of members would fill the memory
            member = tar.extractfile(info) if info.isreg() else None
            if member is None:
                raise _damaged(path, _("“%(name)s” is no file", name=info.name))
            yield info, member


@contextmanager
def _translated_errors(path: Path) -> Iterator[None]:
    """Translate errors of the archive and the disk to errors with a sentence."""
    try:
        yield
    except tarfile.TarError as error:
        raise _damaged(path, str(error)) from error
    except FileNotFoundError as error:
        raise InvalidInputError(_("There is no file %(filename)s.", filename=error.filename)) from error
    except OSError as error:
        raise StorageError(_("The backup cannot be restored: %(strerror)s.", strerror=error.strerror)) from error


def _damaged(path: Path, why: str) -> InvalidInputError:
    return InvalidInputError(
        _("%(path)s is no backup, or a damaged one: %(why)s. Nothing was restored.", path=path, why=why)
    )
