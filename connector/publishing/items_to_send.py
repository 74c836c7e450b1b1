"""Reads the items of a publishing job from the catalogue, in batches, and maps them for the destination."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from ..catalogue.source_links import file_link
from ..dspace.records import ORIGINAL
from ..extensions import count_rows, db
from ..models.catalogue import FILE, HOLDING, ITEM, CatalogueFile, FileStatus, StoredFile
from ..models.jobs import Job
from ..models.publishing import PUBLISHING_SELECTION, Choice, FileMode
from ..storage.content_store import FileFolder
from . import file_uploads
from .file_writer import FileToSend, file_in_words
from .item_writer import ItemToSend
from .lookalikes import Unpublished, addresses_of
from .mapping import FileLink, ItemRules, fields_of, identifier_of, is_open, mapped
from .merge import Sent, settled
from .publish_options import PublishOptions
from .published_items import PublishedItems
from .stored_items import group_from_json, sent_of

ITEMS_PER_BATCH = 100
_OPENNESS = ("source_state", "is_restricted", "is_hidden")  # see `is_open`
_COLUMNS = ("id", "source_id", "handle", "mapped_values", "handle_link", "page_link", *_OPENNESS)


class ItemsToSend:
    """The items that a job publishes: its selection, or all that its source holds now.

    `folder`: of the stored files.
    """

    def __init__(self, job: Job, published: PublishedItems, folder: Path, mode: FileMode):
        repository = job.source.repository
        self._job_id, self._published = job.id, published
        self._address_key = repository.address_key
        self._sites = [site for site in (repository.site_url, repository.ui_url) if site]
        self._server, self._mode = repository.server, mode
        self._listed, self._column = _listed(job)
        self._is_retry = PublishOptions.of(job).retries is not None
        self._folder = FileFolder(folder)

    def count(self) -> int:
        """Return the number of items."""
        return count_rows(self._listed.subquery())

    def left(self, after: int) -> Select[Any]:
        """Return a SELECT of the ids of the items after an item id."""
        return self._listed.where(self._column > after)

    def unpublished(self, item_ids: Select[Any] | Sequence[int]) -> list[Unpublished]:
        """Return those of the items that we have not published at the destination."""
        columns = [ITEM.c[name] for name in ("id", "source_id", "handle", "handle_link", *_OPENNESS)]
        mine = (ITEM.c.id.in_(item_ids), ITEM.c.id.not_in(self._published.item_ids()))
        rows = db.session.execute(select(*columns).where(*mine).order_by(ITEM.c.id)).all()
        left, withdrawn = self._published.left_identifiers(), self._published.withdrawn_item_ids()
        db.session.rollback()
        items = (
            Unpublished(
                row.id,
                row.source_id,
                identifier_of(self._address_key, row.source_id),
                addresses_of(row.handle, row.handle_link, self._sites),
            )
            for row in rows
            if is_open(row) or row.id not in withdrawn
        )
        return [item for item in items if item.identifier not in left]

    def ids_after(self, after: int) -> Sequence[int]:
        """Return the ids of the next items after an item id, in order."""
        return db.session.scalars(self.left(after).order_by(self._column).limit(ITEMS_PER_BATCH)).all()

    def read(self, ids: Sequence[int], rules: ItemRules) -> list[ItemToSend]:
        """Return the items with these ids as they are now, in the order of their ids."""
        columns = [ITEM.c[name] for name in _COLUMNS]
        rows = db.session.execute(select(*columns).where(ITEM.c.id.in_(ids)).order_by(ITEM.c.id)).all()
        identifiers = {row.id: identifier_of(self._address_key, row.source_id) for row in rows}
        known = self._published.known(ids, list(identifiers.values()))
        conflicts = self._published.conflicts([there.id for there in known.values()])
        planned = self._published.planned([there.id for there in known.values()])
        uploads = file_uploads.begun([there.id for there in known.values()])
        declined = self._published.declined(ids)
        files = self._files([row.id for row in rows if is_open(row)])
        links = self._links(rows)
        tasks = []
        for row in rows:
            there = known.get(row.id) or known.get(identifiers[row.id])
            identifier = there.identifier if there else identifiers[row.id]
            item = SimpleNamespace(**row._mapping, link=row.handle_link or row.page_link)
            mine = files.get(row.id, [])
            open_conflicts = conflicts.get(there.id, []) if there else []
            uploaded = self._published.uploaded(there.id) if there and mine else set()
            refused = self._published.refused(there.id) if there and mine and not self._is_retry else {}
            lacking = [file for file in mine if file.sha256 not in uploaded]
            task = ItemToSend(
                row.id,
                identifier,
                mapped(item, identifier, rules, links.get(row.id, ())),
                known_id=there.omeka_id if there else None,
                sent=_last_sent(there, open_conflicts) if there else None,
                is_begun=there is not None and there.sending_since is not None,
                files=tuple(file for file in lacking if file.sha256 not in refused),
                refused=tuple(
                    file_in_words(file.name, refused[file.sha256]) for file in lacking if file.sha256 in refused
                ),
                has_conflicts=bool(open_conflicts),
                recorded=sent_of(there.wanted, there.accepted) if there else None,
                planned=planned.get(there.id, {}) if there else {},
                begun_uploads=uploads.get(there.id, {}) if there else {},
                fields=fields_of(row.mapped_values, rules),
                declined=declined,
                is_counted=there is not None and there.job_id == self._job_id,
                is_withdrawn=there is not None and there.withdrawn_at is not None and not is_open(row),
            )
            tasks.append(task)
        db.session.rollback()
        return tasks

    def _files(self, ids: Sequence[int]) -> dict[int, list[FileToSend]]:
        """Return the stored files of items. Restricted files are left out, because Omeka S gives files to anybody."""
        found: dict[int, list[FileToSend]] = {}
        if self._mode != FileMode.UPLOAD:
            return found
        columns = (FILE.c.item_id, FILE.c.sha256, FILE.c.name, FILE.c.description, FILE.c.media_type, FILE.c.position)
        query = select(*columns, StoredFile.size).join(StoredFile, StoredFile.sha256 == FILE.c.sha256)
        usable = (FILE.c.is_outdated.is_(False), ~CatalogueFile.is_restricted, FILE.c.item_id.in_(ids))
        for row in db.session.execute(query.where(*usable).order_by(FILE.c.position)):
            mine = found.setdefault(row.item_id, [])
            if row.sha256 in (file.sha256 for file in mine):
                continue
            name, path = row.name or str(row.position + 1), self._folder.path(row.sha256)
            title, kind = row.description or name, row.media_type or "application/octet-stream"
            alt_text = row.description if kind.startswith("image/") else None
            mine.append(FileToSend(row.sha256, row.size, path, name, title, kind, len(mine) + 1, alt_text))
        return found

    def _links(self, rows: Sequence[Any]) -> dict[int, list[FileLink]]:
        """Return the links to the files of items at their source.

        Files that are missing there have none, nor have thumbnails, licenses and other files beside the deposited ones
        unless they are stored here.
        """
        found: dict[int, list[FileLink]] = {}
        if self._mode != FileMode.LINKS:
            return found
        handles = {row.id: row.handle for row in rows}
        is_chosen = (FILE.c.bundle == ORIGINAL) | FILE.c.sha256.is_not(None)
        listed = (FILE.c.item_id.in_(handles), FILE.c.status != FileStatus.MISSING, is_chosen)
        columns = [FILE.c[name] for name in ("item_id", "bitstream_id", "sequence", "name", "description", "position")]
        is_restricted = CatalogueFile.is_restricted.label("is_restricted")
        for row in db.session.execute(select(*columns, is_restricted).where(*listed).order_by(FILE.c.position)):
            url = file_link(self._server, row.bitstream_id, handles[row.item_id], row.sequence, row.name)
            title = row.description or row.name or str(row.position + 1)
            found.setdefault(row.item_id, []).append(FileLink(url, title, not row.is_restricted))
        return found


def _listed(job: Job) -> tuple[Select[Any], ColumnElement[Any]]:
    """Return a SELECT of the ids of the items of a job, and its column."""
    if PublishOptions.of(job).selected:
        return select(PUBLISHING_SELECTION.c.item_id).where(
            PUBLISHING_SELECTION.c.job_id == job.id
        ), PUBLISHING_SELECTION.c.item_id
    is_held = (HOLDING.c.source_id == job.source_id, HOLDING.c.left_at.is_(None))
    return select(HOLDING.c.item_id).where(*is_held), HOLDING.c.item_id


def _last_sent(there: Any, conflicts: Sequence[Any]) -> Sent | None:
    """Return what was last sent for an item, with what people have chosen for its conflicts since."""
    sent = sent_of(there.wanted, there.accepted)
    for row in conflicts:
        if sent is not None and row.choice:
            ours, theirs = (group_from_json(part) for part in (row.ours, row.theirs))
            sent = settled(sent, row.name, Choice(row.choice), ours, theirs)
    return sent
