"""The Import Options page: its settings, its lists, and the import or estimate that they start."""

from __future__ import annotations

import gzip
from typing import Any

from flask import Response, make_response, render_template, request

from ...accounts.authorization import allows
from ...catalogue import item_set_queries
from ...dspace.records import ScopeKind
from ...errors import ConnectorError
from ...imports.input_checks import check_scope
from ...imports.start import queueing
from ...models.accounts import Role
from ...remapping import remap_jobs
from ...repositories import discovery, service
from ...tasks import wake
from ..error_pages import wants_fragment
from ..imports.settings_summary import settings_of
from ..page_responses import started_job
from .blueprint import blueprint
from .import_options_form import ImportOptionsForm
from .options_content import list_of, new_options_page, options_page

NOT_REPEATED = ("csrf_token", "estimate", "scope")


@blueprint.get("/repositories/<int:repository_id>/")
@allows(Role.EDITOR)
def options(repository_id: int) -> str:
    """Show the Import Options page with the settings of the last import (see `new_options_page`)."""
    return new_options_page(service.get(repository_id))


@blueprint.post("/repositories/<int:repository_id>/")
@allows(Role.EDITOR)
def import_now(repository_id: int) -> Any:
    """Start the import or show its estimate. Without JavaScript, show the requested list instead."""
    repository = service.get(repository_id)
    form = ImportOptionsForm()
    form.offer(repository, item_set_queries.every())
    if "scope" not in request.form:
        return options_page(repository, form, shows_lists=True)
    if not form.validate():
        return options_page(repository, form, tab="settings"), 422
    try:
        scope = check_scope(request.form["scope"])
        if form.estimate.data:
            return _estimate_page(repository_id, form, *scope)
        job_id = _start(repository_id, form, *scope)
    except ConnectorError as error:
        return options_page(repository, form, refused=error), 422
    return started_job(job_id)


@blueprint.post("/repositories/<int:repository_id>/summary")
@allows(Role.EDITOR)
def summary(repository_id: int) -> str:
    """Return the line that sums up the submitted settings. The page requests it when a setting changes."""
    repository = service.get(repository_id)
    form = ImportOptionsForm()
    form.offer(repository, item_set_queries.every())
    chosen = form.chosen()
    shown = None if chosen is None else settings_of(chosen)
    return render_template("repositories/_summary.html", repository=repository, settings=shown)


@blueprint.get("/repositories/<int:repository_id>/<any(collections, communities):name>")
@allows(Role.EDITOR)
def scope_list(repository_id: int, name: str) -> Any:
    """Show a list, or one level of it: as a fragment for htmx, else in its page."""
    repository = service.get(repository_id)
    if not wants_fragment():
        return new_options_page(repository, tab=name, shows_lists=True)
    template = "repositories/_level.html" if "below" in request.args else "repositories/_listed.html"
    return _compressed(render_template(template, repository=repository, **list_of(repository, name)))


def _start(repository_id: int, form: ImportOptionsForm, kind: ScopeKind, identifier: str) -> int:
    """Queue the import. Return the id of the job."""
    found = discovery.find(repository_id, kind, identifier)
    is_changed = service.ignore_fields(repository_id, form.ignored.data)
    if is_changed and (remap_id := remap_jobs.create_if_waiting(repository_id)) is not None:
        wake(remap_id)
    source_id = service.source_for(repository_id, found.scope)
    return queueing.create(source_id, form.options(), comment=form.comment.data or "", requests=found.requests)


def _estimate_page(repository_id: int, form: ImportOptionsForm, kind: ScopeKind, identifier: str) -> str:
    """Return a page with the estimate and a button that starts the import with the same settings."""
    scope = discovery.find(repository_id, kind, identifier).scope
    estimate = discovery.estimate(repository_id, scope, bundles=form.options().chosen_bundles)
    return render_template(
        "repositories/estimate.html",
        repository=service.get(repository_id),
        scope=scope,
        estimate=estimate,
        limit=form.files_limit.data if form.files.data else None,
        settings=[(name, value) for name, value in request.form.items(multi=True) if name not in NOT_REPEATED],
    )


def _compressed(html: str) -> Response:
    """Return the list as a response, compressed with gzip if the browser accepts it.

    Compression is safe here (no BREACH attack), since the list contains no token.
    """
    response = make_response(html)
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip"):
        response.set_data(gzip.compress(response.get_data(), 5))
        response.content_encoding = "gzip"
    return response
