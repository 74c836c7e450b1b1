"""The list of past imports: all jobs, with a filter, and undos and re-runs of several jobs at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import redirect, render_template, request, url_for

from ...accounts.authorization import allows
from ...errors import ConflictError, NotFoundError, PermissionDeniedError
from ...i18n import gettext as _, lazy_gettext as _l
from ...imports.start import queueing
from ...imports.undo_effects import undo_effects
from ...jobs import creation, lifecycle, queries
from ...models.accounts import Role
from ...models.job_kinds import KINDS
from ...models.jobs import Job
from ...pagination import asked_place
from ...publishing import publish_undo_effects as publishing_undo
from ...publishing.job_kind import PUBLISH_UNDO
from ...repositories import service
from ...row_ids import row_id
from ...tasks import wake
from ..accounts.audit_words import actor_label
from ..flash_messages import flash
from .job_pages import blueprint, own_job

UNDO = _l("Job %(job)s will be undone by job %(new_job)s."), _l("Job %(job)s was not undone: %(error)s")
RERUN = _l("Job %(job)s will be run again by job %(new_job)s."), _l("Job %(job)s was not run again: %(error)s")


@blueprint.get("/")
@allows(Role.VIEWER)
def past() -> str:
    """Show a page of all jobs or of those that the filter in the address selects, sorted by date or status."""
    sort = request.args.get("sort", "date")
    sort = sort if sort in queries.SORTS else "date"
    ascending = request.args.get("order") == "asc"
    only = _asked_filter()
    repositories = service.every()
    return render_template(
        "imports/past.html",
        page=queries.job_page(asked_place(), sort, not ascending, only),
        sort=sort,
        ascending=ascending,
        only=only,
        choices={
            "status": (_("Status"), {name: label for name, (label, _condition) in queries.STATUSES.items()}),
            "kind": (
                _("Kind"),
                {kind.name: kind.title for kind in sorted(KINDS.values(), key=lambda one: str(one.title))},
            ),
            "repository": (_("Repository"), {one.id: one.label_and_host for one in repositories}),
            "owner": (_("Owner"), {name: actor_label(name) for name in queries.owners()}),
        },
    )


@blueprint.post("/")
@allows(Role.EDITOR)
def submit() -> Any:
    """Undo and run again the ticked jobs. Show the numbers and ask for confirmation first."""
    undo_ids, rerun_ids = request.form.getlist("undo", row_id), request.form.getlist("rerun", row_id)
    if not undo_ids and not rerun_ids:
        flash(_("Tick Undo or Re-run of a job first."))
        return redirect(url_for(".past", **_asked_filter().arguments), 303)
    if "confirmed" not in request.form:
        undos = [(job, _effects(job)) for job in map(own_job, undo_ids)]
        return render_template(
            "imports/confirm.html", undos=undos, reruns=[lifecycle.get(job_id) for job_id in rerun_ids]
        )
    wake(*_created(_undo_own, UNDO, undo_ids), *_created(queueing.rerun, RERUN, rerun_ids))
    return redirect(url_for(".past", **_asked_filter().arguments), 303)


def _asked_filter() -> queries.JobFilter:
    """Return the filter in the address. Unknown values select everything."""
    status, kind = request.args.get("status"), request.args.get("kind")
    return queries.JobFilter(
        status if status in queries.STATUSES else None,
        kind if kind in KINDS else None,
        request.args.get("repository", type=row_id),
        request.args.get("owner") or None,
    )


def _effects(job: Job) -> Any:
    """Return what the undo of a job will do, in numbers."""
    is_published = job.definition.undo_kind == PUBLISH_UNDO.name
    return publishing_undo.counted(job.id) if is_published else undo_effects(job.id)


def _undo_own(job_id: int) -> int:
    own_job(job_id)
    return creation.create_undo(job_id)


def _created(create: Callable[[int], int], sentences: tuple[str, str], job_ids: list[int]) -> list[int]:
    """Create a job for each ticked job and flash the result of each. Return the ids of the new jobs."""
    done, refused = sentences
    created = []
    for job_id in job_ids:
        try:
            created.append(create(job_id))
            flash(done % {"job": job_id, "new_job": created[-1]})
        except (ConflictError, PermissionDeniedError, NotFoundError) as error:
            flash(refused % {"job": job_id, "error": error})
    return created
