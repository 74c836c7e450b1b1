"""The pages of sources: what is held of each, its last imports, and when it is imported by itself."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for

from ..accounts.gate import allows
from ..accounts.models import Role
from ..errors import NotAllowed
from ..messages import flash
from ..repositories.models import Source
from . import listing, schedules
from .forms import ScheduleForm
from .tasks import wake
from .times import from_dict

blueprint = Blueprint("sources", __name__, url_prefix="/sources")
blueprint.app_template_test("scheduled")(lambda source: source.schedule is not None)
blueprint.app_template_filter("schedule")(lambda source: str(from_dict(source.schedule)))


@blueprint.get("/")
@allows(Role.VIEWER)
def listed() -> str:
    """Every source, with its schedule."""
    return render_template("imports/sources.html", sources=schedules.all_sources(), zone=_zone())


@blueprint.get("/<int:source_id>/")
@allows(Role.VIEWER)
def source(source_id: int) -> str:
    """A source: what is held, what was done, what will be."""
    shown = schedules.get(source_id)
    form = ScheduleForm(formdata=None)
    form.fill(from_dict(shown.schedule), _zone())
    return _page(shown, form)


@blueprint.post("/<int:source_id>/import")
@allows(Role.EDITOR)
def import_now(source_id: int) -> Any:
    """Import it again, as the last time; with `full`, reading everything."""
    job_id = schedules.import_again(source_id, full="full" in request.form)
    wake(job_id)
    return redirect(url_for("imports.job", job_id=job_id), 303)


@blueprint.post("/<int:source_id>/schedule")
@allows(Role.EDITOR)
def set_schedule(source_id: int) -> Any:
    """Import it by itself, or no more."""
    shown = schedules.get(source_id)
    if not _may_schedule(shown):
        raise NotAllowed(
            f"Only who imported {shown.name} first, who set its schedule, or an administrator may say "
            "when it is imported by itself."
        )
    form = ScheduleForm()
    form.name_zone(_zone())
    if not form.validate():
        return _page(shown, form), 422
    schedules.set_schedule(source_id, form.schedule)
    flash(f"{form.schedule}." if form.schedule else "It is no longer imported by itself.")
    return redirect(url_for(".source", source_id=source_id), 303)


def _may_schedule(shown: Source) -> bool:
    """Whether who is signed in may say when this source is imported by itself: administrators, and whose it is."""
    return g.person.may(Role.ADMIN) or any(map(g.person.owns, schedules.owners(shown)))


def _page(shown: Source, form: ScheduleForm) -> str:
    held, gone = listing.held_by(shown.id)
    return render_template(
        "imports/source.html",
        source=shown,
        form=form,
        zone=_zone(),
        may_schedule=_may_schedule(shown),
        held=held,
        gone=gone,
        jobs=listing.last_jobs(shown.id),
    )


def _zone() -> str:
    return str(current_app.config["TIMEZONE"])
