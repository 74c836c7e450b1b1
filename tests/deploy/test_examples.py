"""The programs accept the examples in deploy/."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import config
from tests.ports import free_port
from tests.tools import needs, path_of

from .servers import DEPLOY, EXAMPLES, KINDS, SERVED, adapted, certificate_in

SERVICES = ["dspace-connector.service", "dspace-connector-backup.service"]
UNITS = [*SERVICES, "dspace-connector-backup.timer"]
MOST_EXPOSED = 2.0  # of 10, as systemd rates it


def unit_in(folder: Path, name: str) -> Path:
    """The unit, beside the others, with a program that is there."""
    for unit in UNITS:
        text = (DEPLOY / unit).read_text().replace("/opt/dspace-connector/.venv/bin/flask", sys.executable)
        (folder / unit).write_text(text)
    return folder / name


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_accepts_the_unit_without_warnings(unit, tmp_path):
    done = run(path_of("systemd-analyze"), "verify", str(unit_in(tmp_path, unit)))

    assert (done.returncode, done.stderr) == (0, "")


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", SERVICES)
def test_the_unit_is_sandboxed(unit, tmp_path):
    done = run(path_of("systemd-analyze"), "security", "--offline=yes", str(unit_in(tmp_path, unit)))

    level = float(re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)[1])
    assert level <= MOST_EXPOSED


@pytest.mark.parametrize("name", ["User", "WorkingDirectory", "Environment", "EnvironmentFile"])
def test_the_backup_unit_runs_with_the_settings_of_the_app(name):
    app, backup = (re.findall(rf"(?m)^{name}=.*", (DEPLOY / unit).read_text()) for unit in SERVICES)

    assert app == backup != []


@pytest.mark.parametrize("example", SERVED)
def test_the_web_server_accepts_the_example(example, tmp_path):
    kind = KINDS[example.partition("/")[0]]
    site = adapted(DEPLOY / example, free_port(), free_port(), certificate_in(tmp_path))

    done = run(*kind.command(tmp_path, site), *kind.check)

    assert done.returncode == 0, done.stderr
    assert not re.search("warn|error", done.stderr)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_sets_every_header_that_the_app_trusts(example):
    text = (DEPLOY / example).read_text()

    for name in ("For", "Proto", "Host", "Prefix"):
        assert re.search(rf"(proxy_set_header|RequestHeader (set|unset)) X-Forwarded-{name}\b", text)
    assert re.search(r"(proxy_set_header|RequestHeader unset) X-Remote-User", text)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_keeps_one_time_links_out_of_the_log(example):
    text = (DEPLOY / example).read_text()

    assert re.search(r"location \S*/welcome/ \{\s+access_log off;|CustomLog .* \"expr=! .*/welcome/#", text)


def test_the_guide_names_only_existing_settings():
    read = set(re.findall(r'(?:read|environ\.get)\("(?:CONNECTOR_)?([A-Z_]+)"', Path(config.__file__).read_text()))
    named = set(re.findall(r"CONNECTOR_([A-Z_]+)", "".join(path.read_text() for path in DEPLOY.rglob("*.*"))))

    assert named
    assert named <= read
