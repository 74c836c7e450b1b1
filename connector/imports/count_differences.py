"""Messages about items that the source counts but does not list, with the reason as far as it is known."""

from __future__ import annotations

from ..dspace.records import ScopeKind
from ..formatting import plural
from ..models.jobs import Job
from .import_context import ImportContext

GROWTH = 10  # items by which a known overcount grows until it is a problem again
_LISTED_ELSEWHERE = "Some of them may be readable: an import of the entire repository finds these."
_LISTED_NOWHERE = "No list of this repository shows them: import a readable one by its own address."


def unexplained(job: Job, inexact: bool) -> str:
    """Return a message about items that are counted but not found, or "" if all are explained.

    `inexact`: the source also counts private and restricted items, as DSpace 4 to 6 do (docs/dspace-findings.md).
    """
    if job.expected is None or (missing := job.expected - job.counts["hidden"] - job.counts["seen"]) <= 0:
        return ""
    if inexact:
        why = "they may be private or restricted, or they are missing here."
    else:
        why = "its count or its list is off by that many."
    found = f"The source counts {job.expected} items; {job.counts['seen']} could be found"
    return f"{found}, and {missing} of them {'is' if missing == 1 else 'are'} not accounted for: {why}"


def new_overcount(context: ImportContext) -> str:
    """Return a message if collections count far more items than they list, otherwise "".

    Return "" if an earlier import found the same difference and it has grown by less than GROWTH.
    """
    known = context.known_hidden
    is_new = any(number >= known.get(id, 0) + GROWTH for id, number in context.progress.overcounted.items())
    return f"{_overcount(context)} Ask the administrator of the repository whether this is right." if is_new else ""


def accounted_for(context: ImportContext) -> str:
    """Return a message that explains the items that are not visible or not listed (design rule 13)."""
    is_community = context.scope.kind is ScopeKind.COMMUNITY
    outside = context.progress.hidden.get(context.scope.id, 0) if is_community else 0
    inside = sum(context.progress.hidden.values()) - outside - sum(context.progress.overcounted.values())
    sentences = []
    if inside:
        more = f"{inside} more {plural('item', inside)}"
        sentences.append(f"The source counts {more} that it does not list: private or restricted ones.")
    if context.progress.overcounted and not new_overcount(context):
        sentences.append(_overcount(context))
    if outside:
        more = f"{outside} more {plural('item', outside)}"
        sentences.append(f"The community counts {more}, in collections that are not visible.")
        sentences.append(_LISTED_ELSEWHERE if context.client.lists_all_items else _LISTED_NOWHERE)
    return " ".join(sentences)


def _overcount(context: ImportContext) -> str:
    """Return a message with the number of items not listed: too many to assume that they are private."""
    places, number = len(context.progress.overcounted), sum(context.progress.overcounted.values())
    lists = "1 collection lists" if places == 1 else f"{places} collections list"
    return (
        f"{lists} less than half of the items that the source counts there; {number} are not listed. They may be "
        "private or restricted, or the list may be incomplete."
    )
