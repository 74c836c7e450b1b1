"""Commands for jobs, exports and workers. They never prompt. JSON goes to stdout, sentences go to stderr."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from itertools import islice
from typing import Any

import click
from flask import Flask, current_app
from sqlalchemy.exc import DBAPIError

from config import COMMAND_LINE_MAX_OUTAGE_SECONDS

from .. import error_translation
from ..accounts.authorization import may, own
from ..catalogue import export as exports
from ..catalogue.item_rows import remap
from ..catalogue.repository_context import RepositoryContext
from ..catalogue.search import Selection, item_set_named
from ..dspace.records import ORIGINAL, Estimate, ScopeKind
from ..errors import InvalidInputError
from ..extensions import current_app_itself, db, transaction
from ..formatting import file_count, item_count, request_count, time_range
from ..i18n import gettext as _
from ..imports import preview_rows, request_log, reruns, retry_failed
from ..imports.import_options import ImportOptions
from ..imports.questions import Answer
from ..jobs import lifecycle, report
from ..models.accounts import Role
from ..models.jobs import Job, Kind, State
from ..repositories import credentials, discovery, service
from ..row_ids import ROW_ID
from ..server import serve, work
from ..text import size_range
from ..web.repositories.input_checks import check_delay, check_hours, check_limit, check_size, check_url
from . import backup_commands, catalogue_commands, repository_commands, source_commands, user_commands
from .command import REFUSED, STOPPED, Command, exit_code, json_option, refuse
from .foreground import follow
from .user_commands import as_option

SHOWN = 10


def init_app(app: Flask) -> None:
    """Add the commands to the app."""
    for command in (
        import_,
        rerun,
        retry,
        resume,
        stop,
        undo,
        jobs_,
        request_log_,
        export,
        recover,
        remap_,
        up,
        worker,
    ):
        app.cli.add_command(command)
    for module in (backup_commands, catalogue_commands, repository_commands, source_commands, user_commands):
        for command in module.COMMANDS:
            app.cli.add_command(command)


@click.command("import", cls=Command)
@click.argument("url")
@click.option("--endpoint", default="rest", show_default=True, help="Path of the API below the site, or its URL.")
@click.option("--limit", help="Results per request, 1 to 1000.")
@click.option("--delay", metavar="SECONDS", help="Pause between two requests to this repository, 0 to 60.")
@click.option("--collection", metavar="ID", help="A collection, by uuid, number or handle.")
@click.option("--community", metavar="ID", help="A community with all below it.")
@click.option("--item", metavar="ID", help="One item.")
@click.option("--all", "everything", is_flag=True, help="The entire repository.")
@click.option("--files/--no-files", default=False, help="Download the files.", show_default=True)
@click.option(
    "--bundle", "bundles", metavar="NAME", multiple=True, help="Download files of this bundle instead of ORIGINAL."
)
@click.option("--file-limit", metavar="SIZE", help="Largest file to download, for example 500 MB.")
@click.option("--files-limit", metavar="SIZE", help="Total download limit. The next import continues.")
@click.option("--between", metavar="HH:MM-HH:MM", help="Import only in these hours. A worker continues then.")
@click.option("--item-set", metavar="NAME", help="Put the items in this item set. Create it if needed.")
@click.option("--item-set-from-collection", is_flag=True, help="Create an item set for each DSpace collection.")
@click.option("--full", is_flag=True, help="Read every item and file list again, even if it seems unchanged.")
@click.option("--comment", default="", help="A note for Past imports.")
@click.option("--test", metavar="N", type=click.IntRange(1), help="Import only the first N items.")
@click.option(
    "--ignore", metavar="FIELD", multiple=True, help="Leave this field out of pages and CSV, for example dc.subject.*."
)
@click.option("--same-as", metavar="REPOSITORY", help="The known repository that has moved to this address.")
@click.option("--estimate", is_flag=True, help="Only estimate size and time. Import nothing.")
@click.option("--dry-run", is_flag=True, help="Only preview the changes. Import nothing.")
@as_option
@json_option
def import_(url: str, as_json: bool, **options: Any) -> None:
    """Import from the DSpace at URL and wait for the end.

    Exit code: 0 completed and clean, 1 completed with problems, 2 failed or refused, 75 the database server does not
    answer, 130 stopped. 0 of a dry run says that everything was compared, even if something would change.
    """
    kind, identifier = _scope_options(options)
    if options["item_set"] and options["item_set_from_collection"]:
        raise InvalidInputError(_("Give --item-set or --item-set-from-collection, not both."))
    same_as = credentials.to_be_moved(service.find_repository(options["same_as"]).id).id if options["same_as"] else None
    delay = None if options["delay"] is None else check_delay(options["delay"])
    limit = check_limit(options["limit"])
    connected = discovery.connect(
        check_url(url), options["endpoint"], limit, same_as, delay=delay, may_forget_login=may(Role.ADMIN)
    )
    scope, requests = connected.scope, connected.requests
    if kind is not None:
        found = discovery.find(connected.repository_id, kind, identifier)
        scope, requests = found.scope, requests + found.requests
    if scope is None:
        raise InvalidInputError(_("Say what to import: --collection, --community, --item or --all."))
    if options["estimate"]:
        bundles = (options["bundles"] or (ORIGINAL,)) if options["files"] else ()
        estimate = discovery.estimate(connected.repository_id, scope, bundles=bundles)
        _print_estimate(estimate, as_json)
        return
    if options["ignore"] and not options["dry_run"]:
        service.ignore_fields(connected.repository_id, options["ignore"])
    source_id = service.source_for(connected.repository_id, scope)
    _in_foreground(_created(source_id, options, requests), as_json)


def _print_estimate(estimate: Estimate, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(estimate)))
        return
    if estimate.items is None:
        click.echo(_("The repository does not tell how much there is."))
        return
    counted = {item_count: estimate.items, request_count: estimate.requests, file_count: estimate.files}
    counts = ", ".join(in_words(number) for in_words, number in counted.items() if number is not None)
    if estimate.bytes is not None:
        counts = _("%(counts)s (%(size)s)", counts=counts, size=size_range(estimate.bytes))
    if estimate.seconds is None:
        click.echo(_("About %(counts)s.", counts=counts))
    else:
        click.echo(_("About %(counts)s: %(time)s.", counts=counts, time=time_range(estimate.seconds)))


def _scope_options(options: dict[str, Any]) -> tuple[ScopeKind | None, str]:
    given = [(kind, options[kind.value]) for kind in (ScopeKind.COLLECTION, ScopeKind.COMMUNITY, ScopeKind.ITEM)]
    given = [(kind, identifier) for kind, identifier in given if identifier]
    if options["everything"]:
        given.append((ScopeKind.REPOSITORY, ""))
    if len(given) > 1:
        raise InvalidInputError(_("Give one of --collection, --community, --item and --all."))
    return given[0] if given else (None, "")


def _created(source_id: int, options: dict[str, Any], requests: int) -> int:
    kept = ImportOptions(
        files=options["files"],
        bundles=options["bundles"],
        file_limit=check_size(options["file_limit"]),
        files_limit=check_size(options["files_limit"]),
        item_set=options["item_set"],
        item_set_from_collection=options["item_set_from_collection"],
        test=options["test"],
        hours=check_hours(options["between"]),
        full=options["full"],
    )
    kind = Kind.PREVIEW if options["dry_run"] else Kind.IMPORT
    return lifecycle.create(source_id, kept.to_json(), kind=kind, comment=options["comment"], requests=requests)


@click.command("rerun", cls=Command)
@click.argument("job", type=ROW_ID)
@click.option("--full", is_flag=True, help="Read every item and file list again, even if it seems unchanged.")
@click.option("--dry-run", is_flag=True, help="Only preview the changes. Import nothing.")
@as_option
@json_option
def rerun(job: int, full: bool, dry_run: bool, as_json: bool) -> None:
    """Import the source of JOB again, with the same options, and wait for the end."""
    _in_foreground(reruns.rerun(job, Kind.PREVIEW if dry_run else Kind.IMPORT, full=full), as_json)


@click.command("resume", cls=Command)
@click.argument("job", type=ROW_ID)
@click.option("--accept-missing", is_flag=True, help="Mark the items that the source no longer lists as missing.")
@click.option("--leave-missing", is_flag=True, help="Leave the items that the source no longer lists as they are.")
@json_option
def resume(job: int, accept_missing: bool, leave_missing: bool, as_json: bool) -> None:
    """Continue a stopped or failed JOB where it ended, and wait for the end."""
    if accept_missing and leave_missing:
        raise InvalidInputError(_("Give --accept-missing or --leave-missing, not both."))
    answer = Answer.MARK if accept_missing else Answer.LEAVE if leave_missing else None
    if answer is None and (asking := lifecycle.get(job)).asks:
        _print(asking, as_json)
        sys.exit(REFUSED)
    lifecycle.resume(job, answer)
    _in_foreground(job, as_json)


@click.command("retry", cls=Command)
@click.argument("job", type=ROW_ID)
@as_option
@json_option
def retry(job: int, as_json: bool) -> None:
    """Retry only the items and files that the import JOB could not read or download, and wait for the end."""
    own(lifecycle.get(job).owner)
    _in_foreground(retry_failed.retry(job), as_json)


@click.command("stop", cls=Command)
@click.argument("job", type=ROW_ID)
@json_option
def stop(job: int, as_json: bool) -> None:
    """Stop JOB within seconds. It can be resumed."""
    lifecycle.stop(job)
    _print(lifecycle.get(job), as_json)


@click.command("undo", cls=Command)
@click.argument("job", type=ROW_ID)
@as_option
@json_option
def undo(job: int, as_json: bool) -> None:
    """Undo the import JOB: remove what it added, restore what it changed."""
    own(lifecycle.get(job).owner)
    _in_foreground(lifecycle.create_undo(job), as_json)


@click.command("request-log", cls=Command)
@click.argument("job", type=ROW_ID)
def request_log_(job: int) -> None:
    """Print the requests of JOB and their results, for the administrator of the repository."""
    click.echo(request_log.text(lifecycle.get(job), current_app.config["CONTACT"]), nl=False)


@click.command("jobs", cls=Command)
@json_option
def jobs_(as_json: bool) -> None:
    """List the jobs, newest first."""
    rows = db.session.scalars(db.select(Job).order_by(Job.id.desc())).all()
    if as_json:
        click.echo(json.dumps([report.as_dict(job) | {"owner": job.owner} for job in rows], ensure_ascii=False))
        return
    for job in rows:
        click.echo(_("%(job)s Owner: %(owner)s.", job=report.line(job, job.source.label), owner=job.owner))


@click.command("export", cls=Command)
@click.option("--repository", metavar="R", help="Export only this repository, by number, name or address.")
@click.option("--item-set", metavar="S", help="Export only this item set, by number or name.")
@click.option("--job", metavar="J", type=ROW_ID, help="Export only the items that this job added or updated.")
@click.option("--hidden", is_flag=True, help="Also export the items that are hidden from the lists.")
@click.option("--format", "form", type=click.Choice(list(exports.FORMATS)), default="jsonl", show_default=True)
def export(repository: str | None, item_set: str | None, job: int | None, hidden: bool, form: str) -> None:
    """Write the catalogue to stdout: a JSON line or a CSV row for each item."""
    chosen = Selection(
        repository_id=service.find_repository(repository).id if repository else None,
        item_set_id=item_set_named(item_set) if item_set else None,
        job_id=lifecycle.get(job).id if job else None,
        with_hidden=hidden,
    )
    out = sys.stdout.buffer
    for text in exports.FORMATS[form](chosen):
        out.write(text.encode())


@click.command("recover", cls=Command)
@json_option
def recover(as_json: bool) -> None:
    """Put jobs whose worker has ended back into the queue."""
    queued = lifecycle.recover()
    click.echo(json.dumps({"queued": queued}) if as_json else _("Queued jobs: %(number)s", number=len(queued)))


@click.command("remap", cls=Command)
@click.argument("repository")
def remap_(repository: str) -> None:
    """Apply the crosswalk again to all items of REPOSITORY, without downloading."""
    known = service.find_repository(repository)
    with transaction():
        number = remap(RepositoryContext(known.id, known.server, tuple(known.ignored_fields)))
    click.echo(_("Mapped %(items)s again.", items=item_count(number)), err=True)


@click.command("up", cls=Command)
def up() -> None:
    """Serve the pages and work on the jobs, in this one process, until SIGTERM or SIGINT."""
    serve(current_app_itself())


@click.command("worker", cls=Command)
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True)
def worker(threads: int) -> None:
    """Work on jobs without serving pages. Any number of workers may run, on several machines."""
    work(current_app_itself(), threads)


def _in_foreground(job_id: int, as_json: bool) -> None:
    """Run a job, or watch it while another process runs it. Exit with the exit code of the job."""
    config = current_app.config
    config["MAX_OUTAGE_SECONDS"] = config["MAX_OUTAGE_SECONDS"] or COMMAND_LINE_MAX_OUTAGE_SECONDS
    try:
        job = follow(job_id)
    except DBAPIError as error:
        told = error_translation.of_database(error)
        sentence = _(
            "%(error)s Job %(job)s is not lost: flask resume %(job)s goes on with it, or a worker does automatically.",
            error=told,
            job=job_id,
        )
        refuse(sentence, job_id, exit_code(told))
    _print(job, as_json)
    sys.exit(_exit_code(job))


def _exit_code(job: Job) -> int:
    if job.state == State.COMPLETED:
        return 0 if job.clean else 1
    return STOPPED if job.state == State.STOPPED and not job.asks else REFUSED


def _print(job: Job, as_json: bool) -> None:
    if as_json:
        changes = {"changes": list(preview_rows.changes(job.id))} if job.is_preview else {}
        click.echo(json.dumps(report.as_dict(job) | changes, ensure_ascii=False))
    click.echo(report.line(job, job.source.label), err=True)
    if job.asks and job.question and job.question.get("unlisted"):
        click.echo(
            _("  flask resume %(id)s --accept-missing: yes; --leave-missing: they should be listed.", id=job.id),
            err=True,
        )
    elif job.asks:
        click.echo(
            _("  flask resume %(id)s --accept-missing marks them, --leave-missing leaves them.", id=job.id), err=True
        )
    if job.is_preview:
        _print_changes(job)
    problems = [] if job.is_undo else list(report.problems(job, SHOWN + 1))
    for problem in problems[:SHOWN]:
        click.echo(
            f"  {problem['handle'] or problem['id']}, {problem['title'] or _('Untitled')}: {problem['reason']}",
            err=True,
        )
    if len(problems) > SHOWN:
        click.echo(_("  and more: the page of the job lists all."), err=True)


def _print_changes(job: Job) -> None:
    """Print the first changes that an import would make, a line each."""
    changes = list(islice(preview_rows.changes(job.id), SHOWN + 1))
    for change in changes[:SHOWN]:
        name = f"{change['handle'] or change['id']}, {change['title'] or _('Untitled')}"
        click.echo(f"  {change['action'].capitalize()}: {name}: {preview_rows.in_words(change)}", err=True)
    if len(changes) > SHOWN:
        number = sum(job.counts[name] for name in ("added", "updated", "vanished"))
        click.echo(_("  and %(number)s more: --json lists all.", number=number - SHOWN), err=True)
