"""The page of items at a destination that a job may adopt, where editors choose and answer the question of the job."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from ...accounts.authorization import allows, require_owner
from ...errors import ConflictError
from ...i18n import gettext as _
from ...jobs import lifecycle
from ...models.accounts import Role
from ...models.publishing import AdoptionCandidate
from ...pagination import SIZE, Order, asked_place, page_of
from ...publishing import adoptions, destinations
from ...publishing.adoptions import Answer
from ...row_ids import row_id
from ..flash_messages import flash
from ..page_responses import started_job

blueprint = Blueprint("adoptions", __name__, url_prefix="/jobs/<int:job_id>/adoption")


@blueprint.get("/")
@allows(Role.EDITOR)
def index(job_id: int) -> str:
    """Show the items at the destination that look like items of the job."""
    job = lifecycle.get(job_id)
    return render_template(
        "publishing/adoption.html",
        job=job,
        destination=destinations.of_job(job),
        page=page_of(adoptions.candidates(job_id), Order((AdoptionCandidate.id,)), asked_place()),
        ticked=adoptions.ticked_count(job_id),
    )


@blueprint.post("/")
@allows(Role.EDITOR)
def choose(job_id: int) -> Any:
    """Save the ticks of the submitted page. Then answer the question of the job, if one of the answers was given."""
    require_owner(lifecycle.get(job_id).owner)
    do = request.form.get("do", "")
    shown, ticked = (request.form.getlist(name, row_id)[:SIZE] for name in ("shown", "row"))  # rows per page
    adoptions.save_ticks(job_id, shown, shown if do == "tick" else ticked)
    page = redirect(url_for(".index", job_id=job_id, **asked_place().arguments), 303)
    if do not in list(Answer):
        return page
    try:
        adoptions.answer(job_id, Answer(do))
    except ConflictError as error:
        flash(str(error))
        return page
    flash(_("Answer saved. The job continues."))
    return started_job(job_id)
