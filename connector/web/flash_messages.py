"""Messages that the next page shows. The session cookie holds them, and browsers limit a cookie to 4 KB."""

from __future__ import annotations

import flask

from ..i18n import lazy_gettext as _l

MAX_CHARACTERS = 300  # of one message, which may contain names from a repository
TOTAL = 900  # characters of all messages together
START, END = 200, 80  # characters that are kept of a longer message
MORE = _l("Some messages are not shown.")


def flash(message: str) -> None:
    """Show a message on the next page. Shorten a long message in its middle. Skip messages beyond TOTAL characters."""
    message, more = str(message), str(MORE)
    waiting = [text for _category, text in flask.session.get("_flashes", [])]
    if len(message) > MAX_CHARACTERS:
        message = f"{message[:START]}…{message[-END:]}"
    if sum(map(len, waiting)) + len(message) <= TOTAL:
        flask.flash(message)
    elif more not in waiting:
        flask.flash(more)
