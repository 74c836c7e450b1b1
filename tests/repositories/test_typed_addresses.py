"""Connecting to an address as people type it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.pages import words
from tests.sample import SampleRepository


def connect(client, url):
    return client.post("/repositories/", data={"url": url, "endpoint": "rest", "limit": ""})


@pytest.mark.parametrize("form", ["{host}", "  {host}/  ", "{host}/home", "{host}/search?query=harbour", "<{host}/>"])
def test_an_address_without_scheme_is_tried_with_https_and_then_with_http(client, sample, form):
    answer = connect(client, form.format(host=urlsplit(sample.url).netloc))

    assert (answer.status_code, answer.location) == (303, "/repositories/1/")
    assert sample.url in words(client.get(answer.location))


def test_an_address_that_does_not_answer_keeps_what_was_typed(client):
    page = connect(client, " no-such-host.invalid/home ")

    assert page.status_code == 422
    assert 'value=" no-such-host.invalid/home "' in page.text
    assert "no host named no-such-host.invalid" in words(page)


def test_the_page_of_a_file_offers_its_item(client, sample):
    item = next(item for item in sample.data.items.values() if item.bundles and item.is_open)
    file = item.bundles[0].bitstreams[0]

    answer = connect(client, f"{sample.url}/bitstreams/{file.uuid}/download")

    assert f"offer=item:{item.handle}" in answer.location.replace("%3A", ":").replace("%2F", "/")


@pytest.mark.parametrize("form", ["/bitstream/handle/{handle}/photo.jpg", "/jspui/bitstream/{handle}/1/photo.jpg"])
def test_the_address_of_a_file_of_an_older_dspace_offers_its_item(client, form):
    with SampleRepository(6) as sample:
        handle = next(item.handle for item in sample.data.items.values() if item.is_open)

        answer = connect(client, sample.url + form.format(handle=handle))

        assert f"item:{handle}" in answer.location.replace("%3A", ":").replace("%2F", "/")
