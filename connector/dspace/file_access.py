"""Whether files may be read, asked without reading them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from ..errors import LASTING_ERRORS, RestrictedError
from ..http import HttpClient
from .records import FileAccess


def may_read(http: HttpClient, url: str) -> bool | None:
    """Return whether the file at `url` may be read; None where it is not there, or something else is wrong with it.

    Raises TransientError.
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
    """Return of each of these files whether it may be read, by one request each; the unknown ones are left out."""
    answers = {id: is_open(id) for id in bitstream_ids}
    return {id: FileAccess(answer) for id, answer in answers.items() if answer is not None}
