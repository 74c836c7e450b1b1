"""The pages of sources: the number of items of each source, its last imports and its schedule."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for

from ...accounts.authorization import allows
from ...errors import PermissionDeniedError
from ...i18n import gettext as _
from ...imports.start import scheduling, source_queries
from ...jobs import queries
from ...jobs.schedule import Schedule
from ...models.accounts import Role
from ...models.repositories import Source
from ...repositories import service
from ..flash_messages import flash
from ..page_responses import started_job
from .schedule_forms import ScheduleForm
from .settings_summary import settings_of

blueprint = Blueprint("sources", __name__, url_prefix="/sources")
blueprint.app_template_global()(settings_of)
blueprint.app_template_test("scheduled")(lambda source: source.schedule is not None)
blueprint.app_template_filter("schedule")(lambda source: str(Schedule.from_json(source.schedule)))


@blueprint.get("/")
@allows(Role.VIEWER)
def index() -> str:
    """Show all sources with their schedules."""
    return render_template("imports/sources.html", sources=scheduling.all_sources(), zone=_zone())


@blueprint.get("/<int:source_id>/")
@allows(Role.VIEWER)
def source(source_id: int) -> str:
    """Show a source with its item counts, last jobs and schedule."""
    shown = service.get_source(source_id)
    form = ScheduleForm(formdata=None)
    form.fill(Schedule.from_json(shown.schedule), _zone())
    return _page(shown, form)


@blueprint.post("/<int:source_id>/import")
@allows(Role.EDITOR)
def import_now(source_id: int) -> Any:
    """Import the source again with the options of its last import. With `full`, do a full check."""
    return started_job(scheduling.import_again(source_id, full="full" in request.form))


@blueprint.post("/<int:source_id>/schedule")
@allows(Role.EDITOR)
def set_schedule(source_id: int) -> Any:
    """Set or delete the schedule. Raise PermissionDeniedError if the user may not schedule this source."""
    shown = service.get_source(source_id)
    if not _may_schedule(shown):
        raise PermissionDeniedError(
            _(
                "Only the owner of the first import of %(name)s, the owner of its schedule or an administrator may "
                "change its schedule.",
                name=shown.name,
            )
        )
    form = ScheduleForm()
    form.name_zone(_zone())
    if not form.validate():
        return _page(shown, form), 422
    scheduling.set_schedule(source_id, form.schedule)
    flash(f"{form.schedule}." if form.schedule else _("The schedule was removed."))
    return redirect(url_for(".source", source_id=source_id), 303)


def _may_schedule(shown: Source) -> bool:
    """Return whether the current user may set the schedule: administrators and the owners of the source."""
    return g.person.may(Role.ADMIN) or any(map(g.person.owns, scheduling.owners(shown)))


def _page(shown: Source, form: ScheduleForm) -> str:
    held, gone = source_queries.item_counts(shown.id)
    return render_template(
        "imports/source.html",
        source=shown,
        settings=settings_of(scheduling.next_options(shown)),
        form=form,
        zone=_zone(),
        may_schedule=_may_schedule(shown),
        held=held,
        gone=gone,
        jobs=queries.last_jobs(shown.id),
    )


def _zone() -> str:
    return str(current_app.config["TIMEZONE"])
