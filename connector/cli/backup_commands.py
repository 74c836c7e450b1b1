"""Commands for backups: write and restore them."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from pathlib import Path

import click
from flask import current_app
from sqlalchemy import URL

from ..backup import archive, rotation
from ..backup.archive import Manifest
from ..backup.restore import restore
from ..errors import InvalidInputError
from ..extensions import db, utcnow
from ..formatting import file_count, item_count
from ..i18n import gettext as _, lazy_gettext as _l, ngettext
from ..text import human_size
from .command import command, json_option, option, print_json

FILE = click.Path(path_type=Path, dir_okay=False)


@command(
    "backup",
    help=_l(
        "Write the database, the stored files and the secret key to FILE, a tar archive, also while the app "
        "runs.\n\n"
        "FILE may be a folder. The name of the archive then has the instance and the time, and --keep deletes "
        "no archive of another instance. A PostgreSQL database is not in the archive: use pg_dump. Exit code: "
        "0 done, 1 done but stored files are missing or damaged (then no older archive is deleted), 2 "
        "refused."
    ),
)
@click.argument("file", type=click.Path())
@option("--keep", metavar="N", type=click.IntRange(1), help=_l("In a folder: delete all archives but the newest N."))
@json_option
def _backup(file: str, keep: int | None, as_json: bool) -> None:
    path = Path(file)
    is_folder = path.is_dir()
    if not is_folder and keep is not None:
        raise InvalidInputError(_("--keep needs an existing folder, and %(file)s is not one.", file=file))
    if not is_folder and file.endswith(("/", "/.")):
        raise InvalidInputError(
            _("There is no folder %(file)s. Create it first, or give the name of a file.", file=file)
        )
    path = rotation.archive_path(path, current_app.config["SECRET_KEY"], utcnow()) if is_folder else path
    manifest = archive.write(path)
    _tell(_("Wrote %(file)s: %(counts)s."), path, manifest, as_json)
    if keep is not None and not manifest.lost:
        rotation.remove_old(path, keep, utcnow())
    if manifest.database != "sqlite":
        dump = shlex.quote(f"{path}.dump")
        click.echo(
            _(
                "The archive does not contain the database. Back it up with: pg_dump --format=custom --file=%(dump)s "
                "--dbname=%(url)s (put its password in the file that PGPASSFILE names, because every user of the "
                "machine can read the arguments of a command)",
                dump=dump,
                url=shlex.quote(_without_password()),
            ),
            err=True,
        )
    if manifest.lost:
        click.echo(
            _("Stored files missing or damaged: %(number)s. flask files verify names them.", number=len(manifest.lost)),
            err=True,
        )
        sys.exit(1)


@command(
    "restore",
    help=_l(
        "Restore the instance from FILE, written by flask backup. Stop the app first.\n\n"
        "Restore a PostgreSQL database with pg_restore first."
    ),
)
@click.argument("file", type=FILE)
@option("--replace", is_flag=True, help=_l("Replace an instance that has data. Its data is lost."))
@json_option
def _restore(file: Path, replace: bool, as_json: bool) -> None:
    _tell(_("Restored %(file)s: %(counts)s."), file, restore(file, replace=replace), as_json)


def _without_password() -> str:
    """Return the URL of the database as pg_dump takes it, without the password."""
    url = db.engine.url.set(drivername="postgresql").difference_update_query(["password"])
    return URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database, url.query
    ).render_as_string()


def _tell(sentence: str, file: Path, manifest: Manifest, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(file)} | asdict(manifest))
    counts = _(
        "%(items)s, %(jobs)s, %(files)s (%(size)s)",
        items=item_count(manifest.items),
        jobs=ngettext("%(num)s job", "%(num)s jobs", manifest.jobs),
        files=file_count(manifest.files),
        size=human_size(manifest.bytes),
    )
    click.echo(sentence % {"file": file, "counts": counts}, err=True)


COMMANDS: list[click.Command] = [_backup, _restore]
