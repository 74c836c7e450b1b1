"""The connection form and the known repositories."""

from __future__ import annotations

import re

import pytest

from connector.accounts.authorization import allows
from connector.dspace.records import Scope, ScopeKind
from connector.repositories import service
from tests.pages import FRAGMENT, links, words
from tests.ports import free_port
from tests.sample import SampleRepository


def connect(client, url, endpoint="rest", limit=""):
    return client.post("/repositories/", data={"url": url, "endpoint": endpoint, "limit": limit})


def test_the_form_asks_for_site_endpoint_and_limit(client):
    page = client.get("/repositories/")

    assert page.status_code == 200
    for word in ("DSpace site URL", "Endpoint", "Limit", "Get collections and communities"):
        assert word in words(page)
    assert b'value="rest"' in page.data


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"url": "repository"}, "Enter the address of the repository as in your browser"),
        ({"url": "123456789/7"}, "Enter the address of the repository as in your browser"),
        ({"url": "ftp://repository.example.edu"}, "Enter the address of the repository as in your browser"),
        ({"url": "http://repository example.edu"}, "Enter the address of the repository as in your browser"),
        ({"url": ""}, "Enter the address of the repository as in your browser"),
        ({"endpoint": ""}, "The endpoint is the path of the API below the site"),
        ({"endpoint": "ftp://x"}, "Enter the address of the repository as in your browser"),
        ({"limit": "0"}, "The limit is a whole number from 1 to 1,000."),
        ({"limit": "many"}, "The limit is a whole number from 1 to 1,000."),
    ],
)
def test_invalid_input_is_reported_at_its_field_and_kept(client, typed, sentence):
    data = {"url": "https://repository.example.edu", "endpoint": "server/api", "limit": "20"} | typed

    page = client.post("/repositories/", data=data)

    assert page.status_code == 422
    assert sentence in words(page)
    (field,) = typed
    assert f'id="{field}-error"'.encode() in page.data
    assert re.search(rf'<input [^>]*autofocus[^>]* id="{field}"', page.text)
    for value in filter(None, data.values()):
        assert f'value="{value}"'.encode() in page.data


def test_a_refused_connection_is_reported_at_the_address_field(client):
    page = connect(client, f"http://127.0.0.1:{free_port()}")

    assert page.status_code == 422
    assert b'id="url-error"' in page.data


@pytest.mark.parametrize("host", ["*.example", "ⓛocalhost"])
def test_an_impossible_host_name_is_no_address(client, host):
    page = connect(client, f"http://{host}/")

    assert page.status_code == 422
    assert "is not an address on the web, such as https://example.org/" in words(page)


def test_a_restricted_repository_is_reported_at_the_address_field(client, sample):
    sample.faults.add("/", times=None, status=401)

    page = connect(client, sample.url)

    assert page.status_code == 422
    assert b'id="url-error"' in page.data
    assert sample.url.encode() in page.data


def test_an_address_that_may_not_be_reached_is_refused_with_the_setting_that_allows_it(app, client, sample):
    app.config["ALLOWED_NETWORKS"] = ()

    page = connect(client, sample.url)

    assert page.status_code == 422
    assert "CONNECTOR_ALLOWED_NETWORKS" in words(page)
    assert sample.requests == []


@pytest.mark.parametrize(("generation", "found"), [(9, "DSpace 9.3 at server/api"), (6, "DSpace 6.3 at rest")])
def test_a_repository_that_answers_leads_to_its_import_options(client, generation, found):
    with SampleRepository(generation) as sample:
        answer = connect(client, sample.url)

        assert (answer.status_code, answer.location) == (303, "/repositories/1/")
        assert found in words(client.get(answer.location))


def test_the_address_of_a_collection_offers_that_collection_first(client, sample):
    collection = sample.data.named("Harbour photographs")

    answer = connect(client, f"{sample.url}/collections/{collection.uuid}")
    page = client.get(answer.location)

    assert "You gave the address of the collection Harbour photographs" in words(page)
    assert f'value="collection:{collection.handle}"'.encode() in page.data


def test_the_name_of_an_offered_collection_is_escaped(stocked_client):
    page = stocked_client.get("/repositories/1/", query_string={"offer": "collection:1/2", "name": "<script>x()"})

    assert b'the collection <b dir="auto">&lt;script&gt;x()</b>.' in page.data


def test_a_very_long_name_of_a_collection_fits_in_the_header_that_leads_to_it(client, sample):
    collection = sample.data.named("Harbour photographs")
    collection.name = "\u6e2f" * 2000

    answer = connect(client, f"{sample.url}/collections/{collection.uuid}")

    assert answer.status_code == 303
    assert len(f"Location: {answer.location}") < 2048


def test_a_filter_with_too_many_words_is_refused_in_the_list(client, sample):
    connect(client, sample.url)

    page = client.get("/repositories/1/collections", query_string={"q_collections": "word " * 31}, headers=FRAGMENT)

    assert "The search has too many words. Use at most 30." in words(page)


def test_a_known_repository_can_be_opened_changed_and_forgotten(client, sample):
    connect(client, sample.url, limit="50")

    page = client.get("/repositories/")

    assert sample.data.name in words(page)
    for address in ("/repositories/1/", "/repositories/1/change", "/repositories/1/forget"):
        assert address in links(page)


def test_the_change_form_shows_the_current_address_and_moves_the_repository(client, sample):
    connect(client, sample.url, limit="50")
    form = client.get("/repositories/1/change")
    assert f'value="{sample.url}"'.encode() in form.data
    assert b'value="50"' in form.data

    with SampleRepository(9, data=sample.data) as moved:
        answer = client.post("/repositories/1/change", data={"url": moved.url, "endpoint": "rest", "limit": ""})

        assert answer.location == "/repositories/1/"
        assert moved.url in words(client.get("/repositories/"))
        assert sample.url not in words(client.get("/repositories/"))


def test_a_repository_is_forgotten_only_after_asking(client, sample):
    connect(client, sample.url)

    assert "Forget repository" in words(client.get("/repositories/1/forget"))
    page = client.post("/repositories/1/forget", follow_redirects=True)

    assert f"{sample.data.name} was forgotten." in words(page)
    assert client.get("/repositories/1/").status_code == 404


def test_the_page_before_a_repository_is_forgotten_names_its_first_20_past_imports(client, sample):
    connect(client, sample.url)
    with client.application.app_context():
        for number in range(1, 23):
            service.source_for(1, Scope(ScopeKind.COLLECTION, str(number), f"1/{number}", f"Shelf {number}"))

    page = words(client.get("/repositories/1/forget"))

    assert "Shelf 1 Shelf 2" in page
    assert "Shelf 20 And 2 more." in page


def test_a_repository_with_items_in_the_catalogue_is_not_forgotten(stocked_client):
    page = stocked_client.post("/repositories/1/forget")

    assert page.status_code == 409
    assert "The catalogue holds items of" in words(page)
    assert stocked_client.get("/repositories/1/").status_code == 200


def test_a_form_without_its_token_is_refused_with_a_sentence(app, sample):
    page = connect(app.test_client(), sample.url)

    assert page.status_code == 400
    assert "Reload the page and try again" in words(page)
    assert sample.requests == []


def test_an_unknown_page_says_so_and_links_to_the_start(client):
    page = client.get("/repositories/7/")

    assert page.status_code == 404
    assert "There is no repository 7." in words(page)
    assert "/" in links(page)


def test_an_unexpected_error_is_shown_as_one_plain_sentence(app, client):
    @app.get("/broken")
    @allows(None)
    def broken():
        raise RuntimeError("secret details")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    page = client.get("/broken")

    assert page.status_code == 500
    assert "Something went wrong in this app." in words(page)
    assert b"secret details" not in page.data


def test_a_pause_between_requests_is_stored_shown_and_refused_if_invalid(app, client, sample):
    form = {"url": sample.url, "endpoint": "rest", "limit": "", "delay": "0,05"}
    client.post("/repositories/", data=form)

    with app.app_context():
        assert service.get(1).delay == 0.05
    assert 'value="0.05"' in client.get("/repositories/1/change").text
    client.post("/repositories/", data=form | {"delay": ""})
    with app.app_context():
        assert service.get(1).delay == 0
    refused = client.post("/repositories/", data=form | {"delay": "61"})
    assert refused.status_code == 422
    assert "from 0 to 60" in refused.text
