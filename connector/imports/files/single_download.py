"""Downloads single files in worker threads, compares them with the announced size and checksum, and retries."""

from __future__ import annotations

import gzip
import hashlib
import logging
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from flask import current_app

from ...errors import (
    LASTING_ERRORS,
    ConnectorError,
    MalwareFoundError,
    NotFoundError,
    RequestRejectedError,
    RestrictedError,
    TooLargeError,
    TransientError,
)
from ...http import Download, Received
from ...i18n import decimal, gettext as _
from ...models.catalogue import FileStatus
from ...storage.content_store import PIECE, FileFolder, Part
from ...storage.virus_scan import Scanner
from ...text import human_size
from ..context.import_context import ImportContext
from ..start import retry_failed
from .announced_file import Announced
from .download_budget import DownloadBudget, Reservation
from .download_meter import DownloadMeter
from .download_outcomes import Outcome

log = logging.getLogger(__name__)
KIND = "file"  # kind of request (see `OutageWait`)
PACKED = ("application/gzip", "application/x-gzip")  # types of files that are compressed themselves
TRIES = 3
START = 1024  # bytes needed to recognise a web page


@dataclass(frozen=True, slots=True)
class Arrival:
    """Downloaded bytes. `digest`: by the algorithm of the source's checksum. `start`: the first bytes."""

    part: Part
    got: Download
    digest: str | None
    start: bytes


class Downloader:
    """A callable that downloads the file of a row.

    Raises JobStoppedError and StorageError; other errors are outcomes.
    """

    def __init__(self, context: ImportContext, folder: FileFolder, meter: DownloadMeter):
        self._client, self._access, self._outage = context.client, context.access, context.outage
        self._limit = retry_failed.file_limit(context.options)
        self._budget = DownloadBudget(context.options.files_limit, context.counts_before["bytes"], context.attempt.stop)
        self._room, self._folder, self._meter = context.room, folder, meter
        self._scanner = Scanner(current_app.config["CLAMD_URL"], context.attempt)

    def __call__(self, row: Any, tries: int = TRIES) -> Outcome:
        """Return the outcome of the file after up to `tries` tries.

        A file that differs from the announcement is downloaded twice. If both downloads are equal and have the right
        size, the checksum at the source is wrong.
        """
        if FileStatus(row.status).is_stored:
            return self._checked(row)
        announced = Announced.of(row)
        outcome = self._attempt(row, announced, tries)
        if outcome.status in (FileStatus.DAMAGED, FileStatus.DIFFERS):
            outcome.discard()
            first, outcome = outcome, self._attempt(row, announced, tries)
            if outcome.status in (FileStatus.DAMAGED, FileStatus.DIFFERS) and first.md5 != outcome.md5:
                outcome.discard()
                outcome = _two_different(announced, outcome)
        return self._scanned(row, outcome)

    def _checked(self, row: Any) -> Outcome:
        """Return the outcome of a stored file, after checking again whether it is public."""
        kept = Outcome(
            FileStatus(row.status),
            row.reason,
            row.technical_details or (),
            sha256=row.sha256,
            content_is_restricted=row.content_is_restricted,
        )
        try:
            return replace(kept, content_is_restricted=not self._access.is_public(row.bitstream_id))
        except TransientError as error:
            return replace(kept, error=error, failed_at=time.monotonic())

    def _attempt(self, row: Any, announced: Announced, tries: int) -> Outcome:
        if row.size is not None and row.size > self._limit:
            return Outcome(
                FileStatus.TOO_LARGE,
                _(
                    "%(size)s: more than the limit of %(limit)s.",
                    size=human_size(row.size),
                    limit=human_size(self._limit),
                ),
            )
        try:
            share = self._budget.share(row.size)
        except TooLargeError as error:
            return Outcome(FileStatus.TOO_LARGE, str(error))
        spent = 0
        try:
            outcome = self._tries(row, announced, share, tries)
            spent = outcome.size
            return outcome
        finally:
            share.settle(spent)

    def _tries(self, row: Any, announced: Announced, share: Reservation, tries: int) -> Outcome:
        """Download a file within its reserved share of the download limit, as soon as the disk has room."""
        self._room.wait(row.size or 0)
        one_try = partial(self._one_try, row, announced, share)
        try:
            return self._outage.attempt(KIND, partial(self._outage.repeat, one_try, tries), defers=True)
        except TransientError as error:
            return _failed(FileStatus.FAILED, error)

    def _one_try(self, row: Any, announced: Announced, share: Reservation) -> Outcome:
        try:
            return self._received(row, announced, share)
        except RestrictedError as error:
            return self._restricted(row, error)
        except TooLargeError as error:
            return self._too_large(announced, error)
        except LASTING_ERRORS as error:
            return _failed(FileStatus.MISSING if isinstance(error, NotFoundError) else FileStatus.FAILED, error)

    def _restricted(self, row: Any, error: RestrictedError) -> Outcome:
        """Return the outcome of a file without access.

        If the source gives the end of an embargo, the outcome includes it.
        """
        day = self._client.available_from(row.bitstream_id)
        if day is None:
            return _refused(FileStatus.RESTRICTED, error)
        reason = _(
            "%(error)s Its embargo ends on %(day)s; the next import after that tries again.",
            error=error.in_short,
            day=f"{day:%Y-%m-%d}",
        )
        return Outcome(FileStatus.RESTRICTED, reason, error.technical_details, embargo_ends_on=day.isoformat())

    def _too_large(self, announced: Announced, error: TooLargeError) -> Outcome:
        if announced.size is None or announced.size > self._limit:
            return _refused(FileStatus.TOO_LARGE, error)
        reason = _("The file is larger than the source announces. The next import tries again.")
        return Outcome(FileStatus.DAMAGED, reason, _announcement(announced))

    def _received(self, row: Any, announced: Announced, share: Reservation) -> Outcome:
        algorithm = announced.checksum.algorithm if announced.checksum else None
        most = min(self._limit, announced.most or self._limit)
        content_is_restricted = False

        def download(sink: Callable[[bytes], object]) -> Download:
            nonlocal content_is_restricted
            guarded = share.with_reservation(self._room.with_space_check(self._meter.count_bytes(row, sink)))
            got, content_is_restricted = self._access.download(row.bitstream_id, guarded, most)
            return got

        came = self._into_part(download, algorithm)
        status = announced.status(came.got.size, came.digest)
        if came.got.is_packed and (status is FileStatus.DAMAGED or _is_packed_on_the_way(announced)):
            packed, came = came, self._unpacked(came, announced, algorithm)
            packed.part.discard()
            status = announced.status(came.got.size, came.digest)
        if announced.is_web_page_instead(came.got.media_type, came.start):
            came.part.discard()
            raise RequestRejectedError(_("The server sent a web page instead of the file."))
        return _outcome(status, came, announced, content_is_restricted)

    def _into_part(self, download: Callable[[Callable[[bytes], object]], Download], algorithm: str | None) -> Arrival:
        """Run a download into a new part of the folder and return its bytes."""
        part, digest, start = self._folder.part(), hashlib.new(algorithm or "md5", usedforsecurity=False), bytearray()

        def sink(piece: bytes) -> None:
            digest.update(piece)
            start.extend(piece[: START - len(start)])
            part.write(piece)

        try:
            got = download(sink)
            part.finish()
        except BaseException:
            part.discard()
            raise
        return Arrival(part, got, digest.hexdigest() if algorithm else None, bytes(start))

    def _unpacked(self, came: Arrival, announced: Announced, algorithm: str | None) -> Arrival:
        """Return the bytes unpacked from gzip, up to the announced size or else the size limit."""
        most = self._limit if announced.size is None else announced.size

        def unpack(sink: Callable[[bytes], object]) -> Download:
            received = Received(self._room.with_space_check(sink))
            try:
                with gzip.open(came.part.path) as file:
                    while piece := file.read(PIECE):
                        received.take(piece)
                        if received.size > most:
                            raise TooLargeError(_("Unpacked, it is larger than %(most)s bytes.", most=decimal(most)))
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise RequestRejectedError(_("The server sent gzip data that cannot be unpacked.")) from error
            return replace(received.result(), media_type=came.got.media_type)

        try:
            return self._into_part(unpack, algorithm)
        except BaseException:
            came.part.discard()
            raise

    def _scanned(self, row: Any, outcome: Outcome) -> Outcome:
        """Return the outcome after the virus scan of the downloaded bytes, if any."""
        if outcome.part is None:
            return outcome
        try:
            self._scanner.approve(outcome.part)
        except MalwareFoundError as error:
            log.warning("Bitstream %s is refused by the virus scanner. %s", row.bitstream_id, error)
            outcome.discard()
            return Outcome(FileStatus.INFECTED, str(error), size=outcome.size)
        except BaseException:
            outcome.discard()
            raise
        return outcome


def _outcome(status: FileStatus, came: Arrival, announced: Announced, content_is_restricted: bool) -> Outcome:
    got = came.got
    if status is FileStatus.DAMAGED:
        came.part.discard()
        reason = _("The file is not what the source announces. The next import tries again.")
        came_line = _("Downloaded: MD5 %(md5)s, %(size)s bytes", md5=got.md5, size=got.size)
        return Outcome(status, reason, (*_announcement(announced), came_line), md5=got.md5, size=got.size)
    differs, details = _wrong_at_the_source(announced, came.digest) if status is FileStatus.DIFFERS else (None, ())
    return Outcome(
        status, differs, details, came.part, got.sha256, got.md5, got.size, content_is_restricted=content_is_restricted
    )


def _announcement(announced: Announced) -> tuple[str, ...]:
    """Return the technical details of what the source gives for a file."""
    return (_("Announced: %(announced)s", announced=announced),)


def _wrong_at_the_source(announced: Announced, digest: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the reason of a file whose checksum at the source seems wrong, and its technical details."""
    reason = _(
        "Two downloads were the same and have the right size, so the checksum at the source may be wrong. "
        "Tell the administrator of the repository."
    )
    return reason, (*_announcement(announced), _("Checksum of the file: %(digest)s", digest=digest))


def _two_different(announced: Announced, outcome: Outcome) -> Outcome:
    """Return the outcome of a file whose two downloads differ from the announcement and from each other."""
    reason = _(
        "The file is not what the source announces, and two downloads were not alike. It is not downloaded "
        "again until the source announces something else, except by a full check or “Retry failed”."
    )
    return Outcome(FileStatus.DAMAGED, reason, _announcement(announced), size=outcome.size, is_unstable=True)


def _is_packed_on_the_way(announced: Announced) -> bool:
    """Return whether to unpack a body when neither size nor checksum decides it (RFC 9110, 8.4)."""
    return announced.size is None and announced.checksum is None and announced.media_type not in PACKED


def _refused(status: FileStatus, error: ConnectorError) -> Outcome:
    return Outcome(status, error.in_short, error.technical_details)


def _failed(status: FileStatus, error: ConnectorError) -> Outcome:
    return replace(_refused(status, error), error=error, failed_at=time.monotonic())
