"""Commands that continue a job, or what failed in it."""

from __future__ import annotations

import sys

import click

from ..accounts.authorization import require_owner
from ..errors import InvalidInputError
from ..i18n import gettext as _, lazy_gettext as _l
from ..imports.results.missing_questions import Answer
from ..jobs import lifecycle
from ..publishing import adoptions
from ..publishing.job_kind import asks_to_adopt
from ..row_ids import ROW_ID
from ..tasks import retry
from .acting_user import as_option
from .command import REFUSED, command, json_option, option
from .foreground import run_in_foreground
from .job_output import print_job


@command("resume", help=_l("Continue a stopped or failed JOB where it ended, and wait for the end."))
@click.argument("job", type=ROW_ID)
@option("--accept-missing", is_flag=True, help=_l("Mark the items that the source no longer lists as missing."))
@option("--leave-missing", is_flag=True, help=_l("Leave the items that the source no longer lists as they are."))
@option(
    "--adopt",
    type=click.Choice([adoptions.Answer.ALL.value, adoptions.Answer.NONE.value]),
    help=_l("Adopt all items that the job found in Omeka S, or none. Without adoption, new items are created."),
)
@json_option
def _resume(job: int, accept_missing: bool, leave_missing: bool, adopt: str | None, as_json: bool) -> None:
    given = [Answer.MARK] * accept_missing + [Answer.LEAVE] * leave_missing + [adopt] * bool(adopt)
    asking = lifecycle.get(job)
    if len(given) > 1 or (given and asking.question and asks_to_adopt(asking) != bool(adopt)):
        raise InvalidInputError(_("Give one of the answers to the question of the job."))
    if not given and asking.asks:
        print_job(asking, as_json)
        sys.exit(REFUSED)
    lifecycle.resume(job, given[0] if given else None)
    run_in_foreground(job, as_json)


@command(
    "retry",
    help=_l("Retry only the items and files that JOB could not read, download or publish, and wait for the end."),
)
@click.argument("job", type=ROW_ID)
@as_option
@json_option
def _retry(job: int, as_json: bool) -> None:
    require_owner(lifecycle.get(job).owner)
    run_in_foreground(retry(job), as_json)


COMMANDS: list[click.Command] = [_resume, _retry]
