"""The addresses of the API. An access token replaces the session, and has the role of a viewer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import defer

from ...accounts.authorization import allows, sees_restricted
from ...catalogue import export, item_set_queries
from ...catalogue.item_record import ItemRecord
from ...catalogue.search import find
from ...catalogue.source_labels import source_label
from ...errors import InvalidInputError
from ...i18n import gettext as _
from ...jobs import lifecycle
from ...models.accounts import Role
from ...models.catalogue import CatalogueItem, ItemSet
from ...models.jobs import Job, State
from ...pagination import Order, rows_after
from ..catalogue.item_lists import SIZES, sorted_keys
from ..catalogue.readable import readable_item
from ..imports.job_pages import is_withheld
from .openapi import AFTER, SEARCH, answer_of, answers, document
from .response_types import ItemPage, ItemSetPage, ItemSetRecord, JobRecord
from .responses import json_response, last_change
from .search_arguments import checked_search

blueprint = Blueprint("api", __name__, url_prefix="/api")
SEARCH_TEXTS = (defer(CatalogueItem.search_text), defer(CatalogueItem.restricted_search_text))


@blueprint.before_request
def _check_arguments() -> None:
    """Raise InvalidInputError if the query string has an argument that the view does not declare."""
    answer = answer_of(request.endpoint or "")
    for name in request.args:
        if answer and name not in answer.arguments:
            raise InvalidInputError(_("There is no argument “%(name)s”.", name=name), name)


@blueprint.get("/openapi.json")
@allows(None, nameless=True)
def openapi() -> Response:
    """Return the description of the API in OpenAPI."""
    return json_response(document())


@blueprint.get("/items")
@allows(Role.VIEWER)
@answers(ItemPage, SEARCH | AFTER)
def items() -> Response:
    """Return a page of the items that a search finds."""
    changed = last_change()
    selection, options = checked_search()
    order, keys = sorted_keys(find(selection), options.sort)
    query = select(CatalogueItem).options(*SEARCH_TEXTS)
    rows, following = rows_after(query, order, request.args.get("after"), keys, options.size)
    records = export.records(rows, sees_restricted())
    return json_response(ItemPage(items=records, next=_next("api.items", following)), changed)


@blueprint.get("/items/<int:item_id>")
@allows(Role.VIEWER)
@answers(ItemRecord)
def item(item_id: int) -> Response:
    """Return an item."""
    changed = last_change()
    [record] = export.records([readable_item(item_id)], sees_restricted())
    return json_response(record, changed)


@blueprint.get("/item-sets")
@allows(Role.VIEWER)
@answers(ItemSetPage, AFTER)
def item_sets() -> Response:
    """Return a page of the item sets, sorted by name."""
    changed = last_change()
    order = Order((ItemSet.name, ItemSet.id))
    rows, following = rows_after(select(ItemSet), order, request.args.get("after"), size=SIZES[-1])
    counts = item_set_queries.counts([row.id for row in rows], with_restricted=sees_restricted())
    records = [_item_set(row, counts.get(row.id, 0)) for row in rows]
    return json_response(ItemSetPage(item_sets=records, next=_next("api.item_sets", following)), changed)


@blueprint.get("/jobs/<int:job_id>")
@allows(Role.VIEWER)
@answers(JobRecord)
def job(job_id: int) -> Response:
    """Return a job."""
    changed = last_change()
    return json_response(_job(lifecycle.get(job_id)), changed)


def _next(endpoint: str, after: str | None) -> str | None:
    """Return the address of the next page of a list, or None if there is none."""
    if after is None:
        return None
    arguments: dict[str, Any] = request.args.to_dict(flat=False) | {"after": [after]}
    return url_for(endpoint, _external=True, **arguments)


def _item_set(item_set: ItemSet, number: int) -> ItemSetRecord:
    return {
        "id": item_set.id,
        "name": item_set.name,
        "description": item_set.description,
        "rights": item_set.rights,
        "license": item_set.license,
        "link": item_set.link,
        "items": number,
    }


def _job(job: Job) -> JobRecord:
    return {
        "id": job.id,
        "kind": job.kind,
        "state": State(job.state),
        "clean": job.clean,
        "owner": job.owner,
        "repository": job.source.repository.site_url if job.source else None,
        "source": source_label(job.source, with_restricted=sees_restricted()) if job.source else None,
        "undoes": job.undoes_id,
        "undone_by": [undo.id for undo in job.undone_by],
        "created": _moment(job.created_at),
        "started": _moment(job.started_at) if job.started_at else None,
        "ended": _moment(job.ended_at) if job.ended_at else None,
        "expected": job.expected,
        "done": job.done,
        "counts": dict(job.counts),
        "message": None if is_withheld(job) else job.message,
    }


def _moment(time: datetime) -> str:
    return f"{time.isoformat(timespec='seconds')}Z"
