"""When a file that was not stored is tried again."""

import pytest

from connector.catalogue.item_presentation import next_try
from connector.models.catalogue import CatalogueFile, FileStatus


@pytest.mark.parametrize("status", list(FileStatus))
def test_each_status_of_a_file_that_was_not_stored_says_when_it_is_tried_again(status):
    assert bool(next_try(CatalogueFile(status=status.value))) is not (
        status.is_stored or status is FileStatus.NOT_DOWNLOADED
    )


def test_an_embargo_is_named_by_its_end():
    assert "after 2027-01-31" in next_try(
        CatalogueFile(status=FileStatus.RESTRICTED.value, embargo_ends_on="2027-01-31", last_tried_job_id=1)
    )


def test_a_missing_file_is_tried_again_by_the_next_import():
    once = CatalogueFile(status=FileStatus.MISSING.value, status_since_job_id=1, last_tried_job_id=1)
    twice = CatalogueFile(status=FileStatus.MISSING.value, status_since_job_id=1, last_tried_job_id=2)

    assert next_try(once) == "Tried again by the next import with files."
    assert "Retry failed" in next_try(twice)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (FileStatus.MISSING, "Tried again by the next import with files."),
        (FileStatus.RESTRICTED, "Tried again by one of the next imports with files."),
    ],
)
def test_a_file_that_an_undo_restored_is_tried_again_as_soon_as_imports_allow(status, says):
    restored = CatalogueFile(status=status.value, status_since_job_id=1, embargo_ends_on="2027-01-31")

    assert next_try(restored) == says


def test_a_file_with_differing_downloads_announces_no_next_try():
    unstable = CatalogueFile(
        status=FileStatus.DAMAGED.value, status_since_job_id=1, last_tried_job_id=1, is_unstable=True
    )

    assert next_try(unstable) == ""
