"""Messages about items that the source counts but does not list, with the reason as far as it is known."""

from __future__ import annotations

from ...dspace.records import ScopeKind
from ...i18n import decimal, gettext as _, lazy_gettext as _l, ngettext, ngettext_or_empty
from ...models.jobs import Job
from ..context.import_context import ImportContext

GROWTH = 10  # items by which a known overcount grows until it is a problem again
_LISTED_ELSEWHERE = _l("Some of them may be readable: an import of the entire repository finds these.")
_LISTED_NOWHERE = _l("No list of this repository shows them: import a readable one by its own address.")


def unexplained_difference(job: Job, inexact: bool) -> str:
    """Return a message about items that are counted but not found, or "" if all are explained.

    `inexact`: the source also counts private and restricted items, as DSpace 4 to 6 do (docs/dspace-findings.md).
    """
    if job.expected is None or (missing := job.expected - job.counts["not_visible"] - job.counts["seen"]) <= 0:
        return ""
    found = {"expected": decimal(job.expected), "found": decimal(job.counts["seen"])}
    if inexact:
        return ngettext(
            "The source counts %(expected)s items; %(found)s could be found, and %(num)s of them is not accounted for: "
            "they may be private or restricted, or they are missing here.",
            "The source counts %(expected)s items; %(found)s could be found, and %(num)s of them are not accounted "
            "for: they may be private or restricted, or they are missing here.",
            missing,
            **found,
        )
    return ngettext(
        "The source counts %(expected)s items; %(found)s could be found, and %(num)s of them is not accounted for: "
        "its count or its list is off by that many.",
        "The source counts %(expected)s items; %(found)s could be found, and %(num)s of them are not accounted for: "
        "its count or its list is off by that many.",
        missing,
        **found,
    )


def new_overcount(context: ImportContext) -> str:
    """Return a message if collections count far more items than they list, otherwise "".

    Return "" if an earlier import found the same difference and it has grown by less than GROWTH.
    """
    known = context.known_not_visible
    is_new = any(number >= known.get(id, 0) + GROWTH for id, number in context.progress.overcounted.items())
    if not is_new:
        return ""
    return _(
        "%(overcount)s Ask the administrator of the repository whether this is right.", overcount=_overcount(context)
    )


def explained_difference(context: ImportContext) -> str:
    """Return a message that explains the items that are not visible or not listed (design rule 13)."""
    is_community = context.scope.kind is ScopeKind.COMMUNITY
    outside = context.progress.not_visible.get(context.scope.id, 0) if is_community else 0
    inside = sum(context.progress.not_visible.values()) - outside - sum(context.progress.overcounted.values())
    sentences = (
        _inside_in_words(inside),
        "" if new_overcount(context) else _overcount(context),
        _outside_in_words(outside),
        str(_LISTED_ELSEWHERE if context.client.lists_all_items else _LISTED_NOWHERE) if outside else "",
    )
    return " ".join(filter(None, sentences))


def _inside_in_words(number: int) -> str:
    return ngettext_or_empty(
        "The source counts %(num)s more item that it does not list: private or restricted ones.",
        "The source counts %(num)s more items that it does not list: private or restricted ones.",
        number,
    )


def _outside_in_words(number: int) -> str:
    return ngettext_or_empty(
        "The community counts %(num)s more item, in collections that are not visible.",
        "The community counts %(num)s more items, in collections that are not visible.",
        number,
    )


def _overcount(context: ImportContext) -> str:
    """Return a message with the number of items not listed: too many to assume that they are private, or ""."""
    places, number = len(context.progress.overcounted), sum(context.progress.overcounted.values())
    return ngettext_or_empty(
        "%(num)s collection lists less than half of the items that the source counts there; %(items)s are not listed. "
        "They may be private or restricted, or the list may be incomplete.",
        "%(num)s collections list less than half of the items that the source counts there; %(items)s are not listed. "
        "They may be private or restricted, or the list may be incomplete.",
        places,
        items=decimal(number),
    )
