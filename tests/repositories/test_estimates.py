"""What an import will take is told before it, as far as it can be known: and what cannot be is named."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest

from connector.catalogue.models import CatalogueFile
from connector.dspace.hal import HalClient
from connector.dspace.records import Estimate, Scope, ScopeKind
from connector.extensions import db
from connector.imports import jobs
from connector.imports.tasks import carry_out
from connector.ranges import Range
from connector.repositories import connecting, register
from tests.pages import words
from tests.sample import Repository, SampleRepository, grow
from tests.sample.costs import REAL, Costs

RANGE = r"(under 1|\d+) s to (\d+ min )?\d+ s"
ALL = {"scope": "repository:", "item_set": "", "file_limit": "", "estimate": "y"}
EVERYTHING = Scope(ScopeKind.REPOSITORY)


@pytest.fixture
def six():
    with SampleRepository(6) as running:
        yield running


def estimate(app, url: str) -> Estimate:
    with app.app_context():
        return connecting.estimate(connecting.connect(url, "rest", None).repository_id, EVERYTHING, files=True)


@pytest.mark.parametrize("generation", [9, 6])
def test_the_time_and_the_bytes_of_an_import_lie_within_the_range(app, generation):
    """On a server with the costs of a real one, whose first answers are ten times as slow."""
    data = Repository()
    grow(data, items=120, files=2)
    for number, item in enumerate(data.items.values()):
        data.add_file(item, "scan.bin", bytes(1_000 + 500 * (number // 10)))
    costs = replace(REAL.get(generation, Costs()), scale=2.0)
    with SampleRepository(generation, data=data, costs=costs) as sample:
        sample.faults.add("/items", times=1, delay=2.0)
        sample.faults.add("/discover/search", times=1, delay=2.0)
        told = estimate(app, sample.url)
        sample.faults.clear()
        with app.app_context():
            job_id = jobs.create(register.source_for(1, EVERYTHING), {"files": True})
            began = time.monotonic()
            assert carry_out(job_id)
            seconds = time.monotonic() - began
            size = db.session.scalar(
                db.select(db.func.sum(CatalogueFile.size)).where(CatalogueFile.sha256.is_not(None))
            )

    assert told.seconds.low <= seconds <= told.seconds.high
    assert told.seconds.high < 10 * seconds
    assert told.bytes.low <= size <= told.bytes.high
    assert told.bytes.high < 3 * size


def test_a_pause_that_is_kept_between_requests_counts(app, sample, monkeypatch):
    with app.app_context():
        connecting.connect(sample.url, "rest", None, delay=0.2)
    found = Estimate(100, 10, seconds=Range(0.5, 2.0))
    monkeypatch.setattr(HalClient, "estimate", lambda *args, **options: found)

    told = estimate(app, sample.url)

    assert told.seconds == Range(0.2 * 10 / 2, 2.0 + 0.2 * 100)


def test_the_page_tells_the_files_of_an_older_dspace_too(app, client, six):
    client.post("/", data={"url": six.url, "endpoint": "rest", "limit": ""})

    with_files, without = (words(client.post("/repositories/1/", data=ALL | more)) for more in ({"files": "y"}, {}))

    assert re.search(r"Files, about \d+ Size of the files [\d.]+ \w+ to [\d.]+ \w+ ", with_files)
    assert "Files, about" not in without
    assert re.search(rf"Time {RANGE} ", with_files)


@pytest.mark.parametrize("generation", [9, 6])
def test_the_command_prints_time_and_size_as_people_read_them(app, generation):
    with SampleRepository(generation) as sample, app.app_context():
        run = app.test_cli_runner().invoke
        told, plain = (run(args=["import", sample.url, "--all", "--estimate", *more]) for more in (["--files"], []))

    size = r"[\d.]+ ([kMG]B|bytes)"
    files = rf", [\d,]+ files? \({size}( to {size})?\)"
    assert re.fullmatch(rf"About [\d,]+ items, [\d,]+ requests?{files}: {RANGE}\.\n", told.stdout)
    assert re.fullmatch(rf"About [\d,]+ items, [\d,]+ requests?: {RANGE}\.\n", plain.stdout)


def test_the_command_says_so_where_nothing_is_told(app, sample, monkeypatch):
    monkeypatch.setattr(connecting, "estimate", lambda *args, **options: Estimate(None, None))

    with app.app_context():
        told = app.test_cli_runner().invoke(args=["import", sample.url, "--all", "--estimate"])

    assert told.stdout == "The repository does not tell how much there is.\n"
