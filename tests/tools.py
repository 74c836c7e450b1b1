"""Optional tools: a test names those that it `needs`, and is skipped before it starts where one is missing.

Tools are looked for on PATH, then in the folders of CONNECTOR_TEST_TOOLS (default: those that Debian keeps off the PATH
of ordinary users). CONNECTOR_REQUIRE_TOOLS lists tools whose absence is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from glob import glob

import pytest

FOLDERS = os.environ.get("CONNECTOR_TEST_TOOLS", "/usr/sbin:/sbin:/usr/lib/postgresql/*/bin")
REQUIRED = os.environ.get("CONNECTOR_REQUIRE_TOOLS", "").split()
needs = pytest.mark.needs
_declared: set[str] = set()  # the needs of the running test


def which(program: str) -> str | None:
    """Return the path of a program, the newest version first; None where there is none."""
    folders = [folder for pattern in FOLDERS.split(":") for folder in sorted(glob(pattern), reverse=True)]
    return shutil.which(program, path=os.pathsep.join([os.environ["PATH"], *folders]))


def mount() -> str | None:
    """Return the path of mount; None where this user may not mount a file system."""
    found = which("mount")
    with tempfile.TemporaryDirectory() as folder:
        if found is None or subprocess.run([found, "-t", "tmpfs", "tmpfs", folder], capture_output=True).returncode:
            return None
        subprocess.run(["umount", folder], check=True)
    return found


@dataclass(frozen=True)
class Tool:
    """An optional tool. `find`: returns its path, or None. `remedy`: what to do where it is missing."""

    find: Callable[[], str | None]
    remedy: str


def _debian(program: str, package: str) -> Tool:
    return Tool(lambda: which(program), f"Install it (Debian: {package}) to run this test.")


TOOLS = {
    "apache": _debian("apache2", "apache2"),
    "chromium": _debian(os.environ.get("CONNECTOR_CHROMIUM", "chromium"), "chromium"),
    "clamd": _debian("clamd", "clamav-daemon"),
    "firefox": _debian("firefox-esr", "firefox-esr"),
    "mount": Tool(mount, "Run this test as root."),
    "nginx": _debian("nginx", "nginx-light"),
    "postgresql": _debian("initdb", "postgresql"),
    "systemd-analyze": _debian("systemd-analyze", "systemd"),
}


def path_of(name: str) -> str:
    """Return the path of a tool. Raises AssertionError in a test that does not declare it, LookupError if missing."""
    if "PYTEST_CURRENT_TEST" in os.environ:
        assert name in _declared, f"This test uses {name}: mark it with needs({name!r})."
    if (found := TOOLS[name].find()) is None:
        raise LookupError(f"{name} is missing. {TOOLS[name].remedy}")
    return found


def declare(names: Collection[str]) -> None:
    """Set the needs of the test that is about to run. Skips it, or fails it if required, where a tool is missing."""
    _declared.clear()
    _declared.update(names)
    for name in names:
        if TOOLS[name].find() is None:
            end = pytest.fail if name in REQUIRED else pytest.skip
            end(f"{name} is missing. {TOOLS[name].remedy}")
