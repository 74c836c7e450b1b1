"""The web server of the sample data: sockets, threads, faults and costs. The generations make the answers."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import pages
from .answers import Answer, Request
from .collections import library
from .costs import FREE, Costs
from .faults import Fault, Faults
from .hal import Hal7, Hal9, Hal10
from .legacy import Legacy6
from .legacy_older import Legacy4, Legacy5
from .login import Logins
from .model import Repository
from .oai import Oai

GENERATIONS = {4: Legacy4, 5: Legacy5, 6: Legacy6, 7: Hal7, 9: Hal9, 10: Hal10}
BODILESS = (204, 304)
PIECE = 8192  # bytes: the buffer of the servers DSpace runs in
LOAD = 256 * 1024  # bytes that a line of limited rate takes at once


class SampleRepository:
    """A DSpace of generation 4, 5, 6, 7, 9 or 10 on a loopback port; a context manager, or `start` and `stop`.

    `data` is the model it serves, made by `content` where none is given, `requests` the (method, path with query) pairs
    asked so far, `faults` what goes wrong, `costs` how long answers take, `logins` who is signed in. `unordered`
    makes paging on 4 to 6 repeat and lose rows, as a database without ORDER BY does when it picks another plan at
    another offset. `oai` is its OAI-PMH, and `has_rest` whether its REST API is open, too.
    """

    def __init__(
        self,
        generation: int = 9,
        port: int = 0,
        data: Repository | None = None,
        costs: Costs | None = None,
        unordered: bool = False,
        content: Callable[[str], Repository] = library,
        has_rest: bool = True,
    ):
        self.generation = generation
        self.requests: list[tuple[str, str]] = []
        self.faults = Faults()
        self.costs = costs or FREE
        self.unordered = unordered
        self.logins = Logins(generation)
        self.stopping = threading.Event()
        self.connections: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.data = data if data is not None else content(self.url)
        self.api = GENERATIONS[generation](self)
        self.oai = Oai(self, generation)
        self.has_rest = has_rest
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> SampleRepository:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every open connection, hanging ones too."""
        self.stopping.set()
        self.faults.clear()
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self.connections):
            _close(connection)

    def reset(self) -> None:
        """Forget the recorded requests."""
        self.requests.clear()

    def warm(self) -> None:
        """Write every item once, so that later answers come from the cache."""
        with self.data.lock:
            self.api.warm()

    def answer(self, request: Request) -> Answer:
        with self.data.lock, self.logins.reading(request):
            rest = self.logins.answer(request) or self.api.answer(request) if self.has_rest else None
            return rest or self.oai.answer(request) or pages.answer(self, request)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        """Ignore clients that disconnected. Print any other error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(sample: SampleRepository) -> type[BaseHTTPRequestHandler]:
    """Return the handler class bound to one sample, for http.server."""
    return type("Handler", (_Handler,), {"sample": sample})


class _Handler(BaseHTTPRequestHandler):
    sample: SampleRepository
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each kept-alive answer waits 40 ms
    wbufsize = -1  # headers and body leave together

    def setup(self) -> None:
        super().setup()
        self.sample.connections.add(self.connection)

    def finish(self) -> None:
        self.sample.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        sample = self.sample
        sample.requests.append((self.command, self.path))
        fault = sample.faults.take(self.path)
        if fault.hang:
            fault.over.wait()
        if fault.hang or fault.drop:
            self.close_connection = True
            return
        if fault.delay:
            sample.stopping.wait(fault.delay)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0))).decode()
        answer = fault.applied(sample.answer(Request(self.command, self.path, headers, body)))
        sample.costs.spend(answer.price)
        self._send(answer, fault)

    do_HEAD = do_POST = do_GET

    def _send(self, answer: Answer, fault: Fault) -> None:
        self._send_head(answer)
        if self.command != "HEAD" and answer.status not in BODILESS:
            body = answer.body[: fault.cut]
            sent = _chunks(body, ended=fault.cut is None) if answer.chunked else body
            self._write(sent, fault)
        self.wfile.flush()
        self.close_connection = self.close_connection or fault.cut is not None

    def _write(self, body: bytes, fault: Fault) -> None:
        """Write as fast as the line allows, or byte by byte until the fault is cleared or the server stops."""
        if not fault.drip:
            for start in range(0, len(body), LOAD):
                piece = body[start : start + LOAD]
                self.sample.costs.carry(len(piece))
                self.wfile.write(piece)
            return
        for number in range(len(body)):
            self.wfile.write(body[number : number + 1])
            self.wfile.flush()
            if fault.over.wait(fault.drip):
                return

    def _send_head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.chunked and self.command != "HEAD":
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.status not in BODILESS and "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing: `requests` is the log."""


def _chunks(body: bytes, ended: bool) -> bytes:
    """Yield the body in chunks as large as a real server sends, with the closing one if it is `ended`."""
    pieces = []
    for start in range(0, len(body), PIECE):
        piece = body[start : start + PIECE]
        pieces += [b"%x\r\n" % len(piece), piece, b"\r\n"]
    return b"".join(pieces) + (b"0\r\n\r\n" if ended else b"")


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed already
        connection.shutdown(socket.SHUT_RDWR)
