"""A process that is killed at any moment loses nothing. The resumed job has the same result."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from connector.dspace.oai_beside_rest_walk import LEAST_ITEMS
from tests.command_line import CommandLine
from tests.crash.life import kill_after_requests
from tests.sample import Repository, SampleRepository
from tests.sample.records import Collection

IMPORT = ("--all", "--files", "--item-set-from-collection")
COUNTS = ("state", "clean", "expected", "seen", "related", "added", "updated", "unchanged", "failed", "hidden", "files")


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
            process = killed.start(*command)
            kill_after_requests(process, sample, number)
            process.communicate()
            sample.faults.clear()
            command = ("resume", "1")

        code, job = killed.json(*command)

    assert code == 0
    assert outcome(killed, job) == expected


def test_a_job_that_is_killed_among_related_items_ends_like_an_undisturbed_job(tmp_path, new_instance):
    data = Repository()
    with SampleRepository(9, data=data) as sample:
        publications = _publications(data)
        command = ("import", sample.url, "--collection", publications.handle, "--files", "--related-items")
        alone, killed = (CommandLine(shutil.copytree(new_instance, tmp_path / name)) for name in ("alone", "killed"))
        expected = outcome(alone, alone.json(*command)[1])
        for number in (12, 30):
            process = killed.start(*command)
            kill_after_requests(process, sample, number)
            process.communicate()
            sample.faults.clear()
            command = ("resume", "1")

        code, job = killed.json(*command)

    assert (code, job["seen"], job["related"]) == (0, 20, 40)
    assert outcome(killed, job) == expected


def test_a_job_that_is_killed_while_it_reads_over_oai_ends_like_an_undisturbed_job(tmp_path, new_instance):
    data, seconds = Repository(), count()
    data.clock = lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(seconds))
    with SampleRepository(9, data=data) as sample:
        home = data.add_collection("Reports", data.add_community("Faculty"))
        items = [data.add_item(home, [("dc.title", [f"Report {number}"])]) for number in range(LEAST_ITEMS + 20)]
        sample.oai.freeze()
        for item in items[::50]:
            data.edit(item, "dc.title", ["Changed since"])
        command = ("import", sample.url, "--all", "--item-set-from-collection")
        alone, killed = (CommandLine(shutil.copytree(new_instance, tmp_path / name)) for name in ("alone", "killed"))
        expected = outcome(alone, alone.json(*command)[1])
        for last in ("200", "400"):
            sample.reset()
            process = killed.start(*command)
            sample.faults.add(lambda path, last=last, process=process: f"%2F%2F{last}" in path and process.kill())
            process.communicate()
            sample.faults.clear()
            command = ("resume", "1")
            assert process.returncode == -9

        code, job = killed.json(*command)

    assert (code, job["seen"]) == (0, len(items))
    assert outcome(killed, job) == expected
    assert sum(record["source_id"] == record["handle"] for record in expected[1]) > LEAST_ITEMS / 2


def _publications(data: Repository) -> Collection:
    """Return a new collection of 20 items, which name 40 people of another collection, each with a file."""
    top = data.add_community("Faculty")
    publications, people = data.add_collection("Publications", top), data.add_collection("People", top)
    for number in range(20):
        named = [data.add_item(people, [("dc.title", [f"Person {number}{letter}"])]) for letter in "ab"]
        for person in named:
            data.add_file(person, "cv.txt", person.name.encode())
        work = data.add_item(publications, [("dc.title", [f"Work {number}"])])
        data.relate(work, "relation.isAuthorOfPublication", named)
    return publications
