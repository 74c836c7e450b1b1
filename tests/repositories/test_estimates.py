"""Estimates of an import before it starts, and what cannot be estimated."""

from __future__ import annotations

import re
import threading
from dataclasses import fields

import pytest

from connector.dspace.estimates import Sample
from connector.dspace.hal import HalClient
from connector.dspace.records import ORIGINAL, Estimate, Scope, ScopeKind
from connector.extensions import db
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.models.catalogue import CatalogueFile
from connector.ranges import Range
from connector.repositories import discovery, service
from connector.repositories.connections import connection_to
from connector.tasks import carry_out
from tests.pages import words
from tests.sample import Repository, SampleRepository, grow
from tests.sample.costs import REAL, Costs

DURATION = r"(under 1 s|\d+ (d|h|min|s)( \d+ (h|min|s))?)"
RANGE = rf"(up to |{DURATION} to )?{DURATION}"
ALL = {"scope": "repository:", "item_set": "", "file_limit": "", "estimate": "y"}
EVERYTHING = Scope(ScopeKind.REPOSITORY)
PRICES = [field for field in fields(Costs) if field.init]


class CountedCosts(Costs):
    """Costs that are added up instead of waited for: a clock that moves with the work of the server alone.

    The first answer that costs anything takes `cold` seconds more.
    """

    cold, spent = 0.0, 0.0
    _adding = threading.Lock()

    def spend(self, price: float) -> None:
        with self._adding:
            self.spent += price * self.scale + (self.cold if price else 0.0)
            self.cold = 0.0 if price else self.cold


@pytest.fixture
def dspace6():
    with SampleRepository(6) as running:
        yield running


def estimate(app, url: str) -> Estimate:
    with app.app_context():
        return discovery.estimate(discovery.connect(url, "rest", None).repository_id, EVERYTHING, bundles=[ORIGINAL])


@pytest.mark.parametrize("generation", [9, 6])
def test_the_time_and_size_of_an_import_are_within_the_estimated_range(app, generation):
    """On a server with the costs of a real one, whose first answer is much slower."""
    data = Repository()
    grow(data, items=120, files=2)
    for number, item in enumerate(data.items.values()):
        data.add_file(item, "scan.bin", bytes(1_000 + 500 * (number // 10)))
    costs = CountedCosts(**{each.name: getattr(REAL.get(generation, Costs()), each.name) for each in PRICES})
    with SampleRepository(generation, data=data, costs=costs) as sample, app.app_context():
        repository = service.get(discovery.connect(sample.url, "rest", None).repository_id)
        costs.cold = 5.0
        with connection_to(repository) as connection:
            sampled = Sample([ORIGINAL], clock=lambda: costs.spent)
            told = connection.client.estimate(EVERYTHING, sampled, at_once=4)
        costs.spent = 0.0
        assert carry_out(queueing.create(service.source_for(repository.id, EVERYTHING), ImportOptions(files=True)))
        size = db.session.scalar(db.select(db.func.sum(CatalogueFile.size)).where(CatalogueFile.sha256.is_not(None)))

    # One request after another, and at best as many at once as the server has processors.
    assert told.seconds.low <= costs.spent / costs.processors
    assert costs.spent <= told.seconds.high < 10 * costs.spent
    assert told.bytes.low <= size <= told.bytes.high
    assert told.bytes.high < 3 * size


def test_a_pause_that_is_kept_between_requests_counts(app, sample, monkeypatch):
    with app.app_context():
        discovery.connect(sample.url, "rest", None, delay=0.2)
    found = Estimate(100, 10, seconds=Range(0.5, 2.0))
    monkeypatch.setattr(HalClient, "estimate", lambda *args, **options: found)

    told = estimate(app, sample.url)

    assert told.seconds == Range(0.2 * 10 / 2, 2.0 + 0.2 * 100)


def test_the_page_estimates_the_files_of_older_dspace_versions(app, client, dspace6):
    client.post("/repositories/", data={"url": dspace6.url, "endpoint": "rest", "limit": ""})

    with_files, without = (words(client.post("/repositories/1/", data=ALL | more)) for more in ({"files": "y"}, {}))

    assert re.search(r"Files, about \d+ Size of the files [\d.]+ \w+ to [\d.]+ \w+ ", with_files)
    assert "Files, about" not in without
    assert re.search(rf"Time {RANGE} ", with_files)


@pytest.mark.parametrize("generation", [9, 6])
def test_the_command_prints_time_and_size_in_readable_units(app, generation):
    with SampleRepository(generation) as sample, app.app_context():
        run = app.test_cli_runner().invoke
        told, plain = (run(args=["import", sample.url, "--all", "--estimate", *more]) for more in (["--files"], []))

    size = r"[\d.]+ ([kMG]B|bytes)"
    files = rf", [\d,]+ files? \({size}( to {size})?\)"
    assert re.fullmatch(rf"About [\d,]+ items, [\d,]+ requests?{files}: {RANGE}\.\n", told.stdout)
    assert re.fullmatch(rf"About [\d,]+ items, [\d,]+ requests?: {RANGE}\.\n", plain.stdout)


def test_files_of_the_bundles_that_are_chosen_are_estimated(app, client):
    data = Repository()
    grow(data, items=20, files=2)
    for item in data.items.values():
        data.add_file(item, "text.txt", b"derived", bundle="TEXT")
    with SampleRepository(9, data=data) as sample, app.app_context():
        run = app.test_cli_runner().invoke
        command = ["import", sample.url, "--all", "--estimate", "--files"]
        told, texts = (run(args=[*command, *more]).stdout for more in ([], ["--bundle", "TEXT"]))
        page = words(client.post("/repositories/1/", data=ALL | {"files": "y", "bundles": "TEXT, ORIGINAL"}))

    assert ("40 files" in told, "20 files" in texts) == (True, True)
    assert "Files, about 60" in page


def test_the_command_says_that_no_estimate_is_available(app, sample, monkeypatch):
    monkeypatch.setattr(discovery, "estimate", lambda *args, **options: Estimate(None, None))

    with app.app_context():
        told = app.test_cli_runner().invoke(args=["import", sample.url, "--all", "--estimate"])

    assert told.stdout == "The repository does not report any counts.\n"
