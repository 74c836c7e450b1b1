"""The client for DSpace 7 to 10 with the sample repository, through real HTTP."""

from __future__ import annotations

import ipaddress

import pytest

from connector.dspace import client, connect
from connector.dspace.hal import HalClient
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait
from tests.sample import SampleRepository

from .fake_hal import Hurried


@pytest.fixture(params=[7, 9, 10])
def sample(request):
    with SampleRepository(generation=request.param) as running:
        yield running


@pytest.fixture
def http(tmp_path):
    rule = AddressRule((ipaddress.ip_network("127.0.0.0/8"),))
    client = HttpClient(
        HttpSettings("DSpaceConnector/test", rule), ConcurrencyLimit(tmp_path, "sample"), OutageWait(stop=Hurried())
    )
    yield client
    client.close()


@pytest.fixture
def reader(http, sample) -> HalClient:
    server = connect(http, sample.url, "rest").server
    sample.reset()
    return client(http, server, outage=OutageWait(60, Hurried()), width=lambda: 4)
