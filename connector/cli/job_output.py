"""Prints a job: a line, its first problems or changes, and as JSON if wanted."""

from __future__ import annotations

from itertools import islice

import click

from ..catalogue.source_labels import job_label
from ..i18n import gettext as _, lazy_gettext as _l
from ..imports.results.missing_questions import Unlisted, from_json
from ..imports.start import preview_rows
from ..imports.start.preview_rows import PreviewAction
from ..jobs import report
from ..models.jobs import Job
from ..publishing.job_kind import asks_to_adopt
from .command import print_json

SHOWN = 10
CHANGES = {
    PreviewAction.NEW: _l("  New: %(item)s: %(change)s"),
    PreviewAction.CHANGED: _l("  Changed: %(item)s: %(change)s"),
    PreviewAction.VANISHED: _l("  Missing at source: %(item)s: %(change)s"),
}


def print_job(job: Job, as_json: bool) -> None:
    """Print a job to stderr and, as JSON, to stdout."""
    if as_json:
        changes = {"changes": list(preview_rows.changes(job.id))} if job.is_preview else {}
        print_json(report.as_dict(job) | changes)
    click.echo(report.line(job, job_label(job, with_restricted=True)), err=True)
    if job.asks and asks_to_adopt(job):
        click.echo(
            _("  flask resume %(id)s --adopt all adopts them, --adopt none creates new items.", id=job.id), err=True
        )
    elif job.asks and job.question and isinstance(from_json(job.question), Unlisted):
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
        values = {"item": name, "change": preview_rows.in_words(change)}
        click.echo(CHANGES[PreviewAction(change["action"])] % values, err=True)
    if len(changes) > SHOWN:
        number = sum(job.counts[name] for name in ("added", "updated", "vanished"))
        click.echo(_("  and %(number)s more: --json lists all.", number=number - SHOWN), err=True)
