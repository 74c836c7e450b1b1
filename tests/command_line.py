"""`flask …` as a real process, as other programs call it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
GAZETTE = "Aldermouth Gazette"


class CommandLine:
    """Runs `flask …` in an instance of its own."""

    def __init__(self, instance: Path):
        self.environment = os.environ | {
            "CONNECTOR_INSTANCE": str(instance),
            "CONNECTOR_ALLOWED_NETWORKS": "127.0.0.0/8",
            "CONNECTOR_MAX_OUTAGE_SECONDS": "2",
        }

    def start(self, *args: str, may_write: int | None = None, **environment: str) -> subprocess.Popen:
        """`may_write`: so many bytes into a file, as on a disk that is full; without it no limit."""
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (may_write, may_write))  # noqa: E731
        return subprocess.Popen(
            [sys.executable, "-m", "flask", *args],
            cwd=ROOT,
            env=self.environment | environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=None if may_write is None else limit,
        )

    def __call__(self, *args: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(*args, **environment)
        out, err = process.communicate()
        return process.returncode, out, err

    def json(self, *args: str, **environment: str) -> tuple[int, dict]:
        code, out, err = self(*args, "--json", **environment)
        assert out.count("\n") == 1, (out, err)
        assert "Traceback" not in err
        return code, json.loads(out)
