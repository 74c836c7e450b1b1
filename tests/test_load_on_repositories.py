"""Imports send at most four requests to a repository at once, in all processes, and wait when it has problems."""

from __future__ import annotations

import itertools
import shutil
import threading
import time
from pathlib import Path

import pytest

from connector.dspace.records import Scope, ScopeKind
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import lifecycle
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.command_line import GAZETTE, CommandLine
from tests.faults.clock import SkippingClock
from tests.faults.world import pauses_skipped
from tests.sample import Costs, SampleRepository, grow


class Doorman(Costs):
    """Takes a moment for each answer, as a server with a price does, and counts who waits at once.

    The first answer waits for a second request.
    """

    def __init__(self, moment: float = 0.03):
        super().__init__()
        self._moment, self._changed, self._inside, self.most = moment, threading.Condition(), 0, 0

    def spend(self, price: object) -> None:
        with self._changed:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most > 1, 60)
        time.sleep(self._moment)
        with self._changed:
            self._inside -= 1


@pytest.fixture
def slow_sample():
    with SampleRepository(9) as sample:
        grow(sample.data, 200)
        sample.costs = Doorman()
        yield sample


def test_a_job_and_a_page_in_another_process_share_four_concurrent_requests(flask, slow_sample, app):
    process = flask.start(
        "import", slow_sample.url, "--collection", slow_sample.data.named("Synthetic items").handle, "--files"
    )
    with app.app_context():
        app.config["INSTANCE"] = Path(flask.environment["CONNECTOR_INSTANCE"])
        found = discovery.connect(slow_sample.url, "rest", None)
        while process.poll() is None:
            discovery.find(found.repository_id, ScopeKind.COLLECTION, slow_sample.data.named(GAZETTE).handle)

    _, err = process.communicate()
    assert process.returncode == 0, err
    assert 2 <= slow_sample.costs.most <= 4


def test_only_one_job_at_a_time_uses_a_repository(flask, slow_sample):
    handles = [slow_sample.data.named(name).handle for name in ("Synthetic items", GAZETTE)]
    both = [flask.start("import", slow_sample.url, "--collection", handle, "--json") for handle in handles]
    for process in both:
        process.communicate()

    assert [process.returncode for process in both] == [0, 0]


def test_an_outage_during_an_import_loses_nothing_and_fails_no_item(app, sample):
    app.config["MAX_OUTAGE_SECONDS"] = 600
    searches = itertools.count()
    sample.faults.add(lambda path: "dsoType=item" in path and 2 <= next(searches) < 40, times=None, status=503)

    with app.app_context(), pauses_skipped(SkippingClock()):
        found = discovery.connect(sample.url, "rest", None)
        job_id = queueing.create(service.source_for(found.repository_id, Scope(ScopeKind.REPOSITORY)), ImportOptions())
        carry_out(job_id)
        job = lifecycle.get(job_id)

        assert (job.state, job.counts["failed"], job.clean, job.counts["seen"]) == ("completed", 0, True, job.expected)


@pytest.fixture
def flask(tmp_path, new_instance):
    return CommandLine(shutil.copytree(new_instance, tmp_path / "other"))
