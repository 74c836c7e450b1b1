"""The settings page, the import options and the command line for OAI-PMH beside a REST API."""

from __future__ import annotations

import re

import pytest

from connector.extensions import db, transaction
from connector.models.repositories import Repository
from connector.repositories import discovery
from tests.pages import words
from tests.sample import SampleRepository

SWITCH = "Use OAI-PMH beside the REST API"


@pytest.fixture
def connected(app, client, sample):
    """A client whose repository 1 answers over OAI-PMH, too."""
    with app.app_context():
        discovery.connect(sample.url, "rest", None)
        with transaction():
            db.session.get_one(Repository, 1).oai_url = sample.url + sample.oai.path
    return client


def settings(sample: SampleRepository, **changed: str) -> dict[str, str]:
    return {"name": "", "url": sample.url, "endpoint": "server/api", "limit": "", "delay": ""} | changed


def repository(app) -> Repository:
    with app.app_context():
        return db.session.get_one(Repository, 1)


def is_ticked(page: str) -> bool:
    [box] = re.findall(r'<input[^>]* name="uses_oai"[^>]*>', page)
    return " checked" in box


def test_the_import_options_name_both_interfaces_unless_one_is_switched_off(connected, sample):
    page = words(connected.get("/repositories/1/"))
    connected.post("/repositories/1/change", data=settings(sample))
    without = words(connected.get("/repositories/1/"))

    assert "Found DSpace 9.3 at server/api; OAI-PMH at server/oai/request" in page
    assert "OAI-PMH" not in without


def test_the_switch_is_saved_and_shown_without_a_request(app, connected, sample):
    sample.reset()

    form = connected.get("/repositories/1/change").text
    connected.post("/repositories/1/change", data=settings(sample))
    changed = connected.get("/repositories/1/change").text

    assert not repository(app).uses_oai
    assert [is_ticked(text) for text in (form, changed)] == [True, False]
    connected.post("/repositories/1/change", data=settings(sample, uses_oai="y"))
    assert repository(app).uses_oai
    assert sample.requests == []


@pytest.mark.parametrize(("generation", "has_rest"), [(6, True), (9, False)])
def test_a_repository_that_is_read_in_one_way_has_no_switch(app, client, generation, has_rest):
    with SampleRepository(generation, has_rest=has_rest) as sample:
        client.post("/repositories/", data={"url": sample.url, "endpoint": "rest", "limit": ""})

        page = words(client.get("/repositories/1/change"))

    assert "Pause" in page
    assert SWITCH not in page


def test_a_repository_that_has_moved_is_searched_for_oai_again(app, connected):
    with SampleRepository(9) as moved:
        connected.post("/repositories/1/change", data=settings(moved))

        assert (repository(app).api_url, repository(app).oai_url) == (f"{moved.url}/server/api", None)


def test_the_command_line_switches_oai_off_and_on_and_otherwise_keeps_the_setting(app, sample):
    home, used = sample.data.named("Special files").handle, []

    for options in (["--no-oai"], [], ["--oai"]):
        with app.app_context():
            done = app.test_cli_runner().invoke(
                args=["import", sample.url, *options, "--collection", home, "--estimate", "--json"]
            )
        assert done.exit_code == 0, done.output
        used.append(repository(app).uses_oai)

    assert used == [False, False, True]
