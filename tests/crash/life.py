"""One instance of the app on the command line, its stages, and their results."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests import processes
from tests.command_line import CommandLine
from tests.processes import Process
from tests.sample import Repository, SampleRepository, library
from tests.sample.server import GENERATIONS

from .databases import Database, MissingTableError

LONGEST = 120  # seconds
GLANCE = 0.05  # seconds
REQUEST = "after a request"
TABLES = ("item", "file", "stored_file", "holding", "membership", "item_set", "change")
COUNTERS = (
    *("seen", "added", "updated", "unchanged", "failed", "vanished", "not_visible"),
    *("removed", "restored", "kept", "bytes"),
    *("files_stored", "files_linked", "files_restricted", "files_missing"),
)
COUNTED = f"job_counter WHERE value <> 0 AND name IN ({', '.join(map(repr, COUNTERS))})"


@dataclass(frozen=True)
class Stage:
    """A command that makes a job; `job` is its number when all goes on as it should."""

    name: str
    job: int
    command: tuple[str, ...]
    is_edited: bool = True


STAGES = (
    Stage("import", 1, ("import", "{url}", "--all", "--files", "--item-set-from-collection"), is_edited=False),
    Stage("re-run", 2, ("rerun", "1")),
    Stage("undo of the re-run", 3, ("undo", "2")),
    Stage("undo of the import", 4, ("undo", "1")),
)


class Source:
    """The sample repository before and after somebody worked there, at one address."""

    def __init__(self, sample: SampleRepository):
        self.sample = sample
        self._fresh, self._edited = library(sample.url), library(sample.url)
        _edit(self._edited)

    def at(self, stage: Stage) -> None:
        """Be as that stage finds it."""
        self.sample.data = self._edited if stage.is_edited else self._fresh
        self.sample.api = GENERATIONS[self.sample.generation](self.sample)
        self.sample.reset()


def _edit(data: Repository) -> None:
    """What a re-run has to find: items edited, with a file more, new, withdrawn and deleted."""
    gazette = data.named("Aldermouth Gazette")
    edited, filed, withdrawn, deleted, *more = [item for item in data.items.values() if item.collection is gazette]
    data.edit(edited, "dc.title", ["A new title", ("Ein neuer Titel", "de")])
    data.add_file(filed, "new.txt", b"new bytes")
    data.withdraw(withdrawn)
    data.delete(deleted)
    for number, item in enumerate(more[:12]):
        data.add_file(item, f"more-{number}.txt", b"more bytes %d" % number)
    added = data.add_item(gazette, [("dc.title", ["Quite new"])])
    data.add_file(added, "first.txt", b"first bytes")


@dataclass(frozen=True)
class Ended:
    """How a process ended. `passed`: how often each point was, where that is known."""

    was_killed: bool
    passed: Counter[str]
    requests: int


class Life:
    """The app on an instance folder and its database, a process for each command."""

    def __init__(self, folder: Path, source: Source, database: Database):
        self.folder, self._source, self._database = folder, source, database
        self.instance = folder / "instance"
        self.flask = CommandLine(self.instance)
        self.flask.environment |= database.environment(self.instance)
        self._tally = folder / "tally"

    def go_on(self, stage: Stage, point: str = "", number: int = 0) -> Ended:
        """Begin a stage, or go on with it, in a process of its own that dies at the n-th pass of the point."""
        sample = self._source.sample
        sample.reset()
        self._tally.unlink(missing_ok=True)
        if point == REQUEST:
            process = self._start(stage, "", 0)
            kill_after_requests(process, sample, number)
        else:
            process = self._start(stage, point, number)
        _, err = process.communicate(timeout=LONGEST)
        sample.faults.clear()
        was_killed = process.returncode == -9
        assert was_killed or process.returncode == 0, f"{stage.name} ended with {process.returncode}: {err}"
        passed = Counter(json.loads(self._tally.read_text())) if self._tally.exists() else Counter()
        return Ended(was_killed, passed, len(sample.requests))

    def is_done(self, stage: Stage) -> bool:
        """Whether the job of this stage is completed."""
        return self.state(stage) == "completed"

    def _start(self, stage: Stage, point: str, number: int) -> Process:
        state = self.state(stage)
        url = self._source.sample.url
        command = [word.format(url=url) for word in stage.command] if state is None else ["resume", str(stage.job)]
        arguments = (str(self._tally), point, str(number), *command)
        return processes.start("tests.crash.victim", *arguments, environment=self.flask.environment)

    def state(self, stage: Stage) -> str | None:
        """The state of the stage's job, None where it was not made yet (or no table for it)."""
        try:
            found = self._rows(f"SELECT state FROM job WHERE id = {stage.job}")
        except MissingTableError:
            return None
        return found[0][0] if found else None

    def _rows(self, query: str) -> list[tuple]:
        return self._database.rows(self.instance, query)

    def copy(self, folder: Path) -> None:
        """Keep all as it is now under another folder, where a life may go on from here."""
        shutil.copytree(self.folder, folder)
        self._database.copy(self.instance, folder / self.instance.name)

    def end(self) -> None:
        """Remove folder and database."""
        shutil.rmtree(self.folder)
        self._database.forget(self.instance)

    def outcome(self) -> dict[str, object]:
        """All that must not depend on how often the process died: export, files, rows and the counts of the jobs."""
        code, text, err = self.flask("export")
        assert code == 0, err
        lines = [json.loads(line) | {"id": None, "jobs": None} for line in text.split("\n") if line]
        files = self.instance / "files"
        return {
            "export": "\n".join(json.dumps(line, ensure_ascii=False) for line in lines),
            "files": {str(path.relative_to(files)): _sha256(path) for path in files.rglob("*")},
            "rows": {table: self._rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES},
            "jobs": self._rows("SELECT kind, state, clean, expected FROM job ORDER BY id"),
            "counters": self._rows(f"SELECT job_id, name, value FROM {COUNTED} ORDER BY job_id, name"),
        }


def _sha256(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def kill_after_requests(process: Process, sample: SampleRepository, number: int) -> None:
    """Kill the process when the sample has been asked this many times from now on."""
    left = iter(range(number - 1))

    def count(path: str) -> bool:
        if next(left, None) is None and process.poll() is None:
            process.kill()
        return False

    sample.faults.add(count, times=None)


def wait_until(is_so: Callable[[], bool], server: Process) -> None:
    """Wait for something that the server does. Raises AssertionError where the server ends before."""
    while not is_so():
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"The server ended with {server.wait(GLANCE)}.")
