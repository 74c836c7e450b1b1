"""The table of the items that we published at a destination. Only one job of a destination writes it at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, insert, or_, select, update

from ..extensions import db, execute_counted, utcnow
from ..models.catalogue import ITEM
from ..models.publishing import CONFLICT, PUBLISHED_CHANGE, PUBLISHED_FILE, PUBLISHED_ITEM, REFUSED_FILE
from . import adoptions, file_uploads, item_changes
from .item_changes import Changes
from .item_writer import ItemToSend, Outcome
from .resource_groups import group_of
from .stored_items import group_to_json, to_json


class PublishedItems:
    """The published items of one destination. Methods that write run inside the caller's transaction."""

    def __init__(self, destination_id: int, job_id: int):
        self._destination_id, self._job_id = destination_id, job_id

    def known(self, ids: Sequence[int], identifiers: Sequence[str]) -> dict[int | str, Any]:
        """Return the rows of items, by item id. Rows whose item left the catalogue are found by identifier."""
        wanted = or_(PUBLISHED_ITEM.c.item_id.in_(ids), PUBLISHED_ITEM.c.identifier.in_(identifiers))
        rows = db.session.execute(select(PUBLISHED_ITEM).where(self._is_mine, wanted)).all()
        return {row.identifier if row.item_id is None else row.item_id: row for row in rows}

    def item_ids(self) -> Select[int]:
        """Return a SELECT of the ids of items that are at the destination, or whose creation was not answered."""
        is_there = PUBLISHED_ITEM.c.omeka_id.is_not(None) | PUBLISHED_ITEM.c.sending_since.is_not(None)
        return select(PUBLISHED_ITEM.c.item_id).where(self._is_mine, is_there, PUBLISHED_ITEM.c.item_id.is_not(None))

    def left_identifiers(self) -> set[str]:
        """Return the identifiers of items at the destination that have left the catalogue."""
        has_left = (self._is_mine, PUBLISHED_ITEM.c.item_id.is_(None), PUBLISHED_ITEM.c.omeka_id.is_not(None))
        return set(db.session.scalars(select(PUBLISHED_ITEM.c.identifier).where(*has_left)))

    def withdrawn_item_ids(self) -> set[int]:
        """Return the ids of items of the catalogue that a withdrawal deleted at the destination."""
        is_withdrawn = (
            self._is_mine,
            PUBLISHED_ITEM.c.item_id.is_not(None),
            PUBLISHED_ITEM.c.withdrawn_at.is_not(None),
        )
        return set(db.session.scalars(select(PUBLISHED_ITEM.c.item_id).where(*is_withdrawn)))

    def omeka_ids(self) -> set[int]:
        """Return the ids of all our items at the destination."""
        is_there = (self._is_mine, PUBLISHED_ITEM.c.omeka_id.is_not(None))
        return set(db.session.scalars(select(PUBLISHED_ITEM.c.omeka_id).where(*is_there)))

    def declined(self, item_ids: Collection[int]) -> frozenset[int]:
        """Return the ids at the destination of items that a person did not want to adopt for these items."""
        return adoptions.declined(self._destination_id, item_ids)

    def uploaded(self, published_id: int) -> set[str]:
        """Return the SHA-256 of the files of an item that are at the destination."""
        return set(
            db.session.scalars(
                select(PUBLISHED_FILE.c.sha256).where(PUBLISHED_FILE.c.published_item_id == published_id)
            )
        )

    def refused(self, published_id: int) -> dict[str, str]:
        """Return why the site refused files of an item, by SHA-256."""
        mine = REFUSED_FILE.c.published_item_id == published_id
        return {row.sha256: row.reason for row in db.session.execute(select(REFUSED_FILE).where(mine))}

    def planned(self, published_ids: Sequence[int]) -> dict[int, Changes]:
        """Return the changes that this job planned or made, by id of the published item."""
        mine = (PUBLISHED_CHANGE.c.job_id == self._job_id, PUBLISHED_CHANGE.c.published_item_id.in_(published_ids))
        rows = db.session.execute(select(PUBLISHED_CHANGE.c.published_item_id, PUBLISHED_CHANGE.c.groups).where(*mine))
        return {row.published_item_id: item_changes.from_json(row.groups) for row in rows}

    def last_begin(self, tasks: Sequence[ItemToSend]) -> datetime | None:
        """Return when the last of the unanswered requests for these items began, in UTC."""
        query = select(func.max(PUBLISHED_ITEM.c.sending_since)).where(*self._rows_of(tasks))
        last: datetime | None = db.session.scalar(query)
        return last

    def begin(self, tasks: Sequence[ItemToSend]) -> None:
        """Store that these items are about to be created, so that another attempt looks for them first."""
        for task in tasks:
            begun = {"sending_since": utcnow(), "created_by_job_id": self._job_id, "withdrawn_at": None}
            self._save(task, begun)

    def note_found(self, task: ItemToSend, omeka_id: int) -> None:
        """Store the id at the destination of an item that is to be adopted, or that an earlier attempt created."""
        self._save(task, {"omeka_id": omeka_id})
        if task.is_adoption:
            adoptions.note_adopted(self._job_id, task.item_id)

    def begin_uploads(self, task: ItemToSend, media_before: Sequence[int]) -> None:
        """Store that the files of an item are about to be uploaded. `media_before`: ids of the media that it has."""
        if new := task.new_uploads:
            self._save(task, {})
            file_uploads.begin(self._id_of(task), self._job_id, new, media_before)

    def plan(self, task: ItemToSend, changes: Changes) -> None:
        """Store what the job is about to change in an item that is at the destination."""
        self._save(task, {})
        self.replace_changes(self._id_of(task), changes)

    def forget_begin(self, tasks: Sequence[ItemToSend]) -> None:
        """Store that this attempt never sent the requests for these items and their files.

        An item that an earlier attempt began to create stays as it is: it may be at the destination.
        """
        new = [task for task in tasks if not task.is_begun]
        db.session.execute(update(PUBLISHED_ITEM).where(*self._rows_of(new)).values(sending_since=None))
        for task in tasks:
            file_uploads.end(select(PUBLISHED_ITEM.c.id).where(*self._rows_of([task])), task.new_uploads)

    def record(self, outcome: Outcome) -> None:
        """Store what happened to an item, and its files that are at the destination now."""
        values: dict[str, Any] = {"job_id": self._job_id}
        if not outcome.is_unknown:
            values["sending_since"] = None
        if outcome.item is not None and outcome.sent is not None:
            values |= {"omeka_id": outcome.item.id, "withdrawn_at": None, "wanted": to_json(outcome.sent.wanted)}
            values |= {"accepted": to_json(outcome.sent.accepted)}
        if outcome.action in ("added", "adopted", "updated"):
            values["changed_at"] = utcnow()
        self._save(outcome.task, values)
        published_id = self._id_of(outcome.task)
        if outcome.action != "failed" and (outcome.conflicts or outcome.task.has_conflicts):
            self._record_conflicts(published_id, outcome)
        if not outcome.is_unknown:
            self.replace_changes(published_id, outcome.changes)
        self._record_files(published_id, outcome)

    def _record_files(self, published_id: int, outcome: Outcome) -> None:
        files, begun = outcome.files, outcome.task.begun_uploads
        file_uploads.end_others(published_id, files.unanswered if files else begun)
        if files is None:
            return
        mine = REFUSED_FILE.c.published_item_id == published_id
        tried = (*files.uploaded, *files.continued, *files.present, *files.refused)
        db.session.execute(delete(REFUSED_FILE).where(mine, REFUSED_FILE.c.sha256.in_(tried)))
        refused = [
            {"published_item_id": published_id, "sha256": sha256, "reason": reason}
            for sha256, reason in files.refused.items()
        ]
        if refused:
            db.session.execute(insert(REFUSED_FILE), refused)
        file_uploads.record_continued(published_id, begun, files.continued)
        positions = {file.sha256: file.position for file in outcome.task.files}
        file_uploads.record(published_id, self._job_id, files.uploaded, positions)
        file_uploads.record(published_id, None, files.present, {})

    def replace_changes(self, published_id: int, changes: Changes) -> None:
        """Store what this job changed in an item, instead of what was stored before."""
        mine = (PUBLISHED_CHANGE.c.job_id == self._job_id, PUBLISHED_CHANGE.c.published_item_id == published_id)
        db.session.execute(delete(PUBLISHED_CHANGE).where(*mine))
        if changes:
            row = {"job_id": self._job_id, "published_item_id": published_id, "groups": item_changes.to_json(changes)}
            db.session.execute(insert(PUBLISHED_CHANGE).values(row))

    def _id_of(self, task: ItemToSend) -> int:
        number: int = db.session.scalars(select(PUBLISHED_ITEM.c.id).where(*self._rows_of([task]))).one()
        return number

    def conflicts(self, published_ids: Sequence[int]) -> dict[int, list[Any]]:
        """Return the rows of the conflicts of items, by the id of the published item."""
        found: dict[int, list[Any]] = {}
        for row in db.session.execute(select(CONFLICT).where(CONFLICT.c.published_item_id.in_(published_ids))):
            found.setdefault(row.published_item_id, []).append(row)
        return found

    @staticmethod
    def _record_conflicts(published_id: int, outcome: Outcome) -> None:
        """Store the conflicts of an item. A row whose values are the same stays, with the choice made for it."""
        ours, theirs = outcome.task.wanted, outcome.item
        found = (
            {}
            if theirs is None
            else {
                name: {side: group_to_json(group_of(one, name)) for side, one in (("ours", ours), ("theirs", theirs))}
                for name in outcome.conflicts
            }
        )
        for row in db.session.execute(select(CONFLICT).where(CONFLICT.c.published_item_id == published_id)).all():
            if found.get(row.name) == {"ours": row.ours, "theirs": row.theirs}:
                del found[row.name]
            else:
                db.session.execute(delete(CONFLICT).where(CONFLICT.c.id == row.id))
        new = [{"published_item_id": published_id, "name": name, **parts} for name, parts in found.items()]
        if new:
            db.session.execute(insert(CONFLICT), new)

    @property
    def _is_mine(self) -> Any:
        return PUBLISHED_ITEM.c.destination_id == self._destination_id

    def _rows_of(self, tasks: Sequence[ItemToSend]) -> tuple[Any, ...]:
        return self._is_mine, PUBLISHED_ITEM.c.identifier.in_([task.identifier for task in tasks])

    def _save(self, task: ItemToSend, values: Mapping[str, Any]) -> None:
        """Update the row of an item, or add it."""
        # An undo may have removed the item from the catalogue in the meantime.
        item_id = select(ITEM.c.id).where(ITEM.c.id == task.item_id).scalar_subquery()
        new = {**values, "item_id": item_id}
        if not execute_counted(update(PUBLISHED_ITEM).where(*self._rows_of([task])).values(new)):
            identity = {"destination_id": self._destination_id, "identifier": task.identifier}
            db.session.execute(insert(PUBLISHED_ITEM).values(new | identity))
