"""Commands for jobs. They never prompt. JSON goes to stdout, sentences go to stderr."""

from __future__ import annotations

import click
from flask import current_app

from ..accounts.authorization import require_owner
from ..catalogue.source_labels import job_label
from ..extensions import db
from ..i18n import gettext as _, lazy_gettext as _l
from ..imports.results import request_log
from ..imports.start import queueing
from ..jobs import creation, lifecycle, report
from ..models.jobs import Job, Kind
from ..row_ids import ROW_ID
from .acting_user import as_option
from .command import answer, command, json_option, option, print_json
from .foreground import run_in_foreground
from .job_output import print_job


@command("rerun", help=_l("Import the source of JOB again, with the same options, and wait for the end."))
@click.argument("job", type=ROW_ID)
@option("--full", is_flag=True, help=_l("Read every item and file list again, even if it seems unchanged."))
@option("--dry-run", is_flag=True, help=_l("Only preview the changes. Import nothing."))
@as_option
@json_option
def _rerun(job: int, full: bool, dry_run: bool, as_json: bool) -> None:
    run_in_foreground(queueing.rerun(job, Kind.PREVIEW if dry_run else Kind.IMPORT, full=full), as_json)


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


COMMANDS: list[click.Command] = [
    _rerun,
    _stop,
    _undo,
    _request_log,
    _jobs,
    _recover,
]
