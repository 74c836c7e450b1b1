"""Connecting to a server that answers too slowly ends in time, with a sentence."""

from __future__ import annotations

import pytest

from connector.errors import RequestTimeoutError
from connector.repositories import discovery
from tests.sample import SampleRepository


@pytest.mark.parametrize("fault", [{"hang": True}, {"drip": 0.05, "body": " " * 100_000}], ids=["hang", "drip"])
def test_connecting_to_a_server_without_end_is_given_up(app, fault):
    with SampleRepository(9) as sample, app.app_context():
        sample.faults.add("", times=None, **fault)

        with pytest.raises(RequestTimeoutError, match="The server answers too slowly"):
            discovery.connect(sample.url, "rest", None, seconds=0.2)

        assert len(sample.requests) <= 1
        sample.faults.clear()


def test_connecting_to_a_server_that_is_slow_everywhere_is_given_up(app):
    with SampleRepository(9) as sample, app.app_context():
        sample.faults.add("", times=None, delay=0.2, status=404)

        with pytest.raises(RequestTimeoutError, match="answers too slowly"):
            discovery.connect(sample.url, "rest", None, seconds=0.3)
