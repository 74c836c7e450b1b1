"""A repository of one setup, an app that imports from it, and the result of an import without faults."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from flask import Flask, current_app

from connector.dspace import hal_api
from connector.dspace.hal import HalClient
from connector.dspace.oai_beside_rest_walk import LEAST_ITEMS
from connector.dspace.records import ScopeKind
from connector.extensions import db
from connector.http import OutageWait
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import attempt as attempts
from connector.models.jobs import Job
from connector.repositories import discovery, http_factory, service
from connector.storage.instance import prepare
from connector.tasks import carry_out
from tests.conftest import app_at, let_go
from tests.imports.catalogue import records
from tests.sample import Repository, SampleRepository
from tests.sample.oai import Oai
from tests.sample.server import GENERATIONS

from . import source
from .clock import SkippingClock
from .faults import OAI_PAGE
from .objects import Stage
from .setups import Api, Setup

OUTAGE = 2  # seconds: the maximum outage
QUICK = {"connect_timeout": 1, "read_timeout": 1, "deadline": 1.5, "file_grace": 1.5}  # seconds
JSON_LIMIT = 2**20  # bytes
Records = list[dict[str, Any]]
OPTIONS = ImportOptions(files=True, item_set_from_collection=True)


@contextmanager
def pauses_skipped(clock: SkippingClock) -> Iterator[None]:
    """Let no job and no page wait between two requests."""
    outage = partial(OutageWait, clock=clock, pause=clock.skip)
    with patch.object(http_factory, "OutageWait", outage), patch.object(attempts, "OutageWait", outage):
        yield


@contextmanager
def hurried(app: Flask, seconds: float = OUTAGE, clock: SkippingClock | None = None) -> Iterator[SkippingClock]:
    """Let requests give up after a second, and jobs and pages after the outage. Pauses between requests are skipped."""
    settings, clock = http_factory.HttpSettings, clock or SkippingClock()
    with (
        patch.dict(app.config, MAX_OUTAGE_SECONDS=seconds),
        patch.object(http_factory, "HttpSettings", lambda **given: settings(**(given | QUICK))),
        patch.object(http_factory, "PAGE_MAX_OUTAGE", seconds),
        pauses_skipped(clock),
    ):
        yield clock


@dataclass
class World:
    """By stage: `data` is what the source holds, `before` the instance to begin with, `expected` the right result."""

    setup: Setup
    folder: Path
    sample: SampleRepository = field(init=False)
    data: dict[Stage, Repository] = field(init=False)
    before: dict[Stage, Path] = field(init=False)
    expected: dict[Stage, Records] = field(default_factory=dict)
    source_id: int = field(init=False)
    repository_id: int = field(init=False)

    def __enter__(self) -> World:
        self._stack = ExitStack()
        self.sample = self._stack.enter_context(
            SampleRepository(self.setup.generation, has_rest=self.setup.api is not Api.OAI)
        )
        first, second = source.fresh(self.sample.url), source.edited(self.sample.url)
        self.data = {stage: second if stage == Stage.RERUN else first for stage in Stage}
        connected, imported = self.folder / "connected", self.folder / "imported"
        self.before = {stage: imported if stage == Stage.RERUN else connected for stage in Stage}
        with self._small_limits():
            self._prepare(connected, imported)
        self._app = _app(self.folder / "instance")  # one for all stages: its statements are compiled once
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def be_at(self, stage: Stage) -> None:
        """Let the repository be as this stage finds it."""
        self.sample.data = self.data[stage]
        self.sample.api = GENERATIONS[self.setup.generation](self.sample)
        self.sample.oai = Oai(self.sample, self.setup.generation)
        self.sample.oai.page_size = OAI_PAGE

    @contextmanager
    def instance(self, stage: Stage) -> Iterator[Flask]:
        """Give the app on an instance that is as this stage finds it; it is removed at the end."""
        folder = self.folder / "instance"
        shutil.copytree(self.before[stage], folder)
        try:
            with self._small_limits():
                yield self._app
        finally:
            let_go(self._app)
            shutil.rmtree(folder)

    def held(self) -> Records:
        """Return the catalogue. In an app context."""
        return self._comparable(current_app)

    def run(self) -> Job:
        """Import once, and return the job as it ended. In an app context."""
        job_id = queueing.create(self.source_id, OPTIONS)
        carry_out(job_id)
        db.session.rollback()
        return db.session.get_one(Job, job_id, populate_existing=True)

    def _prepare(self, connected: Path, imported: Path) -> None:
        app = _app(connected)
        prepare(app)
        self.be_at(Stage.IMPORT)
        with app.app_context():
            self.repository_id = discovery.connect(self.sample.url, "rest", None).repository_id
            handle = self.sample.data.named(source.TOP).handle
            scope = discovery.find(self.repository_id, ScopeKind.COMMUNITY, handle).scope
            self.source_id = service.source_for(self.repository_id, scope)
        let_go(app)
        shutil.copytree(connected, imported)
        self.expected[Stage.IMPORT] = self._undisturbed(imported, Stage.IMPORT)
        again = Path(shutil.copytree(imported, self.folder / "again"))
        self.expected[Stage.RERUN] = self._undisturbed(again, Stage.RERUN)

    def _undisturbed(self, instance: Path, stage: Stage) -> Records:
        app = _app(instance)
        self.be_at(stage)
        with app.app_context():
            job = self.run()
            assert (job.state, job.clean) == ("completed", True), (job.state, job.message)
        found = self._comparable(app)
        let_go(app)
        return found

    def _comparable(self, app: Flask) -> Records:
        """Return the catalogue. Beside REST, OAI-PMH gives no uuids, which later runs add (design rule 21)."""
        found = records(app)
        if self.setup.api is Api.BESIDE:
            found = [one | {"source_id": one["handle"], "page_link": None} for one in found]
        return found

    @contextmanager
    def _small_limits(self) -> Iterator[None]:
        """Let lists bring fewer files of an item, and use OAI-PMH for the small repository if that is the setup."""
        least = LEAST_ITEMS if self.setup.api is not Api.BESIDE else 1
        with (
            patch.object(hal_api, "_BUNDLES", source.EMBEDDED),
            patch.dict(HalClient.__init__.__kwdefaults__, least_items_for_oai=least),
        ):
            yield


def _app(instance: Path) -> Flask:
    app = app_at(instance)
    app.config.update(MAX_RESPONSE_BYTES=JSON_LIMIT, MIN_FREE_DISK=0)
    return app
