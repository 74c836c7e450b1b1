"""The page of what both sides changed at a destination, where editors choose whose values stay."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from ...accounts.authorization import allows
from ...errors import InvalidInputError
from ...i18n import gettext as _
from ...models.accounts import Role
from ...models.publishing import Choice, PublishingConflict
from ...pagination import Order, asked_place, page_of
from ...publishing import conflicts, destinations
from ...row_ids import row_id
from ...tasks import wake
from ..flash_messages import flash, job_links

blueprint = Blueprint("conflicts", __name__, url_prefix="/destinations/<int:destination_id>/conflicts")
blueprint.app_template_global("has_conflicts")(conflicts.has_any)


@blueprint.get("/")
@allows(Role.EDITOR)
def index(destination_id: int) -> str:
    """Show the conflicts at a destination, item by item."""
    destination = destinations.get(destination_id)
    order = Order((PublishingConflict.published_item_id, PublishingConflict.id))
    page = page_of(conflicts.query(destination_id), order, asked_place())
    return render_template(
        "publishing/conflicts.html",
        destination=destination,
        page=page,
        rows=[conflicts.in_words(row) for row in page.rows],
        open_count=conflicts.count(destination_id),
        newest=conflicts.newest(destination_id),
    )


@blueprint.post("/")
@allows(Role.EDITOR)
def choose(destination_id: int) -> Any:
    """Store whose values stay, for one conflict or for all, and queue the job that carries it out."""
    form = request.form
    choice = next((one for one in Choice if one.value in form), None)
    number = form.get("newest" if choice and form[choice.value] == "all" else choice or "", type=row_id)
    if choice is None or number is None:
        raise InvalidInputError(_("Choose whose values stay."))
    use_case = conflicts.choose_all if form[choice.value] == "all" else conflicts.choose
    job_ids = use_case(destination_id, choice, number)
    wake(*job_ids)
    flash(_("Your choice is carried out by job %(jobs)s."), jobs=job_links(job_ids))
    return redirect(url_for(".index", destination_id=destination_id), 303)
