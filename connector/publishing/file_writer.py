"""Uploads the files of single items to a destination, in threads that do not use the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ..errors import ConnectorError, OutcomeUnknownError, RequestRejectedError
from ..extensions import utcnow
from ..http import Upload
from ..i18n import gettext as _
from ..omeka.resources import Item, Media, NewMedia
from .destination_connections import DestinationConnection
from .file_uploads import BegunUpload
from .item_failures import ITEM_PROBLEMS, Problem, problem_of

# Omeka S may work as long on a request whose connection has ended (PHP's max_execution_time).
MAX_EXECUTION_SECONDS = 30.0
_OF_FILES = (413, 422)  # the statuses with which a site refuses a file each time


@dataclass(frozen=True, slots=True)
class FileToSend:
    """A stored file of an item. `position`: its place among the files, from 1. `size`: in bytes.

    `alt_text`: what an image shows, for people who do not see it.
    """

    sha256: str
    size: int
    path: Path
    name: str
    title: str
    media_type: str
    position: int
    alt_text: str | None = None


@dataclass(frozen=True, slots=True)
class FileResults:
    """What happened to the files of an item, by SHA-256.

    `uploaded`, `continued`, `present`: the ids of the media that this attempt uploaded, of those that an earlier one
    uploaded without an answer, and of those that others have added. `refused`: why the site refused files.
    `unanswered`: files that may still be on their way.
    """

    uploaded: dict[str, int] = field(default_factory=dict)
    continued: dict[str, int] = field(default_factory=dict)
    present: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


class FileWriter:
    """A writer for the files of one attempt. `wait`: waits this many seconds, and raises JobStoppedError at a stop."""

    def __init__(self, connection: DestinationConnection, wait: Callable[[float], None]):
        self._client, self._asked, self._wait = connection.client, connection.asked, wait

    def write(self, item: Item, files: Sequence[FileToSend], begun: Mapping[str, BegunUpload]) -> FileResults:
        """Upload the files that an item at the destination lacks. A failure stays with its file.

        `begun`: uploads to the item that an earlier attempt began and whose answers are not known.
        """
        media = self._media(item.id, begun) if item.media or begun else []
        found = _continued(begun, media)
        there = {medium.sha256: medium.id for medium in media if medium.sha256}
        results = FileResults(continued=found)
        for file in files:
            if file.sha256 in found:
                continue
            if file.sha256 in there:
                results.present[file.sha256] = there[file.sha256]
            else:
                self._try(item, file, results)
        return results

    def continued(self, item_id: int, begun: Mapping[str, BegunUpload]) -> dict[str, int]:
        """Return the ids of the media that uploads without an answer have added to an item, by SHA-256."""
        return _continued(begun, self._media(item_id, begun))

    def _media(self, item_id: int, begun: Mapping[str, BegunUpload]) -> list[Media]:
        """Return the media of an item when the site must have ended the uploads that have begun."""
        media = self._media_of(item_id)
        missing = [upload.began_at for upload in begun.values() if upload.medium(media) is None]
        if not (seconds := seconds_left(max(missing, default=None))):
            return media
        self._wait(seconds)
        return self._media_of(item_id)

    def _media_of(self, item_id: int) -> list[Media]:
        return self._asked(lambda: self._client.media_of(item_id))

    def _try(self, item: Item, file: FileToSend, results: FileResults) -> None:
        try:
            results.uploaded[file.sha256] = self._uploaded(item, file).id
        except (*ITEM_PROBLEMS, OSError) as error:
            sentence, details = _problem_of(error)
            results.problems.append(Problem(file_in_words(file.name, sentence), details))
            if isinstance(error, RequestRejectedError) and error.status in _OF_FILES:
                results.refused[file.sha256] = sentence
            if isinstance(error, OutcomeUnknownError) and error.status != 500:  # 500: an answer of Omeka S itself
                results.unanswered.add(file.sha256)

    def _uploaded(self, item: Item, file: FileToSend) -> Media:
        """Upload a file and return its medium. Raise RequestRejectedError if the site stored something else."""
        file.path.stat()  # raise OSError before a request begins
        upload = Upload("file", file.name, lambda: file.path.open("rb"), file.size, file.media_type)
        place = (item.id, file.name, file.title, file.position)
        new = NewMedia(*place, is_public=item.is_public, alt_text=file.alt_text)
        try:
            media = self._asked(lambda: self._client.upload(new, upload))
        except OutcomeUnknownError as error:
            found = next((one for one in self._media_of(item.id) if one.sha256 == file.sha256), None)
            if found is None:
                raise error
            return found
        if (media.size, media.sha256) != (file.size, file.sha256):
            self._client.delete_media(media.id)
            raise RequestRejectedError(_("Omeka S stored it damaged, so it was removed there. Publish again."))
        return media


def seconds_left(began_at: datetime | None) -> float:
    """Return how many seconds Omeka S may still work on a request that began then, in UTC. 0 without such a request."""
    return max(0.0, MAX_EXECUTION_SECONDS - (utcnow() - began_at).total_seconds()) if began_at else 0.0


def _continued(begun: Mapping[str, BegunUpload], media: Sequence[Media]) -> dict[str, int]:
    return {name: medium.id for name, upload in begun.items() if (medium := upload.medium(media))}


def _problem_of(error: Exception) -> Problem:
    if not isinstance(error, ConnectorError):
        return Problem(_("It cannot be read here."), (str(error),))
    problem = problem_of(error)
    if isinstance(error, OutcomeUnknownError) and error.status == 500:
        sentence = _("Omeka S failed with an error of its own. The file may be larger than its PHP settings allow.")
        return problem._replace(sentence=sentence)
    return problem


def file_in_words(name: str, reason: str) -> str:
    """Return why a file was not published."""
    return _("File “%(name)s”: %(reason)s", name=name, reason=reason)
