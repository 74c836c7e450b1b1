"""The pages of exports: the choice of a format, and the file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, render_template, request, send_file, url_for
from sqlalchemy import Select
from werkzeug.datastructures import MultiDict

from ...accounts.authorization import allows, sees_restricted
from ...catalogue.search import SHORT, Selection, find_newest
from ...exports import export_jobs, results
from ...exports.export_kind import ExportOptions
from ...exports.formats import FORMATS
from ...extensions import count_rows
from ...formatting import item_count
from ...i18n import ngettext
from ...models.accounts import Role
from ...models.jobs import Job
from ...pagination import COUNTED
from ...row_ids import row_id
from ..base_form import shows_again
from ..page_responses import started_job
from .export_forms import ExportForm
from .item_lists import as_arguments, asked_selection, chosen_items, form_selection, ticked_ids
from .list_pages import list_of_form

blueprint = Blueprint("exports", __name__, url_prefix="/exports")
blueprint.app_template_global("export_file")(results.of_job)


@blueprint.app_template_global()
def export_format(job: Job) -> str:
    """Return the label of the format of a job, or "" if it exports nothing."""
    options = job.parsed_options
    return str(FORMATS[options.format].label) if isinstance(options, ExportOptions) else ""


@blueprint.route("/new", methods=["GET", "POST"])
@allows(Role.VIEWER)
@shows_again(list_of_form)
def new() -> str:
    """Show the formats. A list posts its ticked items, and other pages name a source or a selection in the address."""
    return _page(ExportForm(formdata=None))


@blueprint.post("/")
@allows(Role.VIEWER)
def create() -> Any:
    """Begin the export and show its job."""
    form = ExportForm()
    if not form.validate():
        return _page(form), 422
    fields_url = url_for("home.dashboard", _external=True) + "fields#"
    options = form.options(fields_url, may_see_restricted=sees_restricted())
    return started_job(export_jobs.create(_chosen(), options))


@blueprint.get("/<int:job_id>/<path:name>")
@allows(Role.VIEWER)
def download(job_id: int, name: str) -> Response:
    """Download the file of an export. `name` only makes the URL readable."""
    file = results.downloadable(job_id)
    return send_file(file.path, mimetype=file.media_type, as_attachment=True, download_name=file.name)


def _page(form: ExportForm) -> str:
    hints = {name: form.hint for name, form in FORMATS.items()}
    return render_template("exports/new.html", form=form, hints=hints, size=_size(), hidden=list(_hidden()))


def _size() -> str:
    """Return the number of the items that the request names, such as "more than 10,000 items", or "" for none.

    The export itself takes all of them.
    """
    items = None if (selection := _selection()) is None else find_newest(selection)
    most = SHORT if selection and (selection.words or selection.criteria) else COUNTED
    ids = _chosen() if items is None else items.ids()
    number = count_rows(ids.limit(most + 1).subquery())
    if items and items.oldest_checked_id:
        return ngettext("at least %(num)s item", "at least %(num)s items", number)
    if number > most:
        return ngettext("more than %(num)s item", "more than %(num)s items", most)
    return item_count(number) if number else ""


def _chosen() -> Select[int]:
    """Return a SELECT of the ids of the items that the request names: of a source, all of a list, or the ticked ones.

    Raise InvalidInputError if a form names none.
    """
    if (source_id := request.values.get("source", type=row_id)) is not None:
        return export_jobs.of_source(source_id, with_restricted=sees_restricted())
    return chosen_items() if (selection := _selection()) is None else selection.ids()


def _selection() -> Selection | None:
    """Return the selection of the list that the request names, or None if it names a source or ticked items."""
    has_source = request.values.get("source", type=row_id) is not None
    if has_source or (request.method == "POST" and "every" not in request.form):
        return None
    return form_selection() if request.method == "POST" else asked_selection()


def _hidden() -> Iterable[tuple[str, Any]]:
    """Return the names and values of the form fields that name the same items."""
    if (source_id := request.values.get("source", type=row_id)) is not None:
        return [("source", source_id)]
    if (selection := _selection()) is None:
        return [("item", item_id) for item_id in ticked_ids()]
    return [("every", "on"), *MultiDict(as_arguments(selection)).items(multi=True)]
