"""Names of static files in addresses contain a hash of the content, so that browsers keep each file for a year."""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.security import safe_join

from ..accounts.authorization import allows

A_YEAR = 31_536_000  # seconds
_WITH_HASH = re.compile(r"(.+)\.([0-9a-f]{16})(\.[^./]+)")
TEXTS = ("text/css", "text/javascript", "image/svg+xml")


def init_app(app: Flask) -> None:
    """Add the hash to all addresses of static files, serve these addresses, and add the headers to the responses."""
    app.url_defaults(_add_hash)
    app.view_functions["static"] = _serve
    app.after_request(_keep)


def _add_hash(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static" and (found := _hash_of(values["filename"])):
        stem, dot, suffix = values["filename"].rpartition(".")
        values["filename"] = f"{stem}.{found}{dot}{suffix}"


@allows(None, nameless=True)
def _serve(filename: str) -> Response:
    """Return a static file by its name, with or without a hash in it."""
    return current_app.send_static_file(_split(filename)[0])


def _split(filename: str) -> tuple[str, str | None]:
    """Return the name of a file without the hash, and the hash, or None if the name has none."""
    found = _WITH_HASH.fullmatch(filename)
    return (found[1] + found[3], found[2]) if found else (filename, None)


def _hash_of(filename: str) -> str | None:
    """Return the first characters of the hash of a static file, or None if there is no such file."""
    path = Path(safe_join(current_app.static_folder or "", filename) or "")
    return _hash(path, path.stat().st_mtime_ns) if path.is_file() else None


@lru_cache
def _hash(path: Path, changed_at: int) -> str:
    return sha256(path.read_bytes()).hexdigest()[:16]


def _keep(response: Response) -> Response:
    """Let browsers keep a static file if its address has the right hash. Compress texts for browsers that accept it.

    During an upgrade, a process of the earlier version may answer a request for a newer file. Its response is not kept.
    """
    if request.endpoint != "static" or response.status_code not in (200, 304):
        return response
    filename, given = _split((request.view_args or {})["filename"])
    if given is not None and given == _hash_of(filename):
        response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    if response.mimetype in TEXTS:
        response.vary.add("Accept-Encoding")
        if response.status_code == 200 and request.accept_encodings.quality("gzip"):
            _compress(response)
    return response


def _compress(response: Response) -> None:
    etag, _ = response.get_etag()
    response.direct_passthrough = False
    response.set_data(_compressed(response.get_data()))
    response.content_encoding = "gzip"
    response.set_etag(etag or "", weak=True)  # other bytes, the same content
    del response.accept_ranges


@lru_cache
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content)
