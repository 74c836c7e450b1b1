"""Finding the OAI-PMH of a DSpace whose REST API is closed, through real HTTP."""

from __future__ import annotations

import pytest

from connector.dspace import client, connect
from connector.dspace.oai import OaiClient
from connector.dspace.oai_api import MissingFormatError
from connector.errors import DamagedResponseError, NotDSpaceError, ServerError, UnreachableError
from connector.http import OutageWait
from tests.sample import SampleRepository
from tests.sample.oai import HEADERS, ROOT

from .recorded_oai import site_of, text_of


@pytest.fixture(params=[4, 5, 6, 7, 9, 10])
def closed(request):
    with SampleRepository(request.param, has_rest=False) as running:
        yield running


def test_a_closed_rest_api_leads_to_oai_with_name_generation_and_user_interface(http, closed):
    server = connect(http, closed.url, "rest").server

    assert server.speaks_oai
    assert server.api_url == closed.url + closed.oai.path
    assert (server.site_url, server.ui_url) == (closed.url, closed.url)
    assert (server.name, server.generation) == (closed.data.name, 7 if closed.generation >= 7 else 6)
    made = client(http, server, outage=OutageWait(0), width=lambda: 1)
    assert isinstance(made, OaiClient)


def test_the_page_of_an_object_leads_to_it_over_oai(http, closed):
    home = closed.data.named("Special files")

    found = connect(http, f"{closed.url}/handle/{home.handle}", "rest")

    assert (found.scope.id, found.scope.name) == (home.handle, home.name)


@pytest.mark.parametrize("form", ["path", "folder", "address", "url", "request"])
def test_a_typed_oai_address_is_used_although_rest_answers(http, form):
    with SampleRepository(9) as sample:
        address = sample.url + sample.oai.path
        url, endpoint = {
            "path": (sample.url, "server/oai/request"),
            "folder": (sample.url, "server/oai"),
            "address": (sample.url, address),
            "url": (address, "rest"),
            "request": (f"{address}?verb=Identify", "rest"),
        }[form]

        server = connect(http, url, endpoint).server

    assert (server.speaks_oai, server.api_url) == (True, address)


def test_rest_is_used_where_it_answers(http):
    with SampleRepository(9) as sample:
        server = connect(http, sample.url, "rest").server
        asked = [path for _method, path in sample.requests]

    assert not server.speaks_oai
    assert not any("oai" in path for path in asked)


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"status": 500}, ServerError), ({"drop": True}, UnreachableError), ({"cut": 30}, DamagedResponseError)],
    ids=["500", "drop", "cut"],
)
def test_a_rest_api_that_fails_for_now_is_not_replaced_by_oai(http, fault, error):
    with SampleRepository(9) as sample:
        sample.faults.add("/server/api", times=None, **fault)
        with pytest.raises(error):
            connect(http, sample.url, "rest")
        server = connect(http, sample.url, "server/oai/request").server

    assert server.speaks_oai


def test_oai_is_found_at_an_unusual_typed_endpoint(http):
    with SampleRepository(6, has_rest=False) as sample:
        sample.oai.path = "/harvest/here"
        server = connect(http, sample.url, "harvest/here").server

    assert (server.speaks_oai, server.api_url) == (True, f"{sample.url}/harvest/here")


def test_another_context_leads_to_that_with_all_items_and_is_used_only_without_it(http):
    with SampleRepository(6, has_rest=False) as sample:
        sample.oai.other_context = "driver"
        whole = connect(http, sample.url, "oai/driver").server
        sample.faults.add("/oai/request", times=None, status=404)
        part = connect(http, sample.url, "oai/driver").server

    assert (whole.api_url, part.api_url) == (f"{sample.url}/oai/request", f"{sample.url}/oai/driver")


def test_oai_without_a_format_that_has_all_values_is_refused_with_that_reason(http):
    with SampleRepository(6, has_rest=False) as sample:
        sample.oai.formats = ("oai_dc",)
        with pytest.raises(MissingFormatError, match="oai/request gives no records in the formats of DSpace"):
            connect(http, sample.url, "rest")


def test_a_refused_format_that_the_server_lists_is_not_replaced_by_another(http):
    with SampleRepository(6, has_rest=False) as sample:
        refused = f'{ROOT}<error code="cannotDisseminateFormat">No</error></OAI-PMH>'
        sample.faults.add("metadataPrefix=xoai", times=None, body=refused, headers=HEADERS)
        with pytest.raises(MissingFormatError):
            connect(http, sample.url, "rest")


def test_a_repository_that_is_no_dspace_is_not_read_over_oai(http):
    answers = {"verb=Identify": text_of("identify"), "verb=ListRecords": text_of("error-badprefix")}
    with (
        site_of(lambda query: next((text for verb, text in answers.items() if verb in query), "<html/>")) as site,
        pytest.raises(NotDSpaceError),
    ):
        connect(http, site.url, "oai/request")


def test_an_internal_address_of_the_user_interface_is_not_used_for_downloads(http, closed):
    closed.data.site = "http://internal.invalid:4000"

    assert connect(http, closed.url, "rest").server.ui_url is None
