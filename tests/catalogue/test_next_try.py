"""Of each file that did not come, when it is tried again."""

import pytest

from connector.catalogue.models import CatalogueFile, Fate
from connector.catalogue.showing import next_try


@pytest.mark.parametrize("fate", list(Fate))
def test_each_fate_of_a_file_that_was_wanted_and_did_not_come_names_its_next_try(fate):
    assert bool(next_try(CatalogueFile(fate=fate.value))) is (fate not in (Fate.STORED, Fate.LINKED))


def test_an_embargo_is_named_by_its_end():
    assert "after 2027-01-31" in next_try(CatalogueFile(fate=Fate.RESTRICTED.value, until="2027-01-31"))
