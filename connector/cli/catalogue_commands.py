"""Commands for the catalogue: verify stored files and take items down."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import click
from flask.cli import AppGroup
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from ..accounts.authorization import require
from ..catalogue import fixity, takedown
from ..catalogue.fixity import Finding
from ..formatting import item_count
from ..i18n import gettext as _
from ..i18n import ngettext
from ..models.accounts import Role
from ..repositories import service
from ..storage.garbage_collection import the_folder
from .command import Command, json_option
from .user_commands import as_option

LINE_EVERY = 1000  # files


files = AppGroup("files", help="Check the stored files.")


@files.command("verify", cls=Command)
@click.option("--repair", is_flag=True, help="Repair what can be repaired. The next import downloads lost files again.")
@json_option
def verify(repair: bool, as_json: bool) -> None:
    """Read every stored file and compare it with its SHA-256.

    Exit code: 0 no problem, or all repaired without loss; 1 something is missing, damaged or left over.
    """
    with Reading() as reading:
        found = []
        for finding in fixity.verify(the_folder(), repair, reading.checked):
            found.append(finding)
            reading.tell(finding)
    is_well = all(one.mended and not one.kind.is_loss for one in found)
    click.echo(_result(found, repair), err=True)
    if as_json:
        problems = [_as_dict(one) for one in found]
        click.echo(json.dumps({"checked": reading.number, "clean": is_well, "problems": problems}, ensure_ascii=False))
    sys.exit(0 if is_well else 1)


def _result(found: Sequence[Finding], repair: bool) -> str:
    """Return the result of a check in a sentence, with the next step."""
    if not found:
        return _("All stored files are intact.")
    what = ngettext("%(num)s problem was found.", "%(num)s problems were found.", len(found))
    if not repair:
        return _("%(problems)s `flask files verify --repair` repairs what can be repaired.", problems=what)
    if any(one.kind.is_loss for one in found):
        return _("%(problems)s Files that are lost come again with the next import with files.", problems=what)
    return what


def _as_dict(found: Finding) -> dict[str, object]:
    return {
        "kind": found.kind.value,
        "sha256": found.sha256,
        "reason": found.reason,
        "items": found.items,
        "mended": found.mended,
    }


class Reading:
    """The progress display of a file check, on stderr: a bar in a terminal, else plain lines."""

    def __init__(self) -> None:
        self.number = 0
        self._total, size = fixity.extent()
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._task = self._bar.add_task(_("Reading stored files"), total=size)

    def __enter__(self) -> Reading:
        self._bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bar.stop()
        self._line()

    def checked(self, size: int) -> None:
        """Count a stored file that was read. `size`: its size in bytes."""
        self.number += 1
        self._bar.advance(self._task, size)
        if self.number % LINE_EVERY == 0 and not self._console.is_terminal:
            self._line()

    def tell(self, found: Finding) -> None:
        """Print a line for the problem and a line for each catalogue file that it affects."""
        self._print(f"{found.kind.value.capitalize()}: {found.sha256}. {found.reason} {found.mended}".rstrip())
        for item in found.items:
            title = item["title"] or _("Untitled")
            self._print(
                _(
                    "  %(file)s of %(handle)s, %(title)s",
                    file=item["file"] or _("a file"),
                    handle=item["handle"] or item["id"],
                    title=title,
                )
            )

    def _line(self) -> None:
        self._print(_("Checked %(number)s of %(total)s stored files.", number=self.number, total=self._total))

    def _print(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, markup=False, highlight=False)


@click.command("takedown", cls=Command)
@click.argument("repository")
@click.argument("names", nargs=-1, metavar="[HANDLE...|-]")
@click.option("--list", "lists", metavar="FILE", type=click.File(), multiple=True, help="Items, one per line.")
@click.option("--reason", default="", help="The reason, kept with each item. Required to take down.")
@click.option("--also-unknown", is_flag=True, help="Also exclude items that are not in the catalogue.")
@click.option("--list-excluded", is_flag=True, help="Only print the excluded items as CSV.")
@click.option("--allow", metavar="HANDLE", multiple=True, help="Only allow imports to bring this item again.")
@as_option
@json_option
def takedown_(repository: str, names: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Remove items of REPOSITORY for good, named by handle, id or address, and keep imports from bringing them back.

    Exit code: 0 done, 1 done but some items are neither in the catalogue nor excluded.
    """
    require(Role.ADMIN)
    known = service.find_repository(repository).id
    if options["list_excluded"]:
        click.echo(takedown.as_csv(known), nl=False)
    elif options["allow"]:
        allowed = takedown.allow_named(known, options["allow"])
        click.echo(
            json.dumps({"allowed": allowed}) if as_json else _("Allowed again: %(items)s.", items=item_count(allowed))
        )
    else:
        sources = [*options["lists"], *([sys.stdin] if "-" in names else [])]
        lines = [*(name for name in names if name != "-"), *(line for source in sources for line in source)]
        _take_down(takedown.find_items(known, lines), known, as_json, options["reason"], options["also_unknown"])


def _take_down(what: takedown.Named, repository_id: int, as_json: bool, reason: str, also_unknown: bool) -> None:
    removed = takedown.take_down(repository_id, what, reason, also_unknown)
    for name in what.unknown:
        sentence = (
            _("Not in the catalogue, but excluded: %(name)s") if also_unknown else _("Not in the catalogue: %(name)s")
        )
        click.echo(sentence % {"name": name}, err=True)
    told = {"removed": removed, "unknown": list(what.unknown)}
    click.echo(
        json.dumps(told, ensure_ascii=False) if as_json else _("Taken down: %(items)s.", items=item_count(removed))
    )
    sys.exit(1 if what.unknown and not also_unknown else 0)


COMMANDS: list[click.Command] = [files, takedown_]
