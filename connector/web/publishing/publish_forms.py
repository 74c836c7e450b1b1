"""The form below a source, an item set, an item or a list of items, with which editors publish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, request, url_for

from ...accounts.authorization import allows
from ...errors import InvalidInputError, NotFoundError
from ...i18n import gettext as _
from ...jobs import lifecycle
from ...models.accounts import Role
from ...publishing import destinations, publish_jobs
from ...publishing.job_kind import PUBLISH, PUBLISH_PREVIEW
from ...row_ids import row_id
from ...tasks import wake
from ..base_form import shows_again
from ..catalogue.item_lists import chosen_items
from ..catalogue.list_pages import list_of_form
from ..flash_messages import flash, job_links
from ..page_responses import started_job

blueprint = Blueprint("publishing", __name__, url_prefix="/publish")


@blueprint.post("/")
@allows(Role.EDITOR)
@shows_again(list_of_form)
def publish() -> Any:
    """Publish a source or items at the chosen destination, or preview it."""
    form = request.form
    if (destination_id := form.get("destination", type=row_id)) is None:
        raise InvalidInputError(_("Choose a destination."))
    destination_id = destinations.get(destination_id).id
    kind = PUBLISH_PREVIEW if "preview" in form else PUBLISH
    source_id = form.get("source", type=row_id)
    if source_id is not None:
        job_ids = [publish_jobs.create(source_id, destination_id, kind=kind)]
    else:
        job_ids = publish_jobs.create_for(chosen_items(), destination_id, kind=kind)
    return started(job_ids)


@blueprint.post("/previewed/<int:job_id>")
@allows(Role.EDITOR)
def publish_previewed(job_id: int) -> Any:
    """Publish what a preview looked at."""
    preview = lifecycle.get(job_id)
    if not preview.definition.can_publish:
        raise NotFoundError(_("Job %(job_id)s is no preview of publishing.", job_id=job_id))
    return started(publish_jobs.create_as_previewed(preview))


def started(job_ids: Sequence[int]) -> Any:
    """Wake queued jobs of items, one for each source. Redirect to the job, or to Past imports if there are several."""
    if len(job_ids) == 1:
        return started_job(job_ids[0])
    wake(*job_ids)
    flash(_("The items come from several sources. There is a job for each: %(jobs)s."), jobs=job_links(job_ids))
    return redirect(url_for("imports.past"), 303)
