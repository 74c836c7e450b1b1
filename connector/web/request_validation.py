"""Refuses requests that no browser sends: NUL characters, which databases cannot store, and invalid URLs in headers."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from flask import Flask, abort, request

ADDRESSES = ("Referer", "HX-Current-URL")


def init_app(app: Flask) -> None:
    """Check each request before other code reads it."""
    app.before_request(_check)


def _check() -> None:
    if any("\0" in text for text in _texts()):
        abort(400)
    for name in ADDRESSES:
        try:
            urlsplit(request.headers.get(name, ""))
        except ValueError:
            abort(400)


def _texts() -> Iterator[str]:
    yield from request.headers.values()
    for fields in (request.args, request.form):
        for name, texts in fields.lists():
            yield name
            yield from texts
