"""The pages and the command line for a repository that is read over OAI-PMH."""

from __future__ import annotations

import json
import shutil

import pytest

from connector.extensions import db
from connector.imports.results import request_log
from connector.jobs import lifecycle
from connector.models.jobs import Job
from connector.models.repositories import Repository
from connector.repositories import credentials, discovery
from connector.tasks import carry_out
from tests.command_line import CommandLine
from tests.pages import FRAGMENT, buttons, words
from tests.sample import SampleRepository
from tests.sample.login import NAME, PASSWORD

CANNOT_KNOW = "Items that are not public are not listed, and changes appear only after the repository has updated"


@pytest.fixture
def closed():
    with SampleRepository(6, has_rest=False) as running:
        yield running


@pytest.fixture
def connected(client, closed):
    page = client.post("/repositories/", data={"url": closed.url, "endpoint": "rest", "limit": ""})
    assert page.status_code == 303
    return client


def test_the_import_options_say_what_was_found_and_what_cannot_be_known(connected):
    page = words(connected.get("/repositories/1/"))

    assert "Found DSpace at oai/request, over OAI-PMH" in page
    assert CANNOT_KNOW in page
    assert "Password" not in page


def test_a_repository_read_over_rest_says_nothing_about_oai(client, sample):
    client.post("/repositories/", data={"url": sample.url, "endpoint": "rest", "limit": ""})

    assert "OAI-PMH" not in words(client.get("/repositories/1/"))


def test_the_lists_have_the_tree_and_the_counts_of_the_records(connected, closed):
    page = connected.get("/repositories/1/collections", headers=FRAGMENT)

    items = [one for one in closed.data.items.values() if one.readable and one.in_archive and one.discoverable]
    home, above = closed.data.named("Special files"), closed.data.named("City Library of Aldermouth")
    inside = sum(home in item.collections for item in items)
    below = sum(above in closed.data.ancestors(item) for item in items)
    assert f"collection:{home.handle}" in buttons(page, "scope")
    assert f"Laboratory for Unusual Records Odd metadata 14 items Import Special files {inside} items" in words(page)
    assert f"City Library of Aldermouth {below} items Import whole community" in words(page)
    assert f"{closed.url}/handle/{home.handle}".encode() in page.data


def test_a_collection_is_imported_from_its_button_and_the_job_says_what_cannot_be_known(app, connected, closed):
    home = closed.data.named("Harbour photographs")
    connected.post("/repositories/1/", data={"scope": f"collection:{home.handle}", "item_set": ""})

    with app.app_context():
        job_id = db.session.scalars(db.select(Job.id)).one()
        assert carry_out(job_id)
        job = lifecycle.get(job_id)
        log = request_log.text(job, "")
        shown = [item for item in closed.data.items.values() if item.collection is home and item.readable]
        assert (job.clean, job.counts["seen"]) == (True, len(shown))
        newest = max(item.last_modified for item in shown).strftime("%Y-%m-%d")
        assert f"The newest record is of {newest}." in job.message
        assert "(DSpace at oai/request, over OAI-PMH)" in log


def test_a_login_is_refused_and_forgotten_when_a_repository_moves_to_oai(app, closed):
    with app.app_context():
        closed.has_rest = True
        repository_id = discovery.connect(closed.url, "rest", None).repository_id
        credentials.sign_in(repository_id, NAME, PASSWORD)
        closed.has_rest = False

        connected = discovery.connect(closed.url, "rest", None)

        repository = db.session.get_one(Repository, repository_id, populate_existing=True)
        assert (connected.repository_id, connected.login_forgotten) == (repository_id, True)
        assert (repository.speaks_oai, repository.login_name) == (True, None)


def test_the_command_line_imports_from_a_typed_oai_endpoint(tmp_path, template, closed):
    flask = CommandLine(shutil.copytree(template, tmp_path / "instance"))
    home = closed.data.named("Harbour photographs")

    code, out, _progress = flask(
        "import", closed.url, "--endpoint", f"{closed.url}/oai/request", "--collection", home.handle, "--json"
    )

    assert code == 0
    assert json.loads(out)["added"] == sum(item.collection is home for item in closed.data.items.values())
