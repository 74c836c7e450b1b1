"""Thumbnails of stored pictures and of the first pages of PDFs. The workers make them, apart from imports."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import select, update

from ..extensions import db, execute_counted, transaction
from ..models.catalogue import FILE, STORED_FILE, CatalogueFile, StoredFile, ThumbnailState
from ..storage.garbage_collection import the_folder, thumbnail_folder
from ..storage.thumbnail_process import Kind, ThumbnailError, ThumbnailProcess
from .item_presentation import PICTURES, media_type_of

log = logging.getLogger(__name__)
AT_ONCE = 200  # rows of a query
BUNDLE = "THUMBNAIL"  # the bundle of the pictures that DSpace has made
MORE_PICTURES = ("image/bmp", "image/jp2", "image/tiff", "image/x-ms-bmp")  # which most browsers cannot show
KINDS = dict.fromkeys((*PICTURES, *MORE_PICTURES), Kind.PICTURE) | {"application/pdf": Kind.PDF}


def of_items(item_ids: Sequence[int], *, with_restricted: bool) -> dict[int, CatalogueFile]:
    """Return the first file with a thumbnail of each item that has one, by item id. Other bundles than BUNDLE first."""
    query = (
        select(CatalogueFile)
        .join(StoredFile, StoredFile.sha256 == CatalogueFile.sha256)
        .where(CatalogueFile.item_id.in_(item_ids), StoredFile.thumbnail == ThumbnailState.MADE)
    )
    if not with_restricted:
        query = query.where(~CatalogueFile.is_restricted)
    files = db.session.scalars(query.order_by((CatalogueFile.bundle == BUNDLE).desc(), CatalogueFile.position.desc()))
    return {file.item_id: file for file in files}


def make_due() -> None:
    """Make the thumbnails of all stored files that have not been tried. Raise StorageError if one cannot be written."""
    after = ""
    with ThumbnailProcess() as process:
        while hashes := _due(after):
            after = hashes[-1]
            kinds = _kinds(hashes)
            _set(set(hashes) - kinds.keys(), ThumbnailState.NONE)
            for sha256, kind in kinds.items():
                _make(process, sha256, kind)


def make_again(sha256: str) -> None:
    """Have a thumbnail made again if it was made and is lost. A backup, for example, has none."""
    lost = (STORED_FILE.c.sha256 == sha256, STORED_FILE.c.thumbnail == ThumbnailState.MADE)
    with transaction():
        db.session.execute(update(STORED_FILE).where(*lost).values(thumbnail=ThumbnailState.DUE))


def _due(after: str) -> Sequence[str]:
    query = select(STORED_FILE.c.sha256).where(
        STORED_FILE.c.thumbnail == ThumbnailState.DUE, STORED_FILE.c.sha256 > after
    )
    hashes = db.session.scalars(query.order_by(STORED_FILE.c.sha256).limit(AT_ONCE)).all()
    db.session.rollback()
    return hashes


def _kinds(hashes: Sequence[str]) -> dict[str, Kind]:
    """Return the kinds of the files from which thumbnails are made, by SHA-256."""
    rows = db.session.execute(select(FILE.c.sha256, FILE.c.media_type).where(FILE.c.sha256.in_(hashes))).all()
    db.session.rollback()
    return {sha256: KINDS[found] for sha256, given in rows if (found := media_type_of(given)) in KINDS}


def _make(process: ThumbnailProcess, sha256: str, kind: Kind) -> None:
    """Make the thumbnail of a stored file. Do nothing if its disk is not available: it stays due."""
    source, folder = the_folder().path(sha256), thumbnail_folder()
    if not source.is_file():
        return
    part = folder.part()
    try:
        width, height = process.make(source, part.path, kind)
        part.finish()
        folder.keep(part, sha256)
        size = {"width": width, "height": height} if kind is Kind.PICTURE else {}
        if not _set({sha256}, ThumbnailState.MADE, **size):  # nothing needs the file any more
            folder.remove(sha256)
    except ThumbnailError as error:
        log.info("No thumbnail of file %s: %s", sha256, error)
        _set({sha256}, ThumbnailState.FAILED)
    finally:
        part.discard()


def _set(hashes: set[str], state: ThumbnailState, **size: int) -> int:
    """Store the state of thumbnails. Return the number of stored files that exist."""
    with transaction():
        return execute_counted(
            update(STORED_FILE).where(STORED_FILE.c.sha256.in_(hashes)).values(thumbnail=state, **size)
        )
