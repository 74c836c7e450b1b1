"""The pages of one job: its progress with live updates, its results, and the actions on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for

from ...accounts.authorization import allows, require, require_owner, sees_restricted
from ...catalogue.source_labels import job_label, source_label
from ...errors import ConflictError
from ...extensions import db, utcnow
from ...formatting import clock
from ...i18n import gettext as _
from ...imports.files import file_counts
from ...imports.import_options import ImportOptions
from ...imports.results import import_report, job_details, problem_outcomes, request_log
from ...imports.results.missing_questions import Answer
from ...imports.start import queueing
from ...imports.undo_effects import files_in_words, removed_items, undo_effects
from ...jobs import creation, job_presentation, lifecycle, notifications, queries, report
from ...models.accounts import Role
from ...models.jobs import Job
from ...models.repositories import Source
from ...publishing import previewed_items, publish_jobs, publish_undo_effects as publishing_undo
from ...publishing.job_kind import PUBLISH_UNDO
from ...publishing.publish_options import PublishUndoOptions
from ...tasks import can_retry, retry as retry_failed, wake
from ...text import csv_lines, csv_safe
from ..catalogue.missing_pages import first_titles
from ..page_responses import download

MOST_PROBLEMS = 50

blueprint = Blueprint("imports", __name__, url_prefix="/jobs")
blueprint.app_template_global()(job_presentation.status)
blueprint.app_template_global()(job_presentation.tone)
blueprint.app_template_global()(job_presentation.progress)
blueprint.app_template_global("sort_of")(job_presentation.sort)
blueprint.app_template_global("is_whole_import")(job_details.is_whole_import)
blueprint.app_template_global("counts_of")(job_presentation.counts)
blueprint.app_template_global()(job_details.source_page)
blueprint.app_template_global()(can_retry)
blueprint.app_template_global("awaits_notification")(notifications.is_due)
blueprint.app_template_global("now")(utcnow)
blueprint.app_template_filter()(clock)
blueprint.app_template_filter()(files_in_words)


@blueprint.app_template_global()
def label_of(source: Source | None) -> str:
    """Return the name of a source as the current user may see it, "" without a source."""
    return source_label(source, with_restricted=sees_restricted()) if source else ""


@blueprint.app_template_global()
def heading(job: Job) -> str:
    """Return a heading that says what the job does, as the current user may see it."""
    return job_presentation.heading(job, job_label(job, with_restricted=sees_restricted()))


@blueprint.app_template_global()
def page_title(job: Job) -> str:
    """Return the title of the page of a job, which begins with the progress of an active job."""
    return job_presentation.page_title(job, job_label(job, with_restricted=sees_restricted()))


@blueprint.get("/<int:job_id>/")
@allows(Role.VIEWER)
def job(job_id: int) -> str:
    """Show a job. The page updates while the job is active."""
    return render_template("imports/job.html", **_shown(lifecycle.get(job_id)))


@blueprint.get("/<int:job_id>/live")
@allows(Role.VIEWER)
def live(job_id: int) -> str:
    """Return the part of the job page that changes. The page polls it."""
    return render_template("imports/_live.html", **_shown(lifecycle.get(job_id)))


@blueprint.get("/<int:job_id>/row")
@allows(Role.VIEWER)
def row(job_id: int) -> str:
    """Return the row of the job in Past imports. The row polls itself."""
    return render_template("imports/_row.html", job=lifecycle.get(job_id))


@blueprint.get("/<int:job_id>/problems.csv")
@allows(Role.VIEWER)
def problems(job_id: int) -> Response:
    """Download all problems of the job as CSV, a row each."""
    shown = lifecycle.get(job_id)
    if is_withheld(shown):
        require(Role.EDITOR)
    return download(_problem_lines(shown), f"problems-of-job-{job_id}.csv")


@blueprint.get("/<int:job_id>/request-log.txt")
@allows(Role.VIEWER)
def request_log_text(job_id: int) -> Response:
    """Download the request log of the job as plain text, for the administrator of the repository."""
    shown = lifecycle.get(job_id)
    if is_withheld(shown):
        require(Role.EDITOR)
    text = request_log.text(shown, current_app.config["CONTACT"], with_restricted=sees_restricted())
    return download(text, f"request-log-of-job-{job_id}.txt", "text/plain")


@blueprint.post("/<int:job_id>/stop")
@allows(Role.VIEWER)
def stop(job_id: int) -> Any:
    """Request that the job stop."""
    own_job(job_id)
    return _do(job_id, lambda: lifecycle.stop(job_id))


@blueprint.post("/<int:job_id>/resume")
@allows(Role.VIEWER)
def resume(job_id: int) -> Any:
    """Resume the job at its cursor."""
    own_job(job_id)

    def act() -> None:
        lifecycle.resume(job_id)
        wake(job_id)

    return _do(job_id, act)


@blueprint.post("/<int:job_id>/answer")
@allows(Role.EDITOR)
def answer(job_id: int) -> Any:
    """Answer the question of the job and resume it."""
    own_job(job_id)

    def act() -> None:
        try:
            given = Answer(request.form.get("answer", ""))
        except ValueError:
            given = None
        if given is None or not lifecycle.get(job_id).is_import:
            raise ConflictError(_("Choose one of the answers."))
        lifecycle.resume(job_id, given)
        wake(job_id)

    return _do(job_id, act)


@blueprint.post("/<int:job_id>/retry")
@allows(Role.EDITOR)
def retry(job_id: int) -> Any:
    """Retry the failed items and files in a new job."""
    own_job(job_id)
    return _do(job_id, lambda: _queued(retry_failed(job_id)))


@blueprint.get("/<int:job_id>/rerun")
@allows(Role.EDITOR)
def rerun(job_id: int) -> str:
    """Ask for confirmation before the source of the job is imported again."""
    return render_template("imports/rerun.html", job=queueing.importable(job_id))


@blueprint.post("/<int:job_id>/rerun")
@allows(Role.EDITOR)
def rerun_now(job_id: int) -> Any:
    """Import the source of the job again in a new job."""
    return _do(job_id, lambda: _queued(queueing.rerun(job_id)))


@blueprint.get("/<int:job_id>/undo")
@allows(Role.EDITOR)
def undo(job_id: int) -> str:
    """Show the effects of an undo and ask for confirmation."""
    undone = own_job(job_id)
    creation.refuse_undo(undone)
    if undone.definition.undo_kind == PUBLISH_UNDO.name:
        will, comparison = publishing_undo.counted(job_id), publishing_undo.compared(undone)
        return render_template("publishing/undo.html", job=undone, will=will, comparison=comparison)
    return render_template("imports/undo.html", job=undone, will=undo_effects(job_id))


@blueprint.app_template_global()
def removed_titles(job: Job) -> list[str]:
    """Return the titles of the first items that the undo of an import removes."""
    return first_titles(removed_items(job.id))


@blueprint.post("/<int:job_id>/undo")
@allows(Role.EDITOR)
def undo_now(job_id: int) -> Any:
    """Undo the job in a new job."""
    own_job(job_id)
    options = PublishUndoOptions(edited="edited" in request.form)
    return _do(job_id, lambda: _queued(creation.create_undo(job_id, options)))


def own_job(job_id: int) -> Job:
    """Return the job. Raise PermissionDeniedError if the current user may not change it."""
    found = lifecycle.get(job_id)
    require(found.definition.started_by)
    require_owner(found.owner, found.definition.started_by)
    return found


def _shown(shown: Job) -> dict[str, Any]:
    withheld = is_withheld(shown)
    found = [] if withheld else list(islice(_problems(shown, MOST_PROBLEMS + 1), MOST_PROBLEMS + 1))
    has_ended = shown.is_import and not shown.is_active
    rechecked_by = import_report.rechecked_by(shown)
    return {
        "job": shown,
        "ahead": queries.job_ahead(shown),
        "published_by": publish_jobs.of_import(shown) if ImportOptions.of(shown).publish_to else (),
        "followed": publish_jobs.import_of(shown),
        "counts": job_presentation.counts(shown),
        "tried_files": file_counts.tried_by_status(shown),
        "source_files": job_details.files(shown),
        "previewed": [] if shown.is_active else previewed_items.groups(shown, with_restricted=sees_restricted()),
        "status_text": "" if withheld else job_presentation.status_text(shown),
        "message": "" if withheld else shown.message,
        "problems": found[:MOST_PROBLEMS],
        "is_withheld": withheld,
        "has_outcomes": any(problem["outcome"] for problem in found),
        "problem_counts": problem_outcomes.in_words(shown),
        "later_jobs": sorted({*rechecked_by, *problem_outcomes.retries(shown)}) if has_ended else [],
        "still_open": problem_outcomes.open_problems(shown) if has_ended else None,
        "are_solved": import_report.had_file_problems(shown) and not (found or rechecked_by or withheld),
        "has_more": len(found) > MOST_PROBLEMS,
    }


def _problems(of: Job, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the problems of a job, as `report.problems` does, each with its outcome in later jobs or ""."""
    with_restricted = sees_restricted()
    open_ones = report.problems(of, limit, with_restricted=with_restricted)
    while chunk := list(islice(open_ones, MOST_PROBLEMS + 1)):  # a page needs no second chunk
        ids = set() if of.is_active else {one["id"] for one in chunk if one["id"]}
        outcomes = problem_outcomes.item_outcomes(of, ids) if ids else {}
        yield from (one | {"outcome": outcomes.get(one["id"], "")} for one in chunk)
    if of.is_import and not of.is_active:
        yield from problem_outcomes.file_outcomes(of, limit, with_restricted=with_restricted)


def is_withheld(job: Job) -> bool:
    """Return whether the job may name restricted items and the current user may not see them."""
    return job.names_restricted and not sees_restricted()


def _do(job_id: int, act: Callable[[], int | None]) -> Any:
    """Call `act`, then redirect to the job whose id it returns, or to the status of this job, which takes the focus.

    If `act` raises ConflictError, return the page of this job with the reason (409).
    """
    try:
        made = act()
    except ConflictError as error:
        db.session.rollback()
        return render_template("imports/job.html", refused=error, **_shown(lifecycle.get(job_id))), 409
    return redirect(url_for(".job", job_id=made or job_id, _anchor=None if made else "status"), 303)


def _queued(job_id: int) -> int:
    wake(job_id)
    return job_id


def _problem_lines(of: Job) -> Iterator[str]:
    columns = (*report.PROBLEM, "outcome")
    rows = (one | {"technical_details": " · ".join(one["technical_details"])} for one in _problems(of))
    return csv_lines(chain([columns], ([csv_safe(str(row[name] or "")) for name in columns] for row in rows)))
