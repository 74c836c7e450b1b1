"""What all commands share: whatever goes wrong ends with a sentence on stderr and an exit code, never with a trace."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any, NoReturn

import click

from .. import error_translation
from ..errors import ConnectorError, DatabaseUnavailableError
from ..jobs import report
from ..logs import print_status

log = logging.getLogger(__name__)
REFUSED, AGAIN, STOPPED = 2, 75, 130  # 75: EX_TEMPFAIL of sysexits.h


def give_up(error: Exception) -> NoReturn:
    """End the process with the sentence of an error; where it may be a fault of ours, its trace goes to the log."""
    told = error_translation.translate(error)
    if told is None:
        log.error("The command failed", exc_info=error)
        refuse("Something went wrong on our side; the log above says what.")
    refuse(str(told), code=exit_code(told))


def exit_code(error: ConnectorError) -> int:
    """75 where only waiting helps, so that whoever started the process (systemd, cron) tries again; else 2."""
    return AGAIN if isinstance(error, DatabaseUnavailableError) else REFUSED


def refuse(sentence: str, job_id: int | None = None, code: int = REFUSED) -> NoReturn:
    """End the process with a sentence on stderr, one JSON line on stdout where that was asked for, and an exit code.

    `job_id`: of the job that it concerns, if there is one.
    """
    print_status(f"Error: {sentence}", logging.ERROR)
    if "--json" in sys.argv:
        click.echo(json.dumps(report.refused(sentence, job_id), ensure_ascii=False))
    sys.exit(code)


class Command(click.Command):
    """A command that ends with a sentence and an exit code whatever goes wrong."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> click.Context:
        """As click's, but a mistake in the options is told as all else is."""
        try:
            return super().make_context(info_name, args, *rest, **extra)
        except click.UsageError as error:
            sentence = " ".join(error.format_message().split()).rstrip(".")
            refuse(f"{sentence}. See {error.ctx.command_path if error.ctx else info_name} --help.")

    def invoke(self, context: click.Context) -> Any:
        """Run the command; errors of the tree become their sentence, anything else a trace in the log besides."""
        try:
            return super().invoke(context)
        except (click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            sys.exit(STOPPED)
        except BrokenPipeError:  # who read us has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(REFUSED)
        except Exception as error:
            give_up(error)


json_option = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON on stdout.")
