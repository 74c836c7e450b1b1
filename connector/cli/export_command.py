"""The command that exports the catalogue."""

from __future__ import annotations

import sys

import click

from ..catalogue import export as exports
from ..catalogue.search import Selection, item_set_named
from ..i18n import lazy_gettext as _l
from ..jobs import lifecycle
from ..repositories import service
from ..row_ids import ROW_ID
from .command import command, option


@command("export", help=_l("Write the catalogue to stdout: a JSON line or a CSV row for each item."))
@option("--repository", metavar="R", help=_l("Export only this repository, by number, name or address."))
@option("--item-set", metavar="S", help=_l("Export only this item set, by number or name."))
@option("--job", metavar="J", type=ROW_ID, help=_l("Export only the items that this job added or updated."))
@option("--hidden", is_flag=True, help=_l("Also export the items that are hidden from the lists."))
@option(
    "--format",
    "form",
    type=click.Choice(list(exports.FORMATS)),
    default="jsonl",
    show_default=True,
    help=_l("Form of the output."),
)
def _export(repository: str | None, item_set: str | None, job: int | None, hidden: bool, form: str) -> None:
    chosen = Selection(
        repository_id=service.find_repository(repository).id if repository else None,
        item_set_id=item_set_named(item_set) if item_set else None,
        job_id=lifecycle.get(job).id if job else None,
        with_hidden=hidden,
    )
    out = sys.stdout.buffer
    for text in exports.FORMATS[form](chosen):
        out.write(text.encode())


COMMANDS: list[click.Command] = [_export]
