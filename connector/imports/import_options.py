"""The options of an import or a preview, as a person chose them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from sqlalchemy import ColumnElement

from ..jobs.permitted_hours import HoursOptions
from ..models.job_options import FileOptions
from ..models.jobs import Job

HAS_RELATED_ITEMS = 7  # the first generation of DSpace that has people and projects as items


@dataclass(frozen=True)
class ImportOptions(HoursOptions, FileOptions):
    """The options of a job. `file_limit` (each file) and `files_limit` (all files together): bytes.

    `item_set`: the name of the item set for all items, with `item_set_id` if it exists. `item_set_from_collection`: an
    item set for each DSpace collection. `test`: read only this many items. `full`: read every item again. `retry`: the
    job whose failures to retry. `only`: the preview whose selected items to import. `rehearse`: the number of sample
    items of a preview. `samples_only`: the preview reads no changes. `publish_to`: the destination at which the source
    is published after an import. `related_items`: also import the items that the items of the scope name (design rule
    22).
    """

    file_limit: int | None = None
    files_limit: int | None = None
    item_set: str | None = None
    item_set_id: int | None = None
    item_set_from_collection: bool = False
    test: int | None = None
    full: bool = False
    retry: int | None = None
    only: int | None = None
    rehearse: int | None = None
    samples_only: bool = False
    publish_to: int | None = None
    related_items: bool = False

    @property
    def reads_some_items(self) -> bool:
        """Return whether the import reads only the items of a retry or of a selection."""
        return self.retry is not None or self.only is not None

    @property
    def is_partial(self) -> bool:
        """Return whether the import reads only a part of its scope, so that unseen items may still exist."""
        return self.test is not None or self.reads_some_items

    def for_whole_scope(self) -> Self:
        """Return these options for an import or a preview that reads its whole scope."""
        return replace(self, retry=None, only=None, test=None)

    def for_source(self) -> Self:
        """Return these options as the source keeps them for its next import."""
        return replace(self.for_import(), retry=None, only=None, full=False)

    def for_import(self) -> Self:
        """Return these options of a preview for the import that it describes."""
        return replace(self, rehearse=None, samples_only=False)

    def for_preview(self, samples: int, *, samples_only: bool = False) -> Self:
        """Return these options for a preview with this number of sample items."""
        return replace(self, rehearse=samples or None, samples_only=samples_only)


def reads_whole_scope() -> tuple[ColumnElement[bool], ...]:
    """Return the SQL conditions on imports that are not of only some items (see `reads_some_items`)."""
    return tuple(Job.options[name].as_string().is_(None) for name in ("retry", "only"))


def retries_job(job_id: int) -> ColumnElement[bool]:
    """Return the SQL condition on imports that retry what failed in this job."""
    retries: ColumnElement[bool] = Job.options["retry"].as_integer() == job_id
    return retries
