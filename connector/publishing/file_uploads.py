"""The tables of the files at destinations, and of uploads that have begun and have no answer yet.

A row of an upload is written before the request. If the process ends during the upload, the row says that the file is
ours, even if the file has left the source before the job goes on. Functions that write run inside the caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, insert, select

from ..extensions import db, utcnow
from ..models.publishing import PUBLISHED_FILE, PUBLISHED_ITEM, UPLOAD
from ..omeka.resources import Media


@dataclass(frozen=True, slots=True)
class BegunUpload:
    """An upload without an answer. `media_before`: ids of the media that the item had before. `began_at`: in UTC.

    `position`: the place of the file among the media.
    """

    sha256: str
    position: int
    job_id: int | None
    media_before: frozenset[int]
    began_at: datetime

    def medium(self, media: Iterable[Media]) -> Media | None:
        """Return the medium that the upload has added to the item, or None."""
        return next((one for one in media if one.sha256 == self.sha256 and one.id not in self.media_before), None)


def begin(published_id: int, job_id: int, positions: Mapping[str, int], media_before: Sequence[int]) -> None:
    """Store that files are about to be uploaded to an item. `positions`: their places, by SHA-256."""
    same: dict[str, Any] = {"published_item_id": published_id, "job_id": job_id, "began_at": utcnow()}
    same |= {"media_before": list(media_before)}
    rows = [same | {"sha256": sha256, "position": position} for sha256, position in positions.items()]
    if rows:
        db.session.execute(insert(UPLOAD), rows)


def begun(published_ids: Collection[int]) -> dict[int, dict[str, BegunUpload]]:
    """Return the uploads without an answer, by id of the published item and SHA-256."""
    found: dict[int, dict[str, BegunUpload]] = {}
    for row in db.session.execute(select(UPLOAD).where(UPLOAD.c.published_item_id.in_(published_ids))):
        found.setdefault(row.published_item_id, {})[row.sha256] = _upload(row)
    return found


def items_of(job_id: int) -> dict[int, int]:
    """Return the ids at the destination of items to which a job began an upload without an answer, by id of the row."""
    mine = select(UPLOAD.c.published_item_id).where(UPLOAD.c.job_id == job_id)
    query = select(PUBLISHED_ITEM.c.id, PUBLISHED_ITEM.c.omeka_id).where(PUBLISHED_ITEM.c.id.in_(mine))
    rows = db.session.execute(query.where(PUBLISHED_ITEM.c.omeka_id.is_not(None)))
    return {row.id: row.omeka_id for row in rows}


def end(published_ids: Select[int], hashes: Collection[str]) -> None:
    """Delete the rows of these uploads to items."""
    mine = (UPLOAD.c.published_item_id.in_(published_ids), UPLOAD.c.sha256.in_(hashes))
    db.session.execute(delete(UPLOAD).where(*mine))


def end_others(published_id: int, unanswered: Collection[str]) -> None:
    """Delete the rows of all uploads to an item but those that have no answer yet."""
    mine = (UPLOAD.c.published_item_id == published_id, UPLOAD.c.sha256.not_in(unanswered))
    db.session.execute(delete(UPLOAD).where(*mine))


def record_continued(published_id: int, begun: Mapping[str, BegunUpload], media_ids: Mapping[str, int]) -> None:
    """Store files whose uploads had no answer. They belong to the jobs that began the uploads."""
    for sha256, media_id in media_ids.items():
        upload = begun[sha256]
        record(published_id, upload.job_id, {sha256: media_id}, {sha256: upload.position})


def record(published_id: int, job_id: int | None, media_ids: Mapping[str, int], positions: Mapping[str, int]) -> None:
    """Store files of an item that are at the destination, by SHA-256. `job_id`: None if others have added them.

    `positions`: the places with which we have sent them.
    """
    same: dict[str, Any] = {"published_item_id": published_id, "job_id": job_id}
    rows = [
        same | {"sha256": sha256, "media_id": media_id, "position": positions.get(sha256)}
        for sha256, media_id in media_ids.items()
    ]
    if rows:
        db.session.execute(insert(PUBLISHED_FILE), rows)


def known(published_ids: Collection[int]) -> dict[int, dict[int, int | None]]:
    """Return the files of items at the destination: their places by id of the medium, by id of the published item."""
    found: dict[int, dict[int, int | None]] = {}
    columns = (PUBLISHED_FILE.c.published_item_id, PUBLISHED_FILE.c.media_id, PUBLISHED_FILE.c.position)
    for published_id, media_id, position in db.session.execute(
        select(*columns).where(PUBLISHED_FILE.c.published_item_id.in_(published_ids))
    ):
        found.setdefault(published_id, {})[media_id] = position
    return found


def _upload(row: Any) -> BegunUpload:
    return BegunUpload(row.sha256, row.position, row.job_id, frozenset(row.media_before), row.began_at)
