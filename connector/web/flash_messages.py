"""Messages that the next page shows. They travel in the session cookie, of which browsers keep 4 KB."""

from __future__ import annotations

import flask

LONGEST = 300  # characters of one message; names in it come from outside
TOTAL = 900  # characters of all
START, END = 200, 80  # characters that are kept of a longer message
MORE = "Some messages are not shown."


def flash(message: str) -> None:
    """Show a message on the next page. A long one loses its middle. Those past TOTAL characters are left out."""
    waiting = [text for _, text in flask.session.get("_flashes", [])]
    if len(message) > LONGEST:
        message = f"{message[:START]}…{message[-END:]}"
    if sum(map(len, waiting)) + len(message) <= TOTAL:
        flask.flash(message)
    elif MORE not in waiting:
        flask.flash(MORE)
