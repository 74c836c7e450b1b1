"""The forms that make items private in Omeka S or delete them there: items missing at source, or excluded ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import Select

from ...accounts.authorization import allows, require
from ...catalogue.missing import MissingSelection
from ...errors import InvalidInputError
from ...i18n import gettext as _
from ...models.accounts import Role
from ...models.job_kinds import JobKind
from ...publishing import publish_undo_effects, withdrawal_jobs
from ...publishing.job_kind import DELETE_PUBLISHED, WITHDRAWALS
from ...publishing.withdrawal_jobs import Holder
from ...row_ids import row_id
from ..base_form import shows_again
from ..catalogue.missing_pages import TITLES, chosen_missing, first_titles, missing_page
from ..flash_messages import flash
from .publish_forms import started

blueprint = Blueprint("withdrawals", __name__, url_prefix="/withdraw")


@blueprint.post("/")
@allows(Role.EDITOR)
@shows_again(missing_page)
def withdraw() -> Any:
    """Make the ticked items or the whole list private at a destination, or delete them there after a confirmation."""
    chosen, kind = chosen_missing(), _kind()
    holder = _holder(chosen.ids())
    if holder is None:
        raise InvalidInputError(_("None of these items is in Omeka S. Tick others."))
    if kind is DELETE_PUBLISHED:
        require(Role.ADMIN)
        if "confirmed" not in request.form:
            titles = first_titles(withdrawal_jobs.items_at(holder.destination.id, chosen.ids()))
            return _confirmation_page(chosen, holder, titles)
    edited = "edited" in request.form
    return started(withdrawal_jobs.create(chosen.ids(), holder.destination.id, kind, deletes_edited=edited))


@blueprint.post("/left/")
@allows(Role.ADMIN)
def withdraw_left() -> Any:
    """Make all items that have left the catalogue private at a destination, or delete them there."""
    kind, holder = _kind(), _holder(None)
    if holder is None:
        flash(_("None of these items is in Omeka S any more."))
        return redirect(url_for("missing.exclusions"), 303)
    if kind is DELETE_PUBLISHED and "confirmed" not in request.form:
        numbers = withdrawal_jobs.left_at(holder.destination.id, TITLES)
        titles = [_("Item %(number)s in Omeka S", number=number) for number in numbers]
        return _confirmation_page(None, holder, titles)
    edited = "edited" in request.form
    return started(withdrawal_jobs.create(None, holder.destination.id, kind, deletes_edited=edited))


def _kind() -> JobKind:
    kind = WITHDRAWALS.get(request.form.get("do", ""))
    if kind is None:
        raise InvalidInputError(_("Choose whether to make the items private or to delete them."))
    return kind


def _holder(item_ids: Select[Any] | None) -> Holder | None:
    """Return the destination in the form, or None if it has none of the items."""
    destination_id = request.form.get("destination", type=row_id)
    return next((one for one in withdrawal_jobs.holders(item_ids) if one.destination.id == destination_id), None)


def _confirmation_page(chosen: MissingSelection | None, holder: Holder, titles: Sequence[str]) -> str:
    """Return the confirmation page. `chosen`: None for the items that have left the catalogue."""
    comparison = publish_undo_effects.compared_items(holder.destination, chosen.ids() if chosen else None)
    return render_template(
        "publishing/withdraw.html", chosen=chosen, holder=holder, titles=titles, comparison=comparison
    )
