"""`flask …` as a real process, as other programs call it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from tests import processes
from tests.processes import NO_LIMITS, Process

GAZETTE = "Aldermouth Gazette"


class CommandLine:
    """Runs `flask …` in an instance of its own. A request may take a minute, because the machine may be busy."""

    def __init__(self, instance: Path):
        self.environment = os.environ | {
            "CONNECTOR_INSTANCE": str(instance),
            "CONNECTOR_ALLOWED_NETWORKS": "127.0.0.0/8",
            "CONNECTOR_MAX_OUTAGE_SECONDS": "180",
        }

    def start(self, *args: str, limits: Mapping[str, int] = NO_LIMITS, **environment: str) -> Process:
        """Start the command (see `processes.start`)."""
        return processes.start("flask", *args, environment=self.environment | environment, limits=limits)

    def __call__(self, *args: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(*args, **environment)
        out, err = process.communicate()
        return process.returncode, out, err

    def json(self, *args: str, **environment: str) -> tuple[int, dict]:
        code, out, err = self(*args, "--json", **environment)
        assert out.count("\n") == 1, (out, err)
        assert "Traceback" not in err
        return code, json.loads(out)
