"""What the command line does with backups."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

import click
from sqlalchemy import URL

from ..catalogue.texts import human_size
from ..extensions import db
from ..terminal import Command, json_option
from . import archive
from .archive import Manifest
from .restore import restore

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("backup", cls=Command)
@click.argument("file", type=FILE)
@json_option
def backup(file: Path, as_json: bool) -> None:
    """Write the database, the stored files and the secret key to FILE, a tar archive, also while the app runs.

    A PostgreSQL database is not in it: pg_dump keeps that one. Exit code: 0 done, 1 done but stored files are missing
    or damaged.
    """
    manifest = archive.write(file)
    _tell("Wrote", file, manifest, as_json)
    if manifest.database != "sqlite":
        dump = shlex.quote(f"{file}.dump")
        click.echo(
            f"The database is not in it. Keep it, too, by: pg_dump --format=custom --file={dump} "
            f"--dbname={shlex.quote(_without_password())} (its password belongs into the file that PGPASSFILE names: "
            "everybody on the machine can read the arguments of a command)",
            err=True,
        )
    if manifest.lost:
        click.echo(f"Stored files missing or damaged: {len(manifest.lost)}. flask files verify names them.", err=True)
        sys.exit(1)


@click.command("restore", cls=Command)
@click.argument("file", type=FILE)
@click.option("--replace", is_flag=True, help="Also where something is there already, which is lost then.")
@json_option
def restore_(file: Path, replace: bool, as_json: bool) -> None:
    """Bring back what FILE, written by flask backup, holds. The app must not run meanwhile.

    A PostgreSQL database comes back by pg_restore, before this.
    """
    _tell("Restored", file, restore(file, replace=replace), as_json)


def _without_password() -> str:
    """The address of the database, as pg_dump takes it."""
    url = db.engine.url.set(drivername="postgresql").difference_update_query(["password"])
    return URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database, url.query
    ).render_as_string()


def _tell(did: str, file: Path, manifest: Manifest, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"file": str(file)} | asdict(manifest)))
    what = f"{manifest.items} items, {manifest.jobs} jobs, {manifest.files} files ({human_size(manifest.bytes)})"
    click.echo(f"{did} {file}: {what}.", err=True)


COMMANDS: list[click.Command] = [backup, restore_]
