"""Responses of the API: JSON that clients may keep and check with ETag or Last-Modified, and errors as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response, g, request
from werkzeug.http import HTTP_STATUS_CODES

from ...catalogue.export_formats import json_line
from .response_types import Problem

PROBLEM = "application/problem+json"


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
