"""`flask …` as a real process, as other programs call it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests import processes
from tests.processes import Process

GAZETTE = "Aldermouth Gazette"


class CommandLine:
    """Runs `flask …` in an instance of its own."""

    def __init__(self, instance: Path):
        self.environment = os.environ | {
            "CONNECTOR_INSTANCE": str(instance),
            "CONNECTOR_ALLOWED_NETWORKS": "127.0.0.0/8",
            "CONNECTOR_MAX_OUTAGE_SECONDS": "2",
        }

    def start(self, *args: str, may_write: int | None = None, **environment: str) -> Process:
        """`may_write`: this many bytes into a file, as on a disk that is full; without it no limit."""
        return processes.start("flask", *args, environment=self.environment | environment, may_write=may_write)

    def __call__(self, *args: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(*args, **environment)
        out, err = process.communicate()
        return process.returncode, out, err

    def json(self, *args: str, **environment: str) -> tuple[int, dict]:
        code, out, err = self(*args, "--json", **environment)
        assert out.count("\n") == 1, (out, err)
        assert "Traceback" not in err
        return code, json.loads(out)
