"""Common parts of requests and answers of DSpace 4 to 6."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from .answers import Answer, RefusalError, Request, dumps
from .legacy_json import Expand
from .records import Collection, Community

REASONS = {401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable"}
REASONS |= {500: "Internal Server Error"}
Row = TypeVar("Row")


def leaf(one: Community | Collection) -> dict[str, str]:
    return {"id": one.uuid, "name": one.name, "handle": one.handle}


def expand_of(request: Request) -> Expand:
    return Expand.asked(request.one("expand"))


def page_of(request: Request, rows: Sequence[Row], limit: int) -> Sequence[Row]:
    """Return a page by `limit` and `offset`. A negative limit gives none."""
    offset = max(0, whole(request, "offset", 0))
    return rows[offset : offset + max(0, whole(request, "limit", limit))]


def whole(request: Request, name: str, default: int) -> int:
    """Return an integer of the query. Raise RefusalError 404 for anything else, as real servers do."""
    text = request.one(name, str(default))
    if not re.fullmatch(r"-?\d+", text):
        raise RefusalError(404)
    return int(text)


def refused(request: Request, status: int) -> Answer:
    """Return an error as JSON if JSON was requested, else as the page of the container."""
    reason = REASONS[status]
    if request.wants_json:
        body = {"servlet": "DSpace REST API", "message": reason, "url": request.path, "status": str(status)}
        return Answer(status, dumps(body), {"Content-Type": "application/json"})
    title = f"<title>Error {status} {reason}</title>"
    page = f"<html>\n<head>\n{title}\n</head>\n<body><h2>HTTP ERROR {status} {reason}</h2>\n</body>\n</html>\n"
    return Answer(status, page.encode(), {"Content-Type": "text/html;charset=iso-8859-1"})
