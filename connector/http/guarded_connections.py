"""Connections that reach allowed addresses only, and whose reads end in time.

A host name is resolved once. Every address of the host is checked, and the socket connects to a checked address. So DNS
rebinding (a name that resolves differently a moment later) has no effect. TLS still verifies the host name.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from .addresses import AddressRule, Candidate

# Called before each read of a socket. Returns how many seconds the read may block. Raises an error to end the request.
NextTimeout = Callable[[], float]

_READ_BUFFER = 64 * 1024


class _GuardedHTTPConnection(HTTPConnection):
    """A connection to allowed addresses only. It limits how long a connect or a read may last."""

    def __init__(self, *args: Any, rule: AddressRule, next_timeout: NextTimeout, **options: Any):
        super().__init__(*args, **options)
        self._rule = rule
        self._next_timeout = next_timeout
        self.response_class = partial(_Response, next_timeout)  # type: ignore[assignment]  # which is only called

    def connect(self) -> None:
        """Connect in a thread that is abandoned at the deadline, since resolvers, sockets and TLS cannot check it."""
        done: Future[None] = Future()
        threading.Thread(target=self._connect, args=(super().connect, done), daemon=True).start()
        try:
            while not wait([done], timeout=self._next_timeout()).done:
                pass
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"No connection to {self.host} in time") from error
        finally:
            done.cancel()  # no effect on a future that is done
        done.result()

    def _connect(self, connect: Callable[[], None], done: Future[None]) -> None:
        trouble = None
        try:
            connect()
        except BaseException as error:
            trouble = error
        if not done.set_running_or_notify_cancel():
            self.close()
        elif trouble is not None:
            done.set_exception(trouble)
        else:
            done.set_result(None)

    def _new_conn(self) -> socket.socket:
        """Return a connected socket. urllib3 calls this method, and it raises the exceptions of urllib3.

        AddressNotAllowedError passes through urllib3 unchanged.
        """
        try:
            candidates = self._rule.candidates(self._dns_host.strip("[]"), self.port)
            return self._first_that_connects(candidates)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"No connection to {self.host} in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"No connection to {self.host}: {error}") from error

    def _first_that_connects(self, candidates: list[Candidate]) -> socket.socket:
        trouble: OSError = socket.gaierror(socket.EAI_NODATA, "no address")
        for candidate in candidates:
            self._next_timeout()
            try:
                return _connected(candidate, self.timeout, self.socket_options or ())
            except OSError as error:
                trouble = error
        raise trouble


def _connected(candidate: Candidate, timeout: float | None, options: Iterable[tuple[Any, ...]]) -> socket.socket:
    family, kind, protocol, _, address = candidate
    sock = socket.socket(family, kind, protocol)
    try:
        for option in options:
            sock.setsockopt(*option)
        sock.settimeout(timeout)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


class _Response(http.client.HTTPResponse):
    """An HTTP response that calls `next_timeout` before every read, also of the headers."""

    def __init__(self, next_timeout: NextTimeout, sock: socket.socket, *args: Any, **options: Any):
        readable: Any = _Readable(sock, next_timeout)
        super().__init__(readable, *args, **options)


@dataclass(frozen=True)
class _Readable:
    """The one method of a socket that http.client uses to read a response."""

    sock: socket.socket
    next_timeout: NextTimeout

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self.sock, self.next_timeout), _READ_BUFFER)


class _Reader(io.RawIOBase):
    """A reader of a socket that waits in short steps.

    So a stop ends a stalled read at once, and a slow drip of bytes cannot outlast the deadline. A socket timeout alone
    limits each single read, and one call may need thousands of reads.
    """

    def __init__(self, sock: socket.socket, next_timeout: NextTimeout):
        self._sock = sock
        self._next_timeout = next_timeout
        self._silence = sock.gettimeout() or math.inf  # the read timeout, which urllib3 has just set
        self._hold = sock.makefile("rb", buffering=0)  # keeps the socket open until this reader is closed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._silence
        while True:
            wait = min(self._next_timeout(), left)
            self._sock.settimeout(wait)
            try:
                return self._sock.recv_into(buffer)
            except TimeoutError:
                left -= wait
                if left <= 0:
                    raise

    def close(self) -> None:
        self._hold.close()
        super().close()


class _GuardedHTTPSConnection(_GuardedHTTPConnection, HTTPSConnection):
    """An https connection to allowed addresses only. The certificate is checked against the host name, as usual."""


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTPConnection


class _GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPSConnection


def pool_classes(rule: AddressRule, next_timeout: NextTimeout) -> dict[str, Any]:
    """Return `pool_classes_by_scheme` for a urllib3 PoolManager whose connections follow `rule`."""
    return {
        "http": partial(_GuardedHTTPPool, rule=rule, next_timeout=next_timeout),
        "https": partial(_GuardedHTTPSPool, rule=rule, next_timeout=next_timeout),
    }
