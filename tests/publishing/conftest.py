"""A catalogue with imported items, an Omeka S site, and a destination for it."""

import pytest

from connector.publishing import destinations
from connector.publishing.destinations import DestinationSettings
from tests.omeka_server import Omeka


@pytest.fixture
def omeka():
    with Omeka() as omeka:
        yield omeka


def added(omeka: Omeka, name: str = "Library", **settings) -> int:
    """Add the site as a destination and return its id."""
    key = omeka.admin
    return destinations.add(omeka.url, key.identity, key.credential, DestinationSettings(name, **settings))


@pytest.fixture
def library(app, omeka) -> int:
    """Return the id of a destination without files, in the app of the test module."""
    return added(omeka)
