"""The pages of jobs: one that is watched live, and all past imports."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)

from ...accounts.authorization import allows, own, require
from ...catalogue.source_labels import source_label
from ...errors import ConflictError, NotFoundError, PermissionDeniedError
from ...extensions import db
from ...imports import retry_failed
from ...imports.undo import preview
from ...jobs import job_presentation, lifecycle, notifications, queries, report, request_log
from ...models.accounts import Role
from ...models.jobs import Answer, ImportJob
from ...models.repositories import Source
from ...pagination import asked_place
from ...row_ids import row_id
from ...tasks import wake
from ...text import csv_safe
from ..flash_messages import flash

MOST_PROBLEMS = 100

blueprint = Blueprint("imports", __name__, url_prefix="/jobs")
blueprint.app_template_global()(job_presentation.status)
blueprint.app_template_global()(job_presentation.tone)
blueprint.app_template_global()(job_presentation.progress)
blueprint.app_template_global("sort_of")(job_presentation.sort)
blueprint.app_template_global("counts_of")(job_presentation.counts)
blueprint.app_template_global()(job_presentation.source_page)
blueprint.app_template_global()(retry_failed.can_retry)
blueprint.app_template_global("awaits_notice")(notifications.is_due)


@blueprint.app_template_global()
def label_of(source: Source) -> str:
    """Return the name of a source as the person may read it who asks for the page."""
    return source_label(source, with_restricted=g.person.may(Role.EDITOR))


@blueprint.app_template_global()
def heading(job: ImportJob) -> str:
    """Return what the job does, in words that the person may read who asks for the page."""
    return job_presentation.heading(job, label_of(job.source))


@blueprint.get("/<int:job_id>/")
@allows(Role.VIEWER)
def job(job_id: int) -> str:
    """A job, live while it is active."""
    return render_template("imports/job.html", **_shown(lifecycle.get(job_id)))


@blueprint.get("/<int:job_id>/live")
@allows(Role.VIEWER)
def live(job_id: int) -> str:
    """The part of its page that changes, for its own polling."""
    return render_template("imports/_job.html", **_shown(lifecycle.get(job_id)))


@blueprint.get("/<int:job_id>/row")
@allows(Role.VIEWER)
def row(job_id: int) -> str:
    """Its row in Past imports, for the row's own polling."""
    return render_template("imports/_row.html", job=lifecycle.get(job_id))


@blueprint.get("/<int:job_id>/problems.csv")
@allows(Role.VIEWER)
def problems(job_id: int) -> Response:
    """All its problems, a row each."""
    shown = lifecycle.get(job_id)
    if _is_withheld(shown):
        require(Role.EDITOR)
    lines = stream_with_context(_problem_lines(shown, with_restricted=_sees_restricted()))
    named = {"Content-Disposition": f'attachment; filename="problems-of-job-{job_id}.csv"'}
    return Response(lines, mimetype="text/csv", headers=named)


@blueprint.get("/<int:job_id>/diary.txt")
@allows(Role.VIEWER)
def diary_text(job_id: int) -> Response:
    """What was asked of the repository and how it went, in plain words, to be forwarded to its administrator."""
    shown = lifecycle.get(job_id)
    if _is_withheld(shown):
        require(Role.EDITOR)
    text = request_log.text(shown, current_app.config["CONTACT"])
    named = {"Content-Disposition": f'attachment; filename="diary-of-job-{job_id}.txt"'}
    return Response(text, mimetype="text/plain", headers=named)


@blueprint.post("/<int:job_id>/stop")
@allows(Role.EDITOR)
def stop(job_id: int) -> Any:
    """Ask it to stop."""
    _own(job_id)
    return _do(job_id, lambda: lifecycle.stop(job_id))


@blueprint.post("/<int:job_id>/resume")
@allows(Role.EDITOR)
def resume(job_id: int) -> Any:
    """Go on at its cursor."""
    _own(job_id)

    def act() -> None:
        lifecycle.resume(job_id)
        wake(job_id)

    return _do(job_id, act)


@blueprint.post("/<int:job_id>/answer")
@allows(Role.EDITOR)
def answer(job_id: int) -> Any:
    """Answer the question that it ended with, and go on."""
    _own(job_id)

    def act() -> None:
        try:
            given = Answer(request.form.get("answer", ""))
        except ValueError:
            raise ConflictError("Choose one of the two answers.") from None
        lifecycle.resume(job_id, given)
        wake(job_id)

    return _do(job_id, act)


@blueprint.post("/<int:job_id>/retry")
@allows(Role.EDITOR)
def retry(job_id: int) -> Any:
    """Try again only what failed, as a new job."""
    _own(job_id)
    return _do(job_id, lambda: _queued(retry_failed.retry(job_id)))


@blueprint.post("/<int:job_id>/rerun")
@allows(Role.EDITOR)
def rerun(job_id: int) -> Any:
    """Import its source again, as a new job."""
    return _do(job_id, lambda: _queued(lifecycle.rerun(job_id)))


@blueprint.get("/<int:job_id>/undo")
@allows(Role.EDITOR)
def undo(job_id: int) -> str:
    """Show what undoing it will do, and ask once more."""
    undone = _own(job_id)
    lifecycle.refuse_undo(undone)
    return render_template("imports/undo.html", job=undone, will=preview(job_id))


@blueprint.post("/<int:job_id>/undo")
@allows(Role.EDITOR)
def undo_now(job_id: int) -> Any:
    """Undo it, as a new job."""
    _own(job_id)
    return _do(job_id, lambda: _queued(lifecycle.create_undo(job_id)))


@blueprint.get("/")
@allows(Role.VIEWER)
def past() -> str:
    """All jobs, a row each."""
    sort = request.args.get("sort", "date")
    sort = sort if sort in queries.SORTS else "date"
    ascending = request.args.get("order") == "asc"
    page = queries.job_page(asked_place(), sort, not ascending)
    return render_template("imports/past.html", page=page, sort=sort, ascending=ascending)


@blueprint.post("/")
@allows(Role.EDITOR)
def submit() -> Any:
    """Undo and run again what was ticked: first shown in numbers, then done."""
    undo_ids, rerun_ids = request.form.getlist("undo", row_id), request.form.getlist("rerun", row_id)
    if not undo_ids and not rerun_ids:
        flash("Tick Undo or Re-run beside a job first.")
        return redirect(url_for(".past"), 303)
    if "confirmed" not in request.form:
        undos = [(_own(job_id), preview(job_id)) for job_id in undo_ids]
        return render_template(
            "imports/confirm.html", undos=undos, reruns=[lifecycle.get(job_id) for job_id in rerun_ids]
        )
    wake(*_created(_undo_own, "undone", undo_ids), *_created(lifecycle.rerun, "run again", rerun_ids))
    return redirect(url_for(".past"), 303)


def _own(job_id: int) -> ImportJob:
    """The job, if who is signed in may change it."""
    found = lifecycle.get(job_id)
    own(found.owner)
    return found


def _undo_own(job_id: int) -> int:
    _own(job_id)
    return lifecycle.create_undo(job_id)


def _shown(shown: ImportJob) -> dict[str, Any]:
    is_withheld = _is_withheld(shown)
    is_listed = not (shown.is_undo or is_withheld)
    listed = report.problems(shown, MOST_PROBLEMS + 1, with_restricted=_sees_restricted()) if is_listed else ()
    found = list(islice(listed, MOST_PROBLEMS + 1))
    told_by = report.told_by(shown)
    return {
        "job": shown,
        "counts": job_presentation.counts(shown),
        "files": job_presentation.files(shown),
        "doing": "" if is_withheld else job_presentation.doing(shown),
        "message": "" if is_withheld else shown.message,
        "problems": found[:MOST_PROBLEMS],
        "is_withheld": is_withheld,
        "told_by": told_by,
        "are_solved": report.had_file_problems(shown) and not (found or told_by or is_withheld),
        "has_more": len(found) > MOST_PROBLEMS,
    }


def _is_withheld(job: ImportJob) -> bool:
    """Whether what it does, says and lists may name what viewers are not shown, and a viewer asks."""
    return job.names_restricted and not _sees_restricted()


def _sees_restricted() -> bool:
    """Whether who asks may see what comes only by a login at its source: viewers may not."""
    return g.person.may(Role.EDITOR)


def _do(job_id: int, act: Callable[[], int | None]) -> Any:
    """Do something with a job, then show it, or the job that came of it; a refusal is shown on its page."""
    try:
        made = act()
    except ConflictError as error:
        db.session.rollback()
        return render_template("imports/job.html", refused=error, **_shown(lifecycle.get(job_id))), 409
    return redirect(url_for(".job", job_id=made or job_id), 303)


def _queued(job_id: int) -> int:
    wake(job_id)
    return job_id


def _created(create: Callable[[int], int], word: str, job_ids: list[int]) -> list[int]:
    """Create the jobs that follow from ticked ones, and tell what came of each; gives their ids."""
    created = []
    for job_id in job_ids:
        try:
            created.append(create(job_id))
            flash(f"Job {job_id} will be {word} by job {created[-1]}.")
        except (ConflictError, PermissionDeniedError, NotFoundError) as error:
            flash(f"Job {job_id} was not {word}: {error}")
    return created


def _problem_lines(of: ImportJob, *, with_restricted: bool) -> Iterator[str]:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(report.PROBLEM)
    for problem in report.problems(of, with_restricted=with_restricted):
        writer.writerow([csv_safe(str(problem[name] or "")) for name in report.PROBLEM])
        yield file.getvalue()
        file.seek(0)
        file.truncate()
    for job_id in report.told_by(of):
        writer.writerow(["", "", "", f"Job {job_id} has checked these files since. See its page."])
    yield file.getvalue()
