"""Estimates before an import, with the sample repository through real HTTP."""

from __future__ import annotations

import pytest

from connector.dspace import client
from connector.dspace.estimates import Sample
from connector.dspace.records import Item, Page, Scope, ScopeKind, Server
from connector.errors import NotFoundError, RestrictedError
from connector.http import OutageWait
from connector.ranges import Range
from tests.sample import Repository, SampleRepository, grow

from .fake_hal import Hurried

GENERATIONS = [4, 5, 6, 7, 9, 10]
NEW, OLD = (7, 9, 10), (4, 5, 6)
MOST_REQUESTS = 12


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
    return client(http, server, outage=OutageWait(60, Hurried()), width=lambda: 4)


def scope_of(kind: ScopeKind, thing, generation: int) -> Scope:
    return Scope(kind, str(thing.number) if generation in (4, 5) else thing.uuid)


def test_a_collection_is_estimated_before_it_is_read(reader, sample, generation):
    home = scope_of(ScopeKind.COLLECTION, sample.home, generation)

    plain = reader.estimate(home, Sample(), at_once=4)
    asked = len(sample.requests)
    whole = reader.estimate(home, Sample(["ORIGINAL"]), at_once=4)

    requests = 23 if generation in NEW else 5 if generation > 4 else 1 + 230
    assert (plain.items, plain.requests, plain.files, plain.bytes) == (230, requests, None, None)
    assert (whole.items, whole.requests, whole.files) == (230, requests + 460, 460)
    assert 0 < plain.seconds.low < plain.seconds.high
    assert asked <= MOST_REQUESTS
    assert len(sample.requests) - asked <= MOST_REQUESTS


def test_the_size_of_the_files_is_within_the_estimated_range(reader, sample, generation):
    for number, item in enumerate(sample.data.items.values()):
        if number >= 20:
            sample.data.add_file(item, "later.bin", bytes(20_000 + 100 * (number % 7)))
    home = scope_of(ScopeKind.COLLECTION, sample.home, generation)

    told = reader.estimate(home, Sample(["ORIGINAL"]), at_once=4)

    files = [file for item in sample.data.items.values() for file in item.bitstreams if file.bundle.name == "ORIGINAL"]
    size = sum(len(file.content) for file in files)
    assert told.bytes.low <= size <= told.bytes.high
    assert told.bytes.high < 4 * size


def test_files_of_the_chosen_bundles_are_estimated(reader, sample, generation):
    home = scope_of(ScopeKind.COLLECTION, sample.home, generation)

    texts, both = (reader.estimate(home, Sample(names), at_once=4) for names in (["TEXT"], ["ORIGINAL", "TEXT"]))

    assert (texts.files, texts.bytes) == (230, Range(230 * 7, 230 * 7))
    assert both.files == 690


def test_a_community_and_a_repository_are_estimated_too(reader, sample, generation):
    above = scope_of(ScopeKind.COMMUNITY, sample.home.parent, generation)

    [community, repository] = [
        reader.estimate(scope, Sample(["ORIGINAL"]), at_once=4) for scope in (above, Scope(ScopeKind.REPOSITORY))
    ]

    assert (community.items, repository.items) == (230, 230)
    assert (community.files, repository.files) == (460, 460)
    assert repository.requests - community.requests == (5 if generation in (5, 6) else 0), "the list of all items"
    assert len(sample.requests) <= 2 * MOST_REQUESTS


def test_an_empty_collection_takes_one_request(reader, sample, generation):
    empty = scope_of(ScopeKind.COLLECTION, sample.data.named("Empty"), generation)

    told = reader.estimate(empty, Sample(["ORIGINAL"]), at_once=4)

    assert (told.items, told.requests, told.files, told.bytes) == (0, 1, 0, Range(0, 0))


def test_the_estimate_of_a_single_item_counts_one_item(reader, sample, generation):
    item = next(iter(sample.data.items.values()))

    told = reader.estimate(scope_of(ScopeKind.ITEM, item, generation), Sample(["ORIGINAL"]), at_once=4)

    size = sum(len(file.content) for file in item.bitstreams[:2])
    assert (told.items, told.files, told.bytes) == (1, 2, Range(size, size))


def test_an_unknown_scope_is_not_estimated(reader, generation):
    unknown = "00000000-0000-0000-0000-000000000001" if generation > 5 else "999"

    with pytest.raises(NotFoundError if generation > 4 else RestrictedError):  # 4 does not tell one from the other
        reader.estimate(Scope(ScopeKind.COLLECTION, unknown), Sample(), at_once=4)


def test_a_slow_first_answer_and_a_long_sample_are_no_measure():
    """The clock moves only as the requests take time: a cold one of 8 s, then warm ones of 1 s until 10 s are over."""
    now = [0.0]
    sample = Sample(clock=lambda: now[0])

    def page(seconds: float) -> Page:
        now[0] += seconds
        return Page(tuple(Item(f"{now[0]}-{number}", None, None, None, (), ()) for number in range(10)), {})

    sample.read(lambda: page(8.0))
    reads = 0
    while not sample.is_long:
        sample.read(lambda: page(1.0))
        reads += 1

    told = sample.estimate(1000, 100, at_once=4)
    assert reads == 3
    assert 10 < told.seconds.low < 25 < 100 <= told.seconds.high < 130
