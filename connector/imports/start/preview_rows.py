"""The rows of previews: the changes that an import would make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, select

from ...errors import NotFoundError
from ...extensions import db
from ...i18n import gettext as _, lazy_gettext as _l
from ...jobs import lifecycle
from ...models.jobs import Job
from ...models.previews import PreviewRow
from ...pagination import Order

ROWS_PER_FETCH = 500
FOUND_ORDER = Order((PreviewRow.id,))


class PreviewAction(StrEnum):
    """What an import would do to an item, as a preview records it.

    CHOSEN: an item that was ticked in a preview and that an import must read.
    """

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    VANISHED = "vanished"
    FAILED = "failed"
    CHOSEN = "chosen"


FILE_CHANGES = {
    "added": _l("file %(name)s added"),
    "changed": _l("file %(name)s changed"),
    "removed": _l("file %(name)s removed"),
}
CHANGES = (PreviewAction.NEW, PreviewAction.CHANGED, PreviewAction.VANISHED)


def get_preview(job_id: int) -> Job:
    """Return the job if it is a preview. Raises NotFoundError."""
    job = lifecycle.get(job_id)
    if not job.is_preview:
        raise NotFoundError(_("Job %(job)s is not a preview.", job=job_id))
    return job


def rows(job_id: int, *actions: PreviewAction) -> Select[Any]:
    """Return a SELECT of the rows of this job in the order found: all rows, or only those with one of these actions."""
    query = FOUND_ORDER.sort(select(PreviewRow).where(PreviewRow.job_id == job_id))
    return query.where(PreviewRow.action.in_(actions)) if actions else query


def changes(job_id: int) -> Iterator[dict[str, Any]]:
    """Yield what an import would change, as --json prints it: {action, id, handle, title} and the data of the row."""
    for one in db.session.scalars(rows(job_id, *CHANGES).execution_options(yield_per=ROWS_PER_FETCH)):
        yield {"action": one.action, "id": one.source_id, "handle": one.handle, "title": one.title, **one.data}


def in_words(change: Mapping[str, Any]) -> str:
    """Return a change as one line: its reason, and the fields and files that would change."""
    brings = change.get("brings")
    parts = [change.get("reason"), change.get("returns")]
    parts += (
        [_("values: %(values)s, files: %(files)s", values=brings["values"], files=brings["files"])] if brings else []
    )
    parts += [_("to be downloaded: %(names)s", names=", ".join(change["fetch"]))] if "fetch" in change else []
    names = [one["what"] for one in change.get("about", ())] + [one["field"] for one in change.get("fields", ())]
    names += [FILE_CHANGES[one["change"]] % {"name": one["name"]} for one in change.get("files", ())]
    parts.append(", ".join(names))
    return " ".join(part for part in parts if part) or _("the same in another order")
