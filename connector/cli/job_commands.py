"""Commands for jobs and workers. They never prompt. JSON goes to stdout, sentences go to stderr."""

from __future__ import annotations

import sys

import click
from flask import current_app

from ..accounts.authorization import require_owner
from ..catalogue.source_labels import job_label
from ..errors import InvalidInputError
from ..extensions import current_app_itself, db
from ..i18n import gettext as _, lazy_gettext as _l
from ..imports.results import request_log
from ..imports.results.missing_questions import Answer
from ..imports.start import queueing
from ..jobs import creation, lifecycle, report
from ..models.jobs import Job, Kind
from ..publishing import adoptions
from ..row_ids import ROW_ID
from ..server import serve, work
from ..tasks import retry
from .command import REFUSED, answer, command, json_option, option, print_json
from .foreground import run_in_foreground
from .job_output import print_job
from .user_commands import as_option


@command("rerun", help=_l("Import the source of JOB again, with the same options, and wait for the end."))
@click.argument("job", type=ROW_ID)
@option("--full", is_flag=True, help=_l("Read every item and file list again, even if it seems unchanged."))
@option("--dry-run", is_flag=True, help=_l("Only preview the changes. Import nothing."))
@as_option
@json_option
def _rerun(job: int, full: bool, dry_run: bool, as_json: bool) -> None:
    run_in_foreground(queueing.rerun(job, Kind.PREVIEW if dry_run else Kind.IMPORT, full=full), as_json)


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
    if len(given) > 1 or (given and asking.question and adoptions.asks_to_adopt(asking) != bool(adopt)):
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


@command("stop", help=_l("Stop JOB within seconds. It can be resumed."))
@click.argument("job", type=ROW_ID)
@json_option
def _stop(job: int, as_json: bool) -> None:
    lifecycle.stop(job)
    print_job(lifecycle.get(job), as_json)


@command("undo", help=_l("Undo JOB: remove what it added, restore what it changed."))
@click.argument("job", type=ROW_ID)
@as_option
@json_option
def _undo(job: int, as_json: bool) -> None:
    require_owner(lifecycle.get(job).owner)
    run_in_foreground(creation.create_undo(job), as_json)


@command(
    "request-log",
    help=_l("Print the requests of JOB and their results, for the administrator of the repository."),
)
@click.argument("job", type=ROW_ID)
def _request_log(job: int) -> None:
    click.echo(request_log.text(lifecycle.get(job), current_app.config["CONTACT"]), nl=False)


@command("jobs", help=_l("List the jobs, newest first."))
@json_option
def _jobs(as_json: bool) -> None:
    rows = db.session.scalars(db.select(Job).order_by(Job.id.desc())).all()
    if as_json:
        print_json([report.as_dict(job) | {"owner": job.owner} for job in rows])
        return
    for job in rows:
        line = report.line(job, job_label(job, with_restricted=True))
        click.echo(_("%(job)s Owner: %(owner)s.", job=line, owner=job.owner))


@command("recover", help=_l("Put jobs whose worker has ended back into the queue."))
@json_option
def _recover(as_json: bool) -> None:
    queued = lifecycle.recover()
    answer(as_json, {"queued": queued}, _("Queued jobs: %(number)s", number=len(queued)))


@command("up", help=_l("Serve the pages and work on the jobs, in this one process, until SIGTERM or SIGINT."))
def _up() -> None:
    serve(current_app_itself())


@command(
    "worker",
    help=_l("Work on jobs without serving pages. Any number of workers may run, on several machines."),
)
@option(
    "--threads", type=click.IntRange(1, 64), default=4, show_default=True, help=_l("Number of jobs at the same time.")
)
def _worker(threads: int) -> None:
    work(current_app_itself(), threads)


COMMANDS: list[click.Command] = [
    _rerun,
    _resume,
    _retry,
    _stop,
    _undo,
    _request_log,
    _jobs,
    _recover,
    _up,
    _worker,
]
