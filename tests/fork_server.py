"""Starts each process as a fork of one that has imported the app and its libraries, which takes most of a start.

`python -m tests.fork_server FD` reads requests from the socket FD until its other end closes (see `processes`).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import runpy
import signal
import socket
import sys
import time

PRELOADED = (
    *("connector.server", "connector.tasks", "flask_limiter.commands"),
    *("sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite.pysqlite"),
)
LENGTH = 8  # bytes of the number that precedes a request


def serve(requests: socket.socket) -> None:
    """Fork a process for each request. Return, or raise SystemExit, only in these processes and after the last request.

    A request is a JSON object with four descriptors: of stdin, of stdout, of stderr, and of a pipe that gets the lines
    "PID" and "EXIT CODE".
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the monitors
    while True:
        length, descriptors, _, _ = socket.recv_fds(requests, LENGTH, 4)
        if not length:
            return
        request = json.loads(requests.recv(int(length), socket.MSG_WAITALL))
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            requests.close()
            if _fork_monitored(*descriptors):
                _become(request)
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _fork_monitored(*descriptors: int) -> bool:
    """Fork. Return True in the new process, and False in this one after the other has ended."""
    *standard, status = descriptors
    pid = os.fork()
    if pid == 0:
        for number, descriptor in enumerate(standard):
            os.dup2(descriptor, number)
    else:
        os.write(status, b"%d\n" % pid)
    for descriptor in standard:
        os.close(descriptor)
    if pid:
        _, ended = os.waitpid(pid, 0)
        os.write(status, b"%d\n" % os.waitstatus_to_exitcode(ended))
    os.close(status)
    return pid == 0


def _become(request: dict) -> None:
    """Run a module as `python -m` does."""
    for name, limit in request["limits"].items():
        number = getattr(resource, name)
        resource.setrlimit(number, (limit, resource.getrlimit(number)[1]))
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv = [request["module"], *request["arguments"]]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for name in PRELOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # otherwise each process would look through all that was imported, and copy its memory
    serve(socket.socket(fileno=int(sys.argv[1])))
