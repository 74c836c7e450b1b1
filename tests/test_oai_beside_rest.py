"""Imports over OAI-PMH beside REST: the catalogue holds what REST alone gives, for a part of its requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.extensions import db
from connector.models.repositories import Repository
from tests.library import Library
from tests.sample import SampleRepository
from tests.sample.model import Repository as SampleData

ITEMS = 520
LAZY = ("source_id", "page_link")  # completed by later runs


def filled(number: int = ITEMS, generation: int = 9) -> SampleRepository:
    """A repository with so many items, the last of which changed long ago."""
    data = SampleData()
    start = datetime(2025, 1, 1, tzinfo=UTC)
    ticks = iter(range(10**6))
    data.clock = lambda: start + timedelta(minutes=next(ticks))
    community = data.add_community("Community")
    homes = [data.add_collection(f"Collection {n}", community) for n in range(2)]
    for n in range(number):
        title = f"Item {n} <of> “many” & more" if n % 3 else f"Item {n}"
        item = data.add_item(homes[n % 2], [("dc.title", [title]), ("dc.subject", ["a", "b"])])
        data.add_file(item, f"file {n}.txt", f"content {n}".encode())
    return SampleRepository(generation, data=data)


@pytest.fixture
def sample():
    with filled() as sample:
        yield sample


def set_oai(app, uses: bool) -> None:
    with app.app_context():
        db.session.scalars(db.select(Repository)).one().uses_oai = uses
        db.session.commit()


def without_lazy(records: dict) -> dict:
    return {handle: {k: v for k, v in record.items() if k not in LAZY} for handle, record in records.items()}


def item_pages(sample: SampleRepository) -> int:
    """The number of requests for items with their files over REST."""
    return sum("embed=bundles" in target for _method, target in sample.requests)


def test_a_first_import_over_oai_is_what_rest_gives_with_a_fraction_of_its_lists(app, sample):
    library = Library(app, sample)
    job = library.run(files=False)
    over_oai, pages = library.records(), item_pages(sample)
    library.undo(job.id)
    set_oai(app, False)
    sample.reset()
    library.run(files=False)

    assert len(over_oai) == ITEMS
    assert without_lazy(over_oai) == without_lazy(library.records())
    assert any(record["source_id"] == handle for handle, record in over_oai.items())
    assert pages <= 6 < item_pages(sample) / 3
