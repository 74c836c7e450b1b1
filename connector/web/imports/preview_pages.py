"""The pages of previews, with their changes and sample items, and the import of what a preview shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from ...accounts.authorization import allows, require_owner
from ...catalogue import item_set_queries
from ...catalogue.item_presentation import described
from ...errors import ConflictError, InvalidInputError
from ...extensions import db
from ...i18n import gettext as _, lazy_gettext as _l
from ...imports import sample_items
from ...imports.import_options import ImportOptions
from ...imports.input_checks import check_scope
from ...imports.results import job_details, retention
from ...imports.results.value_changes import compare_values
from ...imports.sample_items import MOST, USUAL
from ...imports.start import preview_rows, preview_selection, queueing
from ...imports.start.preview_rows import PreviewAction
from ...jobs import lifecycle
from ...models.accounts import Role
from ...models.jobs import Kind
from ...models.previews import SampleItem
from ...pagination import SIZE, asked_place, page_of
from ...repositories import discovery, service
from ...row_ids import row_id
from ..flash_messages import flash
from ..page_responses import started_job
from ..repositories.import_options_form import ImportOptionsForm

SHOWN = {
    PreviewAction.NEW: (_l("New"), "added"),
    PreviewAction.CHANGED: (_l("Changed"), "updated"),
    PreviewAction.VANISHED: (_l("Missing at source"), "vanished"),
    PreviewAction.FAILED: (_l("Failed"), "failed"),
    PreviewAction.UNCHANGED: (_l("Unchanged"), "unchanged"),
}
IMPORTS: dict[str | None, Callable[[int], int]] = {
    "all": preview_selection.import_all,
    "ticked": preview_selection.import_ticked,
}
TICKS: dict[str | None, Callable[[int], None]] = {
    "new": lambda job_id: preview_selection.tick_all(job_id, PreviewAction.NEW),
    "changed": lambda job_id: preview_selection.tick_all(job_id, PreviewAction.CHANGED),
    "none": lambda job_id: preview_selection.tick_all(job_id, *preview_selection.CAN_BE_CHOSEN, ticked=False),
}

blueprint = Blueprint("previews", __name__)
blueprint.app_template_global()(compare_values)


@blueprint.post("/sources/<int:source_id>/preview")
@allows(Role.EDITOR)
def start(source_id: int) -> Any:
    """Queue a preview of a source, with the options of its next import."""
    samples_only = "samples_only" in request.form
    number = _number(request.form.get("number", str(USUAL)), least=1 if samples_only else 0)
    options = ImportOptions.of(service.get_source(source_id))
    return _begun(source_id, options.for_preview(number, samples_only=samples_only))


@blueprint.post("/repositories/<int:repository_id>/samples")
@allows(Role.EDITOR)
def sample(repository_id: int) -> Any:
    """Queue a preview of only sample items, with the submitted settings. The scope may not be imported yet."""
    repository, form = service.get(repository_id), ImportOptionsForm()
    form.offer(repository, item_set_queries.every())
    if not form.validate():
        raise InvalidInputError(_("The settings of this import are invalid. Choose them again."))
    found = discovery.find(repository_id, *check_scope(request.form.get("scope", "")))
    source_id = service.source_for(repository_id, found.scope)
    return _begun(source_id, form.options().for_preview(USUAL, samples_only=True), requests=found.requests)


@blueprint.post("/jobs/<int:job_id>/preview-again")
@allows(Role.EDITOR)
def preview_again(job_id: int) -> Any:
    """Queue a preview of the source of a job, with the options of the job. A preview is repeated as it was."""
    job = lifecycle.get(job_id)
    options = ImportOptions.of(job).for_whole_scope()
    return _begun(job.source_id, options if job.is_preview else options.for_preview(USUAL))


@blueprint.get("/jobs/<int:job_id>/preview/")
@allows(Role.EDITOR)
def preview(job_id: int) -> str:
    """Show a page of the changes that an import would make: all changes or those of one kind."""
    job = preview_rows.get_preview(job_id)
    only = _shown_kind()
    ticked, could_be = preview_selection.ticks(job_id)
    return render_template(
        "imports/preview.html",
        job=job,
        only=only,
        kinds=[(kind.value, words, job.counts[count]) for kind, (words, count) in SHOWN.items()],
        page=page_of(
            preview_rows.rows(job_id, *([PreviewAction(only)] if only else preview_rows.CHANGES)),
            preview_rows.FOUND_ORDER,
            asked_place(),
        ),
        ticked=ticked,
        could_be=could_be,
        may_tick=could_be > 0 and not job.is_active,
        source_page=lambda row: job_details.source_page(job, {"id": row.source_id, "handle": row.handle}),
    )


@blueprint.post("/jobs/<int:job_id>/preview/")
@allows(Role.EDITOR)
def choose(job_id: int) -> Any:
    """Save the ticks of the submitted page. Then import, or tick more rows, as requested.

    Redirects to the page in the URL, or to the new import job.
    """
    preview_rows.get_preview(job_id)
    do = request.form.get("do")
    shown, ticked = (request.form.getlist(name, row_id)[:SIZE] for name in ("shown", "row"))  # rows per page
    preview_selection.save_ticks(job_id, shown, shown if do == "tick" else ticked)
    page = redirect(url_for(".preview", job_id=job_id, show=_shown_kind(), **asked_place().arguments), 303)
    if do in TICKS:
        TICKS[do](job_id)
    if do not in IMPORTS:
        return page
    try:
        made = IMPORTS[do](job_id)
    except ConflictError as error:
        flash(str(error))
        return page
    return started_job(made)


@blueprint.get("/jobs/<int:job_id>/samples/")
@allows(Role.EDITOR)
def samples(job_id: int) -> str:
    """Show the list of sample items of a preview."""
    job = preview_rows.get_preview(job_id)
    rows = db.session.scalars(sample_items.of_job(job_id)).all()
    items = [(row.id, sample_items.page_of(row, job.source.repository)) for row in rows]
    return render_template("imports/samples.html", job=job, items=items)


@blueprint.get("/jobs/<int:job_id>/samples/<int:row_id>/")
@allows(Role.EDITOR)
def sample_item(job_id: int, row_id: int) -> str:
    """Show a sample item on the page that it would have in the catalogue."""
    job = preview_rows.get_preview(job_id)
    row = sample_items.get(job_id, row_id)
    ids = db.session.scalars(sample_items.of_job(job_id).with_only_columns(SampleItem.id)).all()
    place = ids.index(row_id)
    item = sample_items.page_of(row, job.source.repository)
    terms, others = described(item.mapped_values)
    return render_template(
        "imports/sample_item.html",
        job=job,
        item=item,
        files=item.files,
        metadata=item.source_metadata,
        terms=terms,
        others=others,
        state=_("Not imported"),
        place=place + 1,
        of=len(ids),
        before=ids[place - 1] if place else None,
        after=ids[place + 1] if place + 1 < len(ids) else None,
    )


@blueprint.post("/jobs/<int:job_id>/done")
@allows(Role.EDITOR)
def done(job_id: int) -> Any:
    """Delete the changes and sample items of a preview. The job stays in the list."""
    require_owner(lifecycle.get(job_id).owner)
    retention.forget_preview(job_id)
    return redirect(url_for("imports.job", job_id=job_id), 303)


def _shown_kind() -> str | None:
    """Return the kind of change in the query string, or None for all changes."""
    asked = request.args.get("show")
    return asked if asked in SHOWN else None


def _begun(source_id: int, options: ImportOptions, requests: int = 0) -> Any:
    """Queue a preview with these options and redirect to its job."""
    return started_job(queueing.create(source_id, options, kind=Kind.PREVIEW, requests=requests))


def _number(text: str, least: int) -> int:
    """Return the number of sample items. Raise InvalidInputError unless it is from `least` to MOST."""
    if not (text.isdecimal() and len(text) < 4 and least <= int(text) <= MOST):
        raise InvalidInputError(_("Choose %(least)s to %(most)s sample items.", least=least, most=MOST))
    return int(text)
