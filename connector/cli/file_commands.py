"""The command that verifies stored files."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from ..catalogue import fixity
from ..catalogue.fixity import Finding, ProblemKind
from ..i18n import gettext as _, lazy_gettext as _l, ngettext
from ..storage.garbage_collection import the_folder
from .command import CommandGroup, json_option, option, print_json

LINE_EVERY = 1000  # files
PROBLEMS = {
    ProblemKind.MISSING: _l("Missing: %(sha256)s. %(reason)s"),
    ProblemKind.DAMAGED: _l("Damaged: %(sha256)s. %(reason)s"),
    ProblemKind.FORGOTTEN: _l("Not registered: %(sha256)s. %(reason)s"),
    ProblemKind.NAMELESS: _l("Not needed: %(sha256)s. %(reason)s"),
}
files = CommandGroup("files", help=_l("Check the stored files."))


@files.command(
    "verify",
    help=_l(
        "Read every stored file and compare it with its SHA-256.\n\n"
        "Exit code: 0 no problem, or all repaired without loss; 1 something is missing, damaged or left over."
    ),
)
@option("--repair", is_flag=True, help=_l("Repair what can be repaired. The next import downloads lost files again."))
@json_option
def _verify(repair: bool, as_json: bool) -> None:
    with Reading() as reading:
        found = []
        for finding in fixity.verify(the_folder(), repair, reading.checked):
            found.append(finding)
            reading.report(finding)
    is_well = all(one.repair and not one.kind.is_loss for one in found)
    click.echo(_result(found, repair), err=True)
    if as_json:
        problems = [_as_dict(one) for one in found]
        print_json({"checked": reading.number, "clean": is_well, "problems": problems})
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
        "mended": found.repair,
    }


class Reading:
    """The progress display of a file check, on stderr: a bar in a terminal, else plain lines."""

    def __init__(self) -> None:
        self.number = 0
        self._total, size = fixity.count_stored_files()
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

    def report(self, found: Finding) -> None:
        """Print a line for the problem and a line for each catalogue file that it affects."""
        line = PROBLEMS[found.kind] % {"sha256": found.sha256, "reason": found.reason}
        self._print(f"{line} {found.repair}".rstrip())
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


COMMANDS: list[click.Command] = [files]
