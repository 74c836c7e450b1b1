"""An app with an instance of its own, a test client, and the sample repository."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings
from playwright.sync_api import Browser

from config import load
from connector import create_app
from connector.dspace.records import ScopeKind
from connector.extensions import db
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.repositories import discovery, service
from connector.storage.instance import prepare
from connector.tasks import carry_out
from connector.web import pages
from tests import tools
from tests.chromium import launched
from tests.compiled import TEMPLATES
from tests.imports.fake_repository_importer import FakeRepositoryImporter
from tests.imports.fakes import FakeDSpace
from tests.postgresql import create_database, server
from tests.sample import SampleRepository
from tests.signed_in import SignedIn, admit
from tests.thoroughness import IS_THOROUGH

LONGEST = 60  # seconds until a thread counts as one that never ends
MEMORY = Path("/dev/shm")  # a file system in memory (Linux)
ENOUGH = 4 * 2**30  # free bytes in it


if not IS_THOROUGH:
    settings.load_profile("ci")  # the same random examples each time


def pytest_configure() -> None:
    """Write temporary files to memory where there is enough of it: tests write and delete very many small files."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each test that uses the fixture of a tool need the tool."""
    for item in items:
        for name in tools.TOOLS.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(tools.needs(name))


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going through all modules and tests again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose tool is missing before any of its fixtures starts."""
    tools.declare({name for mark in item.iter_markers("needs") for name in mark.args})


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start Chromium once in a process."""
    with launched() as browser:
        yield browser


@pytest.fixture(autouse=True)
def every_thread_ends() -> Iterator[None]:
    """Fail the test that leaves a thread behind: the process could never end, and would not say why."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:
        thread.join(LONGEST)
    assert [thread for thread in left if thread.is_alive()] == []


NUMBERS = itertools.count(1)


def app_at(instance: Path, **environment: str) -> Flask:
    """The app on this instance folder; it may reach the loopback address, and nothing works on its queue by itself."""
    settings = {"CONNECTOR_INSTANCE": str(instance), "CONNECTOR_ALLOWED_NETWORKS": "127.0.0.0/8"}
    app = create_app(load(settings | environment))
    pages.init_app(app)
    app.config.update(TESTING=True, SECRET_KEY="only for tests, but with enough of it")
    app.test_client_class = SignedIn
    app.jinja_env.bytecode_cache = TEMPLATES
    return app


def let_go(app: Flask) -> None:
    """Close the connections to its database, with all that was written in the one file."""
    with app.app_context():
        db.session.execute(db.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def new_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty instance without users, migrated once."""
    folder = tmp_path_factory.mktemp("new") / "instance"
    app = app_at(folder)
    prepare(app)
    let_go(app)
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, new_instance: Path) -> Path:
    """An empty instance with an admin who is signed in (see `signed_in`)."""
    folder = tmp_path_factory.mktemp("template") / "instance"
    shutil.copytree(new_instance, folder)
    app = app_at(folder)
    admit(app)
    let_go(app)
    return folder


@pytest.fixture
def app(tmp_path: Path, template: Path) -> Iterator[Flask]:
    """An app whose database is a file of its own."""
    instance = tmp_path / "instance"
    shutil.copytree(template, instance)
    app = app_at(instance)
    yield app
    let_go(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without script, whose forms need no token."""
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


@pytest.fixture
def dspace() -> FakeDSpace:
    """A fake DSpace without items."""
    return FakeDSpace()


@pytest.fixture
def importer(app: Flask, dspace: FakeDSpace) -> FakeRepositoryImporter:
    """Imports from the fake DSpace."""
    return FakeRepositoryImporter(app, dspace)


@pytest.fixture
def sample() -> Iterator[SampleRepository]:
    """The sample repository as DSpace 9."""
    with SampleRepository(9) as repository:
        yield repository


@pytest.fixture(scope="session")
def stocked_sample() -> Iterator[SampleRepository]:
    """The repository that the stocked catalogue came from; not to be changed."""
    with SampleRepository(9) as repository:
        yield repository


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory, template: Path, stocked_sample: SampleRepository) -> Path:
    """An instance with three collections imported, files and item sets too: Harbour photographs and two of oddities."""
    folder = tmp_path_factory.mktemp("stock") / "instance"
    shutil.copytree(template, folder)
    app = app_at(folder)
    with app.app_context():
        repository_id = discovery.connect(stocked_sample.url, "rest", None).repository_id
        for name in ("Harbour photographs", "Odd metadata", "Special files"):
            handle = stocked_sample.data.named(name).handle
            scope = discovery.find(repository_id, ScopeKind.COLLECTION, handle).scope
            source_id = service.source_for(repository_id, scope)
            assert carry_out(
                queueing.create(source_id, ImportOptions(files=True, item_set_from_collection=True), comment=name)
            )
    let_go(app)
    return folder


@pytest.fixture
def stocked_app(tmp_path: Path, stock: Path) -> Iterator[Flask]:
    """An app with a copy of that catalogue."""
    instance = tmp_path / "stocked"
    shutil.copytree(stock, instance)
    app = app_at(instance)
    app.config["WTF_CSRF_ENABLED"] = False
    yield app
    let_go(app)


@pytest.fixture
def stocked_client(stocked_app: Flask) -> FlaskClient:
    """A browser without script, before that catalogue."""
    return stocked_app.test_client()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Start a PostgreSQL server once in a process."""
    with server() as url:
        yield url


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """Return the URL of an empty database."""
    return create_database(postgresql_server, f"tests_{next(NUMBERS)}")
