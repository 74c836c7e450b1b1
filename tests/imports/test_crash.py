"""A process that is killed at any moment loses nothing. The resumed job has the same result."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from tests.command_line import CommandLine
from tests.sample import SampleRepository

IMPORT = ("--all", "--files", "--item-set-from-collection")
COUNTS = ("state", "clean", "expected", "seen", "added", "updated", "unchanged", "failed", "hidden", "files")
TIMEOUT = 60  # seconds


def after_requests(sample: SampleRepository, number: int) -> threading.Event:
    """Set when the sample has been asked this many times from now on."""
    reached, asked = threading.Event(), iter(range(number))

    def count(path: str) -> bool:
        if next(asked, None) is None:
            reached.set()
        return False

    sample.faults.add(count, times=None)
    return reached


def outcome(flask: CommandLine, job: dict) -> tuple:
    """The counts of the job, the catalogue, and what lies in the files folder."""
    lines = [json.loads(line) for line in flask("export", "--format", "jsonl")[1].split("\n") if line]
    records = sorted(({**line, "id": None} for line in lines), key=lambda line: line["source_id"])
    folder = Path(flask.environment["CONNECTOR_INSTANCE"]) / "files"
    paths = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name: job[name] for name in COUNTS}, records, paths


@pytest.mark.parametrize("generation", [4, 6, 9])
def test_a_job_whose_process_is_killed_repeatedly_ends_like_an_undisturbed_job(generation, tmp_path, new_instance):
    with SampleRepository(generation) as sample:
        alone, killed = (CommandLine(shutil.copytree(new_instance, tmp_path / name)) for name in ("alone", "killed"))
        expected = outcome(alone, alone.json("import", sample.url, *IMPORT)[1])
        command = ("import", sample.url, *IMPORT)
        for number in (40, 25, 70):
            reached = after_requests(sample, number)
            process = killed.start(*command)
            assert reached.wait(TIMEOUT)
            process.kill()
            process.communicate()
            sample.faults.clear()
            command = ("resume", "1")

        code, job = killed.json(*command)

    assert code == 0
    assert outcome(killed, job) == expected
