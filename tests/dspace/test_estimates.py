"""What a client tells before an import starts, against the sample repository through real HTTP."""

from __future__ import annotations

import pytest

from connector.dspace import client
from connector.dspace.records import Estimate, Scope, ScopeKind, Server
from connector.errors import NotFound, Restricted
from connector.http import OutageWait
from tests.sample import Repository, SampleRepository, grow

from .fake_hal import Hurried
from .test_hal_sample import http

__all__ = ["http"]

GENERATIONS = [4, 5, 6, 7, 9, 10]
NEW, OLD = (7, 9, 10), (4, 5, 6)
LIGHT = {4: 1, 5: 5, 6: 5} | dict.fromkeys(NEW, 12)  # requests of a walk that only lists


@pytest.fixture(params=GENERATIONS)
def generation(request):
    return request.param


@pytest.fixture
def sample(generation):
    """One collection of 230 items with two files and a text of theirs, and an empty one."""
    data = Repository()
    top = data.add_community("Top")
    with SampleRepository(generation, data=data) as running:
        home = grow(data, items=230, files=2)
        for item in list(data.items.values()):
            data.add_file(item, "text.txt", b"derived", bundle="TEXT")
        data.add_collection("Empty", top)
        running.home = home
        yield running


@pytest.fixture
def reader(http, sample, generation):
    api = f"{sample.url}/rest" if generation in OLD else f"{sample.url}/server/api"
    server = Server(sample.url, api, generation, f"{generation}.0")
    return client(http, server, patience=OutageWait(60, Hurried()), width=lambda: 4)


def scope_of(kind: ScopeKind, thing, generation: int) -> Scope:
    return Scope(kind, str(thing.number) if generation in (4, 5) else thing.uuid)


def test_a_collection_is_estimated_before_it_is_read(reader, sample, generation):
    home = scope_of(ScopeKind.COLLECTION, sample.home, generation)

    light = reader.estimate(home, files=True, light=True)
    plain = reader.estimate(home, files=False, light=False)
    whole = reader.estimate(home, files=True, light=False)

    assert light == Estimate(230, LIGHT[generation])
    assert plain == Estimate(230, 23 if generation in NEW else 5 if generation > 4 else 1 + 230)
    assert (whole.items, whole.requests) == (230, 23 + 460 if generation in NEW else plain.requests)
    of_the_first_items = len("0/0\n")
    told = (460, 460 * of_the_first_items) if generation in NEW else (None, None)
    assert (whole.files, whole.bytes) == told
    assert len(sample.requests) <= 4


def test_a_community_and_a_repository_are_estimated_too(reader, sample, generation):
    above = scope_of(ScopeKind.COMMUNITY, sample.home.parent, generation)

    [community, repository] = [
        reader.estimate(scope, files=False, light=True) for scope in (above, Scope(ScopeKind.REPOSITORY))
    ]

    assert community == Estimate(230, LIGHT[generation])
    assert repository == Estimate(230, LIGHT[generation] + (generation in OLD))


def test_an_empty_collection_takes_one_request(reader, sample, generation):
    empty = scope_of(ScopeKind.COLLECTION, sample.data.named("Empty"), generation)

    files = 0 if generation in NEW else None
    assert reader.estimate(empty, files=True, light=False) == Estimate(0, 1, files, files)


def test_a_single_item_is_one(reader, sample, generation):
    item = next(iter(sample.data.items.values()))

    estimate = reader.estimate(scope_of(ScopeKind.ITEM, item, generation), files=True, light=False)

    assert estimate.items == 1
    if generation in NEW:
        assert (estimate.files, estimate.bytes) == (2, sum(len(file.content) for file in item.bitstreams[:2]))


def test_what_is_not_there_is_not_estimated(reader, generation):
    unknown = "00000000-0000-0000-0000-000000000001" if generation > 5 else "999"

    with pytest.raises(NotFound if generation > 4 else Restricted):  # 4 does not tell one from the other
        reader.estimate(Scope(ScopeKind.COLLECTION, unknown), files=False, light=True)
