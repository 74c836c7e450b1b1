"""The product's commands and the sample repository, in processes of their own, so that each can be measured."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import requests

ROOT = Path(__file__).parents[2]


@contextmanager
def sample(*options: str) -> Iterator[str]:
    """The sample repository in a process of its own; gives its address."""
    command = [sys.executable, "-u", "-m", "tests.sample", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


class Connector:
    """Runs the product's commands in an instance of its own and measures them as whole processes."""

    def __init__(self, folder: str, **settings: str):
        """`settings`: CONNECTOR_ variables, named without that."""
        self.folder = Path(folder)
        self._environment = os.environ | {
            "CONNECTOR_INSTANCE": folder,
            "CONNECTOR_ALLOWED_NETWORKS": "127.0.0.0/8",
            "CONNECTOR_MAX_OUTAGE_SECONDS": "86400",
            **{f"CONNECTOR_{name}": value for name, value in settings.items()},
        }

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """A command under way, whose output is kept in a pipe."""
        return subprocess.Popen(
            [sys.executable, "-m", "flask", *args],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __call__(self, *args: str, typed: str = "") -> tuple[str, float, float]:
        """Gives (stdout, seconds, peak memory in MB). `typed`: a line for stdin."""
        began = time.monotonic()
        with self.start(*args) as process:
            process.stdin.write(f"{typed}\n".encode())
            process.stdin.close()
            out = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"flask {' '.join(args)} ended with {process.returncode}: {out.decode()}")
        return out.decode(), time.monotonic() - began, usage.ru_maxrss / 1024

    def job(self, *args: str) -> tuple[dict, float]:
        """Gives (the job's JSON, peak memory in MB)."""
        out, _, memory = self(*args, "--json")
        return json.loads(out), memory

    def forget_proof(self) -> None:
        """Let the next run list its scope, as after a night in which the source indexed all of it anew."""
        with closing(sqlite3.connect(self.folder / "connector.db")) as database, database:
            changed = "json_set(completeness_proof, '$.since', '2000-01-01T00:00:00+00:00')"
            database.execute(f"UPDATE source SET completeness_proof = {changed}")


def collection_of(url: str, name: str = "Synthetic items") -> str:
    """The uuid of the collection of this name."""
    found = requests.get(f"{url}/server/api/discover/search/objects?dsoType=collection&size=100", timeout=60).json()
    objects = [o["_embedded"]["indexableObject"] for o in found["_embedded"]["searchResult"]["_embedded"]["objects"]]
    return next(o["uuid"] for o in objects if o["name"] == name)
