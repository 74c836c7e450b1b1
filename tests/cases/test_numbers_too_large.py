"""A repository sends a number that no database holds: the files it concerns are named, and all else is imported."""

from __future__ import annotations

import pytest

from tests.imports.sample_importer import SampleImporter
from tests.sample import SampleRepository, laboratory

GENERATIONS = [4, 6, 7, 9]
TITLE = "A file of its own"


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("number", [2**63, True, 1e400], ids=["2^63", "true", "infinite"])
def test_only_the_files_of_the_item_with_the_number_are_missing(app, generation, number):
    with SampleRepository(generation, content=laboratory) as sample:
        item = sample.data.add_item(sample.data.named("Special files"), [("dc.title", [TITLE])])
        sample.data.add_file(item, "thesis.pdf", b"%PDF", "application/pdf").sequence = number
        importer = SampleImporter(app, sample)

        job = importer.run(files=False)

        assert (job.state, job.clean, job.counts["failed"]) == ("completed", False, 0)
        held = importer.records()
        assert len(held) > 20
        assert held[TITLE]["files"] == []
