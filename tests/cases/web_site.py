"""A web site on a loopback address that is not a DSpace. Each test sets its answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What a site answers."""

    status: int = 200
    body: bytes = b"<!doctype html><html><head><title>Library</title></head><body></body></html>"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html"})


def redirect(target: str) -> Reply:
    """Return a redirect to this address."""
    return Reply(302, b"", {"Location": target})


def as_json(value: Any) -> Reply:
    """Return a good answer in JSON."""
    return Reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


NOT_FOUND = Reply(404)


@dataclass
class WebSite:
    """`url` without trailing slash; `asked`: paths with query, in the order in which they were asked for."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def web_site(answer: Callable[[str], Reply], host: str = "127.0.0.1") -> Iterator[WebSite]:
    """Serve on a free port. `answer` gets the path with query of each GET."""
    site = WebSite("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            site.asked.append(self.path)
            reply = answer(self.path)
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Quiet: `asked` is the log."""

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    site.url = f"http://{host}:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
