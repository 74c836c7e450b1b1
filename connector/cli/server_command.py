"""The command that serves the pages and works on the jobs."""

from __future__ import annotations

import click

from ..extensions import current_app_itself
from ..i18n import lazy_gettext as _l
from ..server import serve
from .command import command


@command("up", help=_l("Serve the pages and work on the jobs, in this one process, until SIGTERM or SIGINT."))
def _up() -> None:
    serve(current_app_itself())


COMMANDS: list[click.Command] = [_up]
