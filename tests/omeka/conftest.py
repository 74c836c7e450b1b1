"""A client of Omeka S, and the stand-in for a site."""

import ipaddress
import threading

import pytest

from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait, QueryKey
from connector.omeka.omeka_client import OmekaClient
from tests.omeka_server import Omeka


class Waits(threading.Event):
    """A stop whose waits end at once."""

    def wait(self, timeout=None):
        return self.is_set()


@pytest.fixture
def omeka():
    with Omeka() as omeka:
        yield omeka


@pytest.fixture
def client_at(tmp_path):
    made = []

    def client_at(api_url, key, **settings):
        settings = HttpSettings(user_agent="test", rule=AddressRule((ipaddress.ip_network("127.0.0.0/8"),)), **settings)
        pace = ConcurrencyLimit(tmp_path, "omeka", 2)
        made.append(HttpClient(settings, pace, OutageWait(86_400, Waits()), QueryKey(api_url, key)))
        return OmekaClient(made[-1], api_url)

    yield client_at
    for http in made:
        http.close()


@pytest.fixture
def client(client_at, omeka):
    return client_at(f"{omeka.url}/api", omeka.admin.key)
