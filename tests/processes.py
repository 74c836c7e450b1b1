"""Real processes that start fast, because they are forks of a process that has imported the app (see `fork_server`)."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from tests.fork_server import LENGTH

ROOT = Path(__file__).parents[1]
NO_LIMITS: Mapping[str, int] = {}


class Process:
    """A process whose stdout and stderr are pipes, with those methods of `subprocess.Popen` that tests use.

    Any thread may wait for it and send signals to it.
    """

    def __init__(self, stdout: int, stderr: int, status: int):
        self.stdout, self.stderr = os.fdopen(stdout), os.fdopen(stderr)
        self._status, self._reading = os.fdopen(status, closefd=False), threading.Lock()
        weakref.finalize(self, os.close, status)  # not before, because other threads may wait for it
        self.pid = int(self._status.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while the process runs."""
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code as soon as there is one. Raise TimeoutExpired."""
        code = self._ended_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return what is left of stdout and stderr when the process has ended. Raise TimeoutExpired, and kill it."""
        with ThreadPoolExecutor(2) as pool, self.stdout, self.stderr:
            said = [pool.submit(pipe.read) for pipe in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            return said[0].result(), said[1].result()

    def send_signal(self, number: int) -> None:
        """Send a signal unless the process is known to have ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _ended_within(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], seconds)[0]:
            with self._reading:
                if self.returncode is None:
                    self.returncode = int(self._status.readline())
        return self.returncode


class ForkServer:
    """The process that forks the others. It ends when `close` is called, or with this process."""

    def __init__(self) -> None:
        self._requests, other = socket.socketpair()
        command = [sys.executable, "-m", "tests.fork_server", str(other.fileno())]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[other.fileno()], **quiet)
        other.close()
        self._sending = threading.Lock()

    def start(
        self, module: str, *arguments: str, environment: Mapping[str, str], typed: str, limits: Mapping[str, int]
    ) -> Process:
        """Start `python -m module arguments`.

        `typed`: all that comes from stdin. `limits`: soft limits by the names of `resource`, such as RLIMIT_FSIZE.
        """
        named = {"module": module, "arguments": arguments, "environment": dict(environment), "limits": dict(limits)}
        request = json.dumps(named).encode()
        (stdin, typing), *pipes = [os.pipe() for _ in range(4)]
        os.write(typing, typed.encode())  # a pipe takes 64 kB before it blocks
        theirs = [stdin, *(pipe[1] for pipe in pipes)]
        with self._sending:
            socket.send_fds(self._requests, [b"%*d" % (LENGTH, len(request))], theirs)
            self._requests.sendall(request)
        for descriptor in (typing, *theirs):
            os.close(descriptor)
        return Process(*(pipe[0] for pipe in pipes))

    def close(self) -> None:
        """End the process. Those that it has forked run on."""
        self._requests.close()
        self._process.wait()


@cache
def _server() -> ForkServer:
    server = ForkServer()
    atexit.register(server.close)
    return server


def start(
    module: str,
    *arguments: str,
    environment: Mapping[str, str] = os.environ,
    typed: str = "",
    limits: Mapping[str, int] = NO_LIMITS,
) -> Process:
    """Start `python -m module arguments` (see `ForkServer.start`)."""
    return _server().start(module, *arguments, environment=environment, typed=typed, limits=limits)
