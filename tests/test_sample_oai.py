"""The OAI-PMH of the sample repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.sample import SampleRepository
from tests.sample.answers import Request
from tests.sample.oai import spec
from tests.sample.records import Collection, signed_in


@pytest.fixture
def sample() -> Iterator[SampleRepository]:
    """A DSpace 9 that a test may change."""
    with SampleRepository(9) as running:
        yield running


def read(sample: SampleRepository, query: str) -> str:
    return sample.oai.answer(Request("GET", f"{sample.oai.path}?{query}")).body.decode()


def records(sample: SampleRepository, home: Collection) -> dict[str, str]:
    """The XML of each record of a collection, by handle."""
    text = read(sample, f"verb=ListRecords&metadataPrefix=xoai&set={spec(home)}")
    found = re.findall(r"<record>.*?</record>", text, flags=re.S)
    return {re.search(":([^:]+)</identifier>", one)[1]: one for one in found}


def in_special_files(sample: SampleRepository, number: int) -> tuple[Collection, list]:
    home = sample.data.named("Special files")
    return home, [one for one in sample.data.items.values() if one.collection is home][:number]


def test_a_frozen_index_of_oai_keeps_what_it_held(sample: SampleRepository) -> None:
    oai, data = sample.oai, sample.data
    home, (edited, restricted, private, deleted) = in_special_files(sample, 4)
    before = records(sample, home)
    oai.freeze()
    data.edit(edited, "dc.title", ["Later title"])
    data.restrict(restricted)
    data.make_private(private)
    data.delete(deleted)
    added = data.add_item(home, [("dc.title", ["Later item"])])

    assert records(sample, home) == before
    oai.freeze()
    after = records(sample, home)
    assert "Later title" in after[edited.handle]
    assert 'status="deleted"' in after[private.handle]
    assert after.keys() == before.keys() - {restricted.handle, deleted.handle} | {added.handle}
    data.edit(added, "dc.title", ["Latest title"])
    data.edit(edited, "dc.title", ["Last title"])
    oai.refresh(edited)
    renewed = records(sample, home)
    assert "Last title" in renewed[edited.handle]
    assert renewed[added.handle] == after[added.handle]
    oai.thaw()
    assert "Latest title" in records(sample, home)[added.handle]


def test_oai_shows_the_same_to_all_and_no_people(sample: SampleRepository) -> None:
    data = sample.data
    home, (work, person) = in_special_files(sample, 2)
    data.edit(work, "dspace.entity.type", ["Publication"])
    data.edit(person, "dspace.entity.type", ["Person"])
    data.edit(work, "dc.description.provenance", ["Submitted by Ada"])
    shown = records(sample, home)

    assert person.handle not in shown
    assert "Submitted by Ada" not in shown[work.handle]
    signed_in.set(True)
    try:
        assert records(sample, home) == shown
    finally:
        signed_in.set(False)


def test_oai_lists_what_has_changed_since_a_time_page_by_page(sample: SampleRepository) -> None:
    oai, data = sample.oai, sample.data
    oai.page_size = 2
    changed = list(data.items.values())[3:8]
    data.clock = lambda: datetime(2040, 1, 1, tzinfo=UTC)
    for one in changed:
        data.edit(one, "dc.type", ["Text"])

    first = read(sample, "verb=ListIdentifiers&metadataPrefix=xoai&from=2040-01-01T00:00:00Z")
    second = read(sample, "verb=ListIdentifiers&resumptionToken=xoai/2040-01-01T00:00:00Z///2")

    assert re.findall(":([^:]+)</identifier>", first + second) == [one.handle for one in changed[:4]]
    assert 'completeListSize="5" cursor="0">xoai/2040-01-01T00:00:00Z///2<' in first
