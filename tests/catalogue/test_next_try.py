"""Of each file that did not come, when it is tried again."""

import pytest

from connector.catalogue.item_presentation import next_try
from connector.models.catalogue import CatalogueFile, FileStatus


@pytest.mark.parametrize("fate", list(FileStatus))
def test_each_fate_of_a_file_that_was_wanted_and_did_not_come_names_its_next_try(fate):
    assert bool(next_try(CatalogueFile(fate=fate.value))) is not (fate.is_stored or fate is FileStatus.LINKED)


def test_an_embargo_is_named_by_its_end():
    assert "after 2027-01-31" in next_try(
        CatalogueFile(fate=FileStatus.RESTRICTED.value, until="2027-01-31", tried_by=1)
    )


def test_a_file_that_one_import_did_not_find_is_tried_again_by_the_next():
    once = CatalogueFile(fate=FileStatus.MISSING.value, first_met_by=1, tried_by=1)
    twice = CatalogueFile(fate=FileStatus.MISSING.value, first_met_by=1, tried_by=2)

    assert next_try(once) == "Tried again by the next import with files."
    assert "Retry failed" in next_try(twice)


@pytest.mark.parametrize(
    ("fate", "says"),
    [
        (FileStatus.MISSING, "Tried again by the next import with files."),
        (FileStatus.RESTRICTED, "Tried again by one of the next imports with files."),
    ],
)
def test_a_file_that_an_undo_restored_is_tried_again_as_soon_as_imports_allow(fate, says):
    restored = CatalogueFile(fate=fate.value, first_met_by=1, tried_by=None, until="2027-01-31")

    assert next_try(restored) == says


def test_a_file_whose_downloads_differ_from_each_other_promises_no_next_try():
    unstable = CatalogueFile(fate=FileStatus.DAMAGED.value, first_met_by=1, tried_by=1, is_unstable=True)

    assert next_try(unstable) == ""
