"""A random repository, read over REST and with OAI-PMH beside it: both walks give the same items.

The index of OAI-PMH is made at a random time and renewed in part. The repository changes before, since and while it is
read, and OAI-PMH fails in many ways.
"""

from __future__ import annotations

import ipaddress
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from msgspec import structs

from connector.dspace.hal import HalClient
from connector.dspace.records import Item, Scope, ScopeKind, Server
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait
from tests.sample import Repository, SampleRepository
from tests.sample.answers import Answer, Request
from tests.sample.records import Item as SampleItem
from tests.thoroughness import share

from .fake_hal import Hurried
from .recorded_oai import text_of

VERSIONS = {7: "7.6", 9: "9.3", 10: "10.0"}
TEXTS = ["Plain", "Ünïcode 陈, 静", "a & b", "a &amp; b", "<b>", '"it\'s"', " trimmed ", "line\nbreak", "\x0bcontrol"]
WHOLE = Scope(ScopeKind.REPOSITORY)
ITEMS = 30


class World:
    """A sample repository of ITEMS items that changes by events, which are pairs of a name and a number.

    `touched`: the handles of items that events changed. `step`: seconds between two changes.
    """

    def __init__(self, sample: SampleRepository, step: int):
        self.sample, self.data, self.touched = sample, sample.data, set[str]()
        self._now = datetime(2026, 1, 1, tzinfo=UTC)
        self.data.clock = lambda: self._later(step)
        above = self.data.add_community("Community")
        self.homes = [self.data.add_collection(f"Collection {number}", above) for number in range(2)]
        for number in range(ITEMS):
            self._new(number)

    def _later(self, seconds: int) -> datetime:
        self._now += timedelta(seconds=seconds)
        return self._now

    def _new(self, number: int) -> SampleItem:
        item = self.data.add_item(
            self.homes[number % 2], [("dc.title", [f"Item {number}"]), ("dc.subject", ["x", "y"])]
        )
        for file in range(number % 3):
            self.data.add_file(item, f"{file}.txt", b"%d/%d" % (number, file))
        return item

    def happen(self, event: str, number: int) -> None:
        """Change an item, which the number chooses."""
        with self.data.lock:
            every = list(self.data.items.values())
            item, text = every[number % len(every)], TEXTS[number % len(TEXTS)]
            changes: dict[str, Callable[[], object]] = {
                "edit": lambda: self.data.edit(item, "dc.title", [text]),
                "speak": lambda: self.data.edit(item, "dc.subject", [(text, "de"), ("b", "en"), ("c", "de")]),
                "translate": lambda: self.data.edit(item, "dc.subject", [("b", "en"), (text, "de")]),
                "file": lambda: self.data.add_file(item, f"new {number}.txt", b"%d" % number),
                "add": lambda: self._new(number),
                "delete": lambda: self.data.delete(item),
                "withdraw": lambda: self.data.withdraw(item),
                "hide": lambda: self.data.make_private(item),
                "restrict": lambda: self.data.restrict(item),
                "move": lambda: self.data.move(item, self.homes[number // ITEMS % 2]),
                "relate": lambda: self.data.relate(item, "relation.isPartOf", every[number % 5 :: 7]),
                "type": lambda: self.data.edit(item, "dspace.entity.type", [("Person", "Publication")[number % 2]]),
            }
            changed = changes[event]()
            self.touched |= {one.handle for one in (item, changed) if isinstance(one, SampleItem)}

    def index(self, numbers: list[int]) -> None:
        """Renew the records of some items in the index."""
        every = list(self.data.items.values())
        for number in numbers:
            self.sample.oai.refresh(every[number % len(every)])


@dataclass
class Reader:
    """Reads the sample with one HTTP client. `over_oai`: the handles of the items that came over OAI-PMH."""

    sample: SampleRepository
    http: HttpClient
    over_oai: set[str] = field(default_factory=set)

    def items(self, *, uses_oai: bool) -> dict[str, Item]:
        """Return the items of a walk by handle, without what only one of both ways gives."""
        sample = self.sample
        version = VERSIONS[sample.generation]
        oai_url = sample.url + sample.oai.path
        server = Server(
            sample.url, f"{sample.url}/server/api", sample.generation, version, oai_url=oai_url, uses_oai=uses_oai
        )
        client = HalClient(self.http, server, outage=OutageWait(60, Hurried()), width=lambda: 2, least_items_for_oai=1)
        pages = client.walk(WHOLE, seen=lambda ids: set(), with_collection=True, may_use_oai=True)
        found = {item.handle: item for page in pages for item in page.items}
        self.over_oai = {handle for handle, item in found.items() if item.id == handle}
        return {handle: comparable(item) for handle, item in found.items()}

    @property
    def records_read(self) -> int:
        return sum("ListRecords" in path for _method, path in self.sample.requests)


def comparable(item: Item) -> Item:
    files = tuple(structs.replace(file, access=None) for file in item.bitstreams or ())
    home = item.collection and replace(item.collection, parent_id=None)
    return replace(item, id="", bitstreams=files, first_access=None, collection=home)


@contextmanager
def world_of(generation: int = 9, step: int = 1) -> Iterator[tuple[World, Reader]]:
    data = Repository()
    rule = AddressRule((ipaddress.ip_network("127.0.0.0/8"),))
    with SampleRepository(generation, data=data) as sample, tempfile.TemporaryDirectory() as folder:
        limit = ConcurrencyLimit(Path(folder), "sample")
        http = HttpClient(HttpSettings("DSpaceConnector/test", rule), limit, OutageWait(stop=Hurried()))
        sample.oai.page_size = 12
        try:
            yield World(sample, step), Reader(sample, http)
        finally:
            http.close()


NAMES = [
    "edit",
    "speak",
    "translate",
    "file",
    "add",
    "delete",
    "withdraw",
    "hide",
    "restrict",
    "move",
    "relate",
    "type",
]
EVENTS = st.tuples(st.sampled_from(NAMES), st.integers(0, 4 * ITEMS))
OFTEN = settings(max_examples=share(500, part=20), deadline=None)


@OFTEN
@given(
    generation=st.sampled_from([7, 9, 10]),
    step=st.sampled_from([1, 40, 900]),
    escapes_twice=st.booleans(),
    before=st.lists(EVENTS, max_size=8),
    since=st.lists(EVENTS, max_size=8),
    renewed=st.lists(st.integers(0, 2 * ITEMS), max_size=5),
    meanwhile=st.lists(st.tuples(st.integers(0, 12), EVENTS), max_size=4),
)
def test_items_that_do_not_change_while_they_are_read_are_those_of_rest(
    generation, step, escapes_twice, before, since, renewed, meanwhile
):
    with world_of(generation, step) as (world, reader):
        sample = world.sample
        sample.oai.escapes_twice = escapes_twice
        for event in before:
            world.happen(*event)
        sample.oai.freeze()
        for event in since:
            world.happen(*event)
        world.index(renewed)
        world.touched.clear()

        def change(path: str) -> bool:
            while waiting and waiting[0][0] <= len(sample.requests):
                world.happen(*waiting.pop(0)[1])
            return False

        waiting = sorted(meanwhile)
        sample.faults.add(change, times=None)
        sample.reset()
        found = reader.items(uses_oai=True)
        waiting.clear()
        expected = reader.items(uses_oai=False)

    for handle in (found.keys() | expected.keys()) - world.touched:
        assert found.get(handle) == expected.get(handle), handle


def test_all_items_of_a_fresh_index_come_over_oai():
    with world_of() as (world, reader):
        world.sample.oai.freeze()
        expected = reader.items(uses_oai=False)
        found = reader.items(uses_oai=True)

    assert found == expected
    assert reader.over_oai == expected.keys()


BROKEN = {
    "error": {"status": 500},
    "error for a while": {"status": 500, "times": 2},
    "broken XML": {"change": lambda answer: replace(answer, body=answer.body[: len(answer.body) // 2])},
    "web page": {"body": "<html>maintenance</html>", "headers": {"Content-Type": "text/html"}},
    "refusal": {"status": 403},
    "no such page": {"status": 404},
    "lost connection": {"drop": True},
    "cut": {"cut": 700},
}


@pytest.mark.parametrize("begins_after", [0, 4], ids=["from the beginning", "in the middle"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_walk_goes_on_over_rest_where_oai_fails(name, begins_after):
    with world_of() as (world, reader):
        world.sample.oai.freeze()
        expected = reader.items(uses_oai=False)
        world.sample.reset()
        fault = {"times": None} | BROKEN[name]
        # The first requests read the records that are compared.
        world.sample.faults.add(lambda path: "/oai/" in path and reader.records_read > begins_after, **fault)

        found = reader.items(uses_oai=True)

    assert found == expected
    assert reader.records_read > 0


def always_this_token(answer: Answer) -> Answer:
    return replace(answer, body=re.sub(rb">xoai////\d+<", b">xoai////12<", answer.body))


TOKENS = {
    "expires once": {"body": text_of("error-badtoken"), "times": 1},
    "expires always": {"body": text_of("error-badtoken")},
    "never changes": {"change": always_this_token},
}


@pytest.mark.parametrize("name", [*TOKENS, "leads to the page before"])
def test_a_token_that_leads_nowhere_loses_and_changes_nothing(name):
    with world_of() as (world, reader):
        world.sample.oai.freeze()
        expected = reader.items(uses_oai=False)
        asked = Request("GET", f"{world.sample.oai.path}?verb=ListRecords&resumptionToken=xoai////12")
        before = world.sample.oai.answer(asked).body.replace(b">xoai////24<", b">xoai////36<")
        fault = {"times": None} | TOKENS.get(name, {"body": before.decode()})
        world.sample.faults.add("resumptionToken=xoai%2F%2F%2F%2F24", **fault)

        found = reader.items(uses_oai=True)

    assert found == expected
