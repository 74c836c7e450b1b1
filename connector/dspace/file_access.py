"""Checks whether files may be read, without reading them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from ..errors import LASTING_ERRORS, RestrictedError
from ..http import HttpClient
from .records import FileAccess


def may_read(http: HttpClient, url: str) -> bool | None:
    """Return whether the file at `url` may be read, or None if it is missing or has another lasting error.

    Raise TransientError if the repository does not answer.
    """
    try:
        http.peek(url)
    except RestrictedError:
        return False
    except LASTING_ERRORS:
        return None
    return True


def access_one_by_one(
    is_open: Callable[[str], bool | None], bitstream_ids: Collection[str]
) -> Mapping[str, FileAccess]:
    """Return whether each of these files may be read, with one request per file. Unknown ones are left out."""
    answers = {id: is_open(id) for id in bitstream_ids}
    return {id: FileAccess(answer) for id, answer in answers.items() if answer is not None}
