"""The command that works on jobs without pages."""

from __future__ import annotations

import click

from ..extensions import current_app_itself
from ..i18n import lazy_gettext as _l
from ..tasks.workers import work
from .command import command, option


@command(
    "worker",
    help=_l("Work on jobs without serving pages. Any number of workers may run, on several machines."),
)
@option(
    "--threads", type=click.IntRange(1, 64), default=4, show_default=True, help=_l("Number of jobs at the same time.")
)
def _worker(threads: int) -> None:
    work(current_app_itself(), threads)


COMMANDS: list[click.Command] = [_worker]
