"""A command imports only what it needs, because importing is most of the time of a short command."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from connector.cli.commands import MODULES
from connector.models.job_kinds import KINDS
from connector.tasks import RUNNERS, runner_of
from tests.processes import ROOT

ONLY_FOR_PAGES = {"connector.web", "connector.server", "flask_limiter", "flask_wtf", "wtforms", "waitress"} | {
    *("alembic", "apispec", "markdown_it", "pybtex", "prometheus_client", "PIL", "pypdfium2", "segno", "zxcvbn"),
}
START = """
import sys
from connector import create_app, tasks
name, *kinds = sys.argv[1:]
assert create_app().cli.get_command(None, name)
for kind in kinds:
    tasks.runner_of(kind)
print(*sys.modules)
"""


@pytest.mark.parametrize(
    "command", [("undo", "undo"), ("export",), ("import", "import"), ("worker", "import", "publish")]
)
def test_a_command_does_not_import_what_only_other_parts_need(command):
    started = subprocess.run(
        [sys.executable, "-c", START, *command], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "sqlalchemy" in started.stdout.split()
    assert ONLY_FOR_PAGES & set(started.stdout.split()) == set()


def test_each_command_is_listed_with_the_module_that_defines_it():
    defined = {
        name: tuple(command.name for command in import_module(f"connector.cli.{name}").COMMANDS) for name in MODULES
    }

    assert defined == MODULES


def test_each_kind_of_job_has_a_function_that_runs_it():
    assert RUNNERS.keys() == KINDS.keys()
    assert all(callable(runner_of(kind)) for kind in RUNNERS)
