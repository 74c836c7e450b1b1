"""The items of an export, read in pages, and the notes about what its file does not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from ..catalogue import export, item_problems
from ..catalogue.item_presentation import FILE_STATUSES, files_of, original_of
from ..catalogue.item_record import ItemRecord
from ..dspace.records import ORIGINAL
from ..extensions import db, transaction
from ..i18n import gettext as _
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..models.catalogue import CatalogueFile, CatalogueItem, FileStatus, ItemSet, Membership
from ..models.exports import ExportItem
from ..storage.garbage_collection import the_folder
from .export_kind import ExportOptions

FILES_PAGE = 10  # items of which the files are exported, too


@dataclass(frozen=True, slots=True)
class ExportedItem:
    """An item to export. `record`: its JSON. `addresses`: the URLs of its files at the source, by id.

    `files`: those whose names the reader of the export may see. `collections`: the handles of its collections.
    """

    item: CatalogueItem
    record: ItemRecord
    files: list[CatalogueFile]
    addresses: dict[int, str]
    collections: list[str]


class Contents:
    """The items of one export. Everything is left out that its reader may not see.

    `not_imported`: for each bundle other than ORIGINAL, the number of its files that no import has downloaded.
    """

    def __init__(self, attempt: JobAttempt):
        options = ExportOptions.of(lifecycle.get(attempt.job_id))
        db.session.rollback()
        self._attempt = attempt
        self._notes: list[tuple[int, str]] = []
        self._files = 0
        self.not_imported = Counter[str]()
        self.with_restricted, self.separator = options.restricted, options.separator
        self.fields_url = options.fields_url
        ids = select(ExportItem.item_id).where(ExportItem.job_id == attempt.job_id)
        self._query = select(CatalogueItem).where(CatalogueItem.id.in_(ids))
        if not self.with_restricted:
            self._query = self._query.where(CatalogueItem.is_restricted.is_(False))

    def terms(self) -> list[str]:
        """Return the sorted terms of all items."""
        return export.terms(self._query, self.with_restricted)

    def items(self, page_size: int = export.PAGE) -> Iterator[ExportedItem]:
        """Yield the items, oldest first. Raise JobStoppedError if a stop was requested.

        No transaction is open while an item is written. A page counts when all its items were written.
        """
        with_files = selectinload(CatalogueItem.files)
        query = self._query.options(joinedload(CatalogueItem.repository), with_files)
        for page in export.pages(query, page_size):
            self._attempt.check()
            items = self._exported(page)
            db.session.expunge_all()
            db.session.rollback()
            yield from items
            self._record(len(items))

    def note(self, item: ExportedItem, sentence: str) -> None:
        """Note what the file does not have of an item, for the problems of the job."""
        self._notes.append((item.item.id, sentence))

    def stored(self, item: ExportedItem) -> list[CatalogueFile]:
        """Return the files of an item that the export contains. Note the files that are left out or outdated."""
        usable = self._without_faults(item, self._fault)
        for file in usable:
            if file.is_outdated:
                self.note(item, _("The export has an earlier version of %(file)s.", file=file.label))
        self._files += len(usable)
        return usable

    def linked(self, item: ExportedItem) -> list[CatalogueFile]:
        """Return the files of an item that everybody can download at the source. Note the files that are left out."""
        return self._without_faults(item, _fault_at_source)

    def _without_faults(
        self, item: ExportedItem, fault_of: Callable[[CatalogueFile], str | None]
    ) -> list[CatalogueFile]:
        """Return the files of an item that have no fault and are wanted. Note the faults, count the unwanted files."""
        wanted = [file for file in item.files if not _is_unwanted(file)]
        self.not_imported.update(file.bundle for file in item.files if _is_unwanted(file))
        faults = {file.id: fault_of(file) for file in wanted}
        left_out = [f"{file.label} ({faults[file.id]})" for file in wanted if faults[file.id]]
        if left_out:
            self.note(item, _("Not in the export: %(files)s.", files=", ".join(left_out)))
        return [file for file in wanted if not faults[file.id]]

    def _fault(self, file: CatalogueFile) -> str | None:
        """Return why the content of a file cannot be exported, or None. The stored bytes are checked."""
        if file.is_restricted and not self.with_restricted:
            return _("restricted")
        if file.sha256 is None:
            return str(FILE_STATUSES[FileStatus(file.status)])
        return the_folder().fault(file.sha256)

    def _exported(self, page: Sequence[CatalogueItem]) -> list[ExportedItem]:
        collections = _collections([item.id for item in page])
        records = export.records(page, self.with_restricted)
        return [
            self._item(item, record, collections.get(item.id, [])) for item, record in zip(page, records, strict=True)
        ]

    def _item(self, item: CatalogueItem, record: ItemRecord, collections: list[str]) -> ExportedItem:
        files = files_of(item, self.with_restricted)
        return ExportedItem(item, record, files, {file.id: original_of(file) for file in files}, collections)

    def _record(self, number: int) -> None:
        """Store the progress and the notes."""
        with transaction():
            self._attempt.advance({"seen": number, "files": self._files})
            for item_id, sentence in self._notes:
                item_problems.note(self._attempt.job_id, item_id, "", None, sentence)
        self._files = 0
        self._notes.clear()


def _fault_at_source(file: CatalogueFile) -> str | None:
    """Return why the address of a file at its source is of no use to other programs, or None."""
    if file.is_restricted:
        return _("restricted")
    if file.status in (FileStatus.RESTRICTED, FileStatus.MISSING, FileStatus.INFECTED):
        return str(FILE_STATUSES[FileStatus(file.status)])
    return None


def _is_unwanted(file: CatalogueFile) -> bool:
    """Return whether a file is of a bundle that imports leave out unless a person chooses it, and was left out."""
    return file.bundle != ORIGINAL and file.sha256 is None and file.status == FileStatus.NOT_DOWNLOADED


def _collections(item_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the handles of the collections that contain each item, by item id, without those that have no handle."""
    query = select(Membership.item_id, ItemSet.origin).join(ItemSet, ItemSet.id == Membership.item_set_id)
    found: dict[int, dict[str, None]] = {}
    for item_id, origin in db.session.execute(query.where(Membership.item_id.in_(item_ids)).order_by(ItemSet.id)):
        handle = (origin or "").partition(":")[2]
        if "/" in handle:
            found.setdefault(item_id, {})[handle] = None
    return {item_id: list(handles) for item_id, handles in found.items()}
