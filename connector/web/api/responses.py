"""Responses of the API: JSON that clients may keep and check with ETag or Last-Modified, and errors as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Response, g, request
from sqlalchemy import func, select
from werkzeug.http import HTTP_STATUS_CODES

from ...catalogue.export_formats import json_line
from ...extensions import db, utcnow
from ...models.accounts import AuditEntry
from ...models.jobs import ACTIVE, Job
from .response_types import Problem

PROBLEM = "application/problem+json"
STARTED_AT = utcnow()  # of this process, which may be a new version of the app
SETTLED = timedelta(minutes=1)  # a transaction that began before may end later


def json_response(record: Mapping[str, Any], last_modified: datetime | None = None) -> Response:
    """Return a record as JSON, or 304 if the client has it already. `last_modified`: in UTC, None if it is unknown."""
    response = Response(json_line(record), mimetype="application/json")
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    if last_modified is not None:
        response.last_modified = last_modified
    response.add_etag()
    response.make_conditional(request)
    return response


def problem_response(status: int, sentence: str) -> tuple[Response, int]:
    """Return an error as problem details (RFC 9457). `sentence`: what is wrong and what to do."""
    title = HTTP_STATUS_CODES[status]
    problem = Problem(type="about:blank", title=title, status=status, detail=str(sentence), request_id=g.request_id)
    return Response(json_line(problem), mimetype=PROBLEM), status


def last_change() -> datetime | None:
    """Return a time since which nothing has changed, in UTC, or None if a job is active or the time is too recent.

    Jobs and actions in the audit trail change the catalogue. Call this before the data is read. If it changes in
    between, the client then gets a time that is too early and only loads the data once more.
    """
    if db.session.scalar(select(Job.id).where(Job.state.in_(ACTIVE)).limit(1)) is not None:
        return None
    newest = (func.max(Job.ended_at), func.max(Job.pruned_at), func.max(AuditEntry.at))
    times = [STARTED_AT, *filter(None, (db.session.scalar(select(time)) for time in newest))]
    last = max(times)
    return last if last < utcnow() - SETTLED else None
