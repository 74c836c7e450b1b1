"""Answers of every wrong shape: the client raises an error with a sentence, after few requests."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import HealthCheck, given, settings

from connector.dspace import client, connect
from connector.dspace.estimates import Sample
from connector.dspace.records import Failure, ScopeKind
from connector.errors import ConnectorError
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait
from tests.dspace.fake_hal import Hurried, nothing_seen
from tests.thoroughness import share

from .mutations import MOST_REQUESTS, Mutant, Mutation, mutations

RULE = AddressRule((ipaddress.ip_network("127.0.0.0/8"),))
COLLECTION = "Odd metadata"
EACH = share(350, part=15)  # for each of the six generations: 2,100 in all, if thorough


@pytest.fixture(scope="module", params=[4, 5, 6, 7, 9, 10], ids=lambda generation: f"DSpace {generation}")
def repository(request):
    with Mutant(request.param) as running:
        yield running


def read(http: HttpClient, url: str, handle: str) -> list[str]:
    """Everything an import asks for; gives the sentences of what could not be read."""
    stop = Hurried()
    server = connect(http, url, "rest").server
    reader = client(http, server, outage=OutageWait(60, stop, clock=lambda: stop.waited), width=lambda: 2)
    list(reader.communities())
    list(reader.collections())
    scope = reader.find(ScopeKind.COLLECTION, handle)
    reader.estimate(scope, Sample(["ORIGINAL"]), at_once=2)
    light = [item for page in reader.walk(scope, light=True, seen=nothing_seen) for item in page.items]
    told = [result.reason for result in reader.complete(light[:2]) if isinstance(result, Failure)]
    for page in reader.walk(scope, with_collection=True, with_access=True, seen=nothing_seen):
        told += [failure.reason for failure in page.failures]
    return told


@settings(
    max_examples=EACH,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(mutation=mutations)
def test_every_response_of_a_repository_ends_in_a_sentence(repository, tmp_path_factory, mutation: Mutation):
    repository.begin(mutation)
    http = HttpClient(
        HttpSettings("test", RULE), ConcurrencyLimit(tmp_path_factory.getbasetemp(), "fuzz"), OutageWait(stop=Hurried())
    )

    try:
        told = read(http, repository.url, repository.data.named(COLLECTION).handle)
    except ConnectorError as error:
        told = [str(error)]
    finally:
        http.close()

    assert len(repository.requests) < MOST_REQUESTS
    assert all(isinstance(sentence, str) and sentence.strip() for sentence in told)


def test_unchanged_answers_are_read_without_errors(repository, tmp_path):
    repository.begin(None)
    http = HttpClient(HttpSettings("test", RULE), ConcurrencyLimit(tmp_path, "fuzz"), OutageWait(stop=Hurried()))

    assert read(http, repository.url, repository.data.named(COLLECTION).handle) == []

    http.close()
    assert len(repository.requests) < MOST_REQUESTS / 4
