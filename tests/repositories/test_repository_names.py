"""People name repositories. DSpace 4 to 6 give no name, so one is proposed."""

from __future__ import annotations

import re

import pytest

from connector.dspace.records import ScopeKind, Server
from connector.dspace.site_names import propose_name
from connector.errors import NotFoundError
from connector.extensions import transaction
from connector.http import WebPage
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.repositories import discovery, service
from connector.repositories.connections import connection_to
from connector.tasks import carry_out
from tests.pages import words
from tests.sample import SampleRepository

OLD = Server("https://library.example", "https://library.example/rest", 6, "6.3")
CHANGE = {"endpoint": "server/api", "limit": "", "delay": ""}


def connect(client, url):
    return client.post("/repositories/", data={"url": url, "endpoint": "rest", "limit": ""})


class Site:
    """A site with these top communities, and this title and status of its home page."""

    def __init__(self, communities, title, status=200):
        self.communities, self.title, self.status = communities, title, status

    def get_json(self, url, params=None, **how):
        if self.communities is None:
            raise NotFoundError("There is no such list.", url)
        return self.communities

    def get_page(self, url, **how):
        return WebPage(url, f"<html><head><title>{self.title}</title></head></html>".encode(), self.status)


def test_a_name_is_saved_without_a_request_and_shown_everywhere(client, sample):
    connect(client, sample.url)
    sample.reset()

    answer = client.post("/repositories/1/change", data=CHANGE | {"url": sample.url, "name": "مكتبة Our library"})

    assert (answer.status_code, answer.location) == (303, "/repositories/1/")
    assert "The settings of مكتبة Our library were saved." in words(client.get(answer.location))
    assert "مكتبة Our library" in words(client.get("/repositories/"))
    assert sample.requests == []


def test_limits_are_saved_while_the_repository_does_not_answer(app, client, sample):
    connect(client, sample.url)
    sample.faults.add("/", times=None, status=503)

    answer = client.post("/repositories/1/change", data=CHANGE | {"url": sample.url, "limit": "20", "delay": "0.5"})

    assert answer.status_code == 303
    with app.app_context():
        repository = service.get(1)
        assert (repository.limit, repository.delay) == (20, 0.5)


def test_a_name_survives_a_new_connection_and_an_empty_one_gives_the_own_name_back(client, sample):
    connect(client, sample.url)
    client.post("/repositories/1/change", data=CHANGE | {"url": sample.url, "name": "Our library"})

    connect(client, sample.url)
    named = client.get("/repositories/1/")
    client.post("/repositories/1/change", data=CHANGE | {"url": sample.url, "name": ""})

    assert "Our library" in words(named)
    assert f'<h1 dir="auto">{sample.data.name}</h1>' in client.get("/repositories/1/").text


def test_a_repository_that_moves_keeps_its_name(client, sample):
    connect(client, sample.url)
    with SampleRepository(9, data=sample.data) as moved:
        client.post("/repositories/1/change", data=CHANGE | {"url": moved.url, "name": "Our library"})

        page = client.get("/repositories/1/")

    assert "Our library" in words(page)
    assert moved.url in words(page)


def test_the_form_of_a_known_repository_saves_and_keeps_what_was_typed(client, sample):
    connect(client, sample.url)

    form = client.get("/repositories/1/change")
    refused = client.post("/repositories/1/change", data=CHANGE | {"url": "ftp://x", "name": "Our library"})

    assert re.search(r"<button[^>]*>Save</button>", form.text)
    assert f'value="{sample.data.name}"' in form.text
    assert refused.status_code == 422
    assert 'value="Our library"' in refused.text
    assert 'value="ftp://x"' in refused.text


def test_an_older_dspace_is_named_by_its_home_page(client):
    with SampleRepository(6) as sample:
        connect(client, sample.url)

        assert f'<h1 dir="auto">{sample.data.name}</h1>' in client.get("/repositories/1/").text


@pytest.fixture
def nameless(client, app):
    """A DSpace 6 that an earlier version has connected, and so without a name."""
    with SampleRepository(6) as sample:
        connect(client, sample.url)
        with app.app_context(), transaction():
            service.get(1).name = None
        sample.reset()
        yield sample


def name_of(app) -> str | None:
    with app.app_context():
        return service.get(1).name


def test_an_older_dspace_without_a_name_gets_one_when_its_list_is_read(app, client, nameless):
    client.get("/repositories/1/collections")

    assert name_of(app) == nameless.data.name


def test_an_older_dspace_without_a_name_gets_one_with_the_next_import(app, nameless):
    with app.app_context():
        scope = discovery.find(1, ScopeKind.COLLECTION, nameless.data.named("Odd metadata").handle).scope
        assert carry_out(queueing.create(service.source_for(1, scope), ImportOptions()))

    assert name_of(app) == nameless.data.name


def test_a_repository_that_gives_no_name_is_not_asked_with_each_import(app, nameless):
    nameless.faults.add("top-communities", times=None, status=404)
    nameless.faults.add(lambda path: "/rest" not in path, times=None, status=404)
    asked = []

    for _ in range(2):
        with app.app_context(), connection_to(service.get(1)) as connection:
            discovery.save_proposed_name(1, connection)
            asked.append(connection.requests_made)

    assert name_of(app) is None
    assert asked == [2, 0]


@pytest.mark.parametrize(
    ("communities", "title", "name"),
    [
        ([{"name": " City Library "}], "Whatever", "City Library"),
        ([{"name": "A"}, {"name": "B"}], "Digital Library of Aldermouth", "Digital Library of Aldermouth"),
        (None, "Aldermouth Repository: Home", "Aldermouth Repository"),
        (None, "DSpace Home", None),
        (None, "DSpace at My University: Home", None),
        (None, "", None),
    ],
)
def test_the_only_top_community_or_the_title_is_the_name(communities, title, name):
    assert propose_name(Site(communities, title), OLD) == name


@pytest.mark.parametrize("status", [403, 404])
def test_the_title_of_an_error_page_is_no_name(status):
    assert propose_name(Site([], "404 Not Found", status), OLD) is None
