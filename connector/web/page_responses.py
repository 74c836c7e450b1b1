"""Responses that several pages send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, redirect, stream_with_context, url_for

from ..tasks import wake
from .error_pages import PageResponse


def download(content: str | Iterator[str] | Iterator[bytes], name: str, media_type: str = "text/csv") -> Response:
    """Return a file that browsers save. The pieces of an iterator are made while the file is sent. `name`: in ASCII."""
    body = content if isinstance(content, str) else stream_with_context(content)
    return PageResponse(body, mimetype=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def started_job(job_id: int) -> Any:
    """Wake a worker for a queued job, and redirect to its page."""
    wake(job_id)
    return redirect(url_for("imports.job", job_id=job_id), 303)
