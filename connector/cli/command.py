"""The base of all commands. Every error ends with a sentence on stderr and an exit code, never with a traceback."""

from __future__ import annotations

import json
import logging
import os
import sys
from functools import partial
from typing import Any, NoReturn

import click
from flask.cli import AppGroup

from .. import error_translation
from ..errors import ConnectorError, DatabaseUnavailableError, InvalidInputError
from ..i18n import gettext as _, lazy_gettext as _l
from ..imports.results import import_report
from ..logs import print_status

log = logging.getLogger(__name__)
REFUSED, AGAIN, STOPPED = 2, 75, 130  # 75: EX_TEMPFAIL of sysexits.h


def give_up(error: Exception) -> NoReturn:
    """Exit with the sentence of an error. Log the traceback of an unexpected error, which may be a bug of this app."""
    known = error_translation.translate(error)
    if known is None:
        log.error("The command failed", exc_info=error)
        refuse(_("Something went wrong in this app. The log above has the details."))
    refuse(str(known), code=exit_code(known))


def exit_code(error: ConnectorError) -> int:
    """Return the exit code of an error: 75 if the database is unavailable, else 2.

    75 lets the supervisor of the process (systemd, cron) retry later.
    """
    return AGAIN if isinstance(error, DatabaseUnavailableError) else REFUSED


def refuse(sentence: str, job_id: int | None = None, code: int = REFUSED) -> NoReturn:
    """Exit with this code after a sentence on stderr and, with --json, one line of JSON on stdout.

    `job_id`: the job that the error concerns, if any.
    """
    print_status(_("Error: %(sentence)s", sentence=sentence), logging.ERROR)
    if "--json" in sys.argv:
        print_json(import_report.refusal_as_dict(sentence, job_id))
    sys.exit(code)


class Command(click.Command):
    """A command that ends with a sentence and an exit code on every error."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> click.Context:
        """Return the context of click. Report a usage error like every other error."""
        try:
            return super().make_context(info_name, args, *rest, **extra)
        except click.UsageError as error:
            sentence = " ".join(error.format_message().split()).rstrip(".")
            refuse(
                _(
                    "%(sentence)s. See %(command)s --help.",
                    sentence=sentence,
                    command=error.ctx.command_path if error.ctx else info_name,
                )
            )

    def invoke(self, context: click.Context) -> Any:
        """Run the command. Exit with a sentence on an error, and also log the traceback of an unexpected one."""
        try:
            return super().invoke(context)
        except (click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            sys.exit(STOPPED)
        except BrokenPipeError:  # the reader of stdout has closed the pipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(REFUSED)
        except Exception as error:
            give_up(error)


class CommandGroup(AppGroup):
    """A group of commands of this kind, for example `flask user …`."""

    command_class = Command


class Option(click.Option):
    """An option whose help is a lazy text, which is translated when it is shown."""

    def __init__(self, *names: Any, help: str | None = None, **rest: Any):
        super().__init__(*names, **rest)
        self.help = help  # click itself would translate it now

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the names and the help in the language of the instance."""
        record = super().get_help_record(ctx)
        return record and (record[0], str(record[1]))


command = partial(click.command, cls=Command)


def print_json(value: Any) -> None:
    """Print a value as one line of JSON on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False))


def answer(as_json: bool, value: Any, *lines: str) -> None:
    """Print the result of a command on stdout: its value as JSON, or else its lines."""
    if as_json:
        print_json(value)
        return
    for line in lines:
        click.echo(line)


def read_secret(prompt: str, refusal: str, field: str) -> str:
    """Return a secret from a prompt or from the first line of stdin. Raise InvalidInputError if it is empty.

    A secret is never an argument: every user of the machine can read arguments, and the shell history keeps them.
    """
    if sys.stdin.isatty():
        return click.prompt(prompt, hide_input=True, err=True)
    secret = sys.stdin.readline().rstrip("\r\n")
    if not secret.strip():
        raise InvalidInputError(refusal, field)
    return secret


option = partial(click.option, cls=Option)
json_option = option("--json", "as_json", is_flag=True, help=_l("Print one line of JSON on stdout."))
