"""Messages that the next page shows. The session cookie holds them, and browsers limit a cookie to 4 KB."""

from __future__ import annotations

from collections.abc import Iterable

import flask
from markupsafe import Markup, escape

from ..i18n import lazy_gettext as _l

MAX_CHARACTERS = 300  # of one message, which may contain names from a repository
TOTAL = 900  # characters of all messages together
START, END = 200, 80  # characters that are kept of a longer message
NAME = 100  # characters of a name in a message
MORE = _l("Some messages are not shown.")


def flash(message: str, **names: str | Markup) -> None:
    """Show a message on the next page. Shorten a long message in its middle. Skip messages beyond TOTAL characters.

    `names`: values of the placeholders of the message, as plain texts or as links (see `link`). Each keeps its own
    direction of writing.
    """
    message, more = str(message), str(MORE)
    if names:
        message = escape(message) % {name: _isolated(text) for name, text in names.items()}
    elif len(message) > MAX_CHARACTERS:
        message = f"{message[:START]}…{message[-END:]}"
    waiting = [text for _category, text in flask.session.get("_flashes", [])]
    if sum(map(len, waiting)) + len(message) <= TOTAL:
        flask.flash(message)
    elif more not in waiting:
        flask.flash(more)


def link(address: str, label: str) -> Markup:
    """Return a link for a message."""
    return Markup('<a href="{}">{}</a>').format(address, label)


def job_links(job_ids: Iterable[int]) -> Markup:
    """Return links to jobs for a message."""
    numbers = (link(flask.url_for("imports.job", job_id=job_id), str(job_id)) for job_id in job_ids)
    return Markup(", ").join(numbers)


def _isolated(name: str | Markup) -> Markup:
    if isinstance(name, Markup):
        return name
    return Markup("<bdi>{}</bdi>").format(name if len(name) <= NAME else f"{name[:NAME]}…")
