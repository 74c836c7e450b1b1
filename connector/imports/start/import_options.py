"""The options of an import or a preview, as a person chose them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from ...jobs.schedule import Window


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of a job.

    `files`: whether to download files. `bundles`: names of the bundles to download, or none for ORIGINAL. `file_limit`
    (each file) and `files_limit` (all files together): bytes. `item_set`: the name of the item set for all items, with
    `item_set_id` if it exists. `item_set_from_collection`: an item set for each DSpace collection. `test`: read only
    this many items. `full`: read every item again. `retry`: the job whose failures to retry. `only`: the preview whose
    selected items to import. `rehearse`: the number of sample items of a preview. `samples_only`: the preview
    reads no changes. `hours`: when the job may run. `publish_to`: the destination at which the source is published
    after an import.
    """

    files: bool = False
    bundles: tuple[str, ...] = ()
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
    hours: Window | None = None
    publish_to: int | None = None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the options that `to_json` gave. Missing ones have their defaults."""
        given = {field.name: stored[field.name] for field in fields(cls) if stored.get(field.name)}
        if "bundles" in given:
            given["bundles"] = tuple(given["bundles"])
        if "hours" in given:
            given["hours"] = Window.from_json(given["hours"])
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """Return the options that differ from their defaults, as the job row stores them."""
        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }
        if self.bundles:
            given["bundles"] = list(self.bundles)
        if self.hours:
            given["hours"] = self.hours.to_json()
        return given

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

    def for_import(self) -> Self:
        """Return these options of a preview for the import that it describes."""
        return replace(self, rehearse=None, samples_only=False)

    def for_preview(self, samples: int, *, samples_only: bool = False) -> Self:
        """Return these options for a preview with this number of sample items."""
        return replace(self, rehearse=samples or None, samples_only=samples_only)
