"""The outcome of a download or check of a file. Writes file statuses, and keeps the old state for an undo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select, update

from ...catalogue import earlier_states, problem_files
from ...catalogue.job_changes import insert_changes, update_changes
from ...errors import ConnectorError
from ...extensions import db
from ...models.catalogue import FILE, FileStatus
from ...models.changes import CHANGE, Action
from ...storage.content_store import Part
from ..context.import_context import ImportContext


@dataclass(frozen=True, slots=True)
class Outcome:
    """The new status of a file.

    `technical_details`: lines about the error behind the reason. `part`: its downloaded bytes, if any. `sha256`: the
    checksum of its bytes. `size`: the number of downloaded bytes.
    `embargo_ends_on`: YYYY-MM-DD, if the source gives it. `content_is_restricted`: only our login may read the file.
    `is_unstable`: two downloads differed. `error`: an error that the repository may have caused. `failed_at`: the time
    of the error (monotonic seconds).
    """

    status: FileStatus
    reason: str | None = None
    technical_details: Sequence[str] = ()
    part: Part | None = None
    sha256: str | None = None
    md5: str | None = None
    size: int = 0
    embargo_ends_on: str | None = None
    content_is_restricted: bool = False
    is_unstable: bool = False
    error: ConnectorError | None = None
    failed_at: float = 0.0

    def discard(self) -> None:
        """Delete the downloaded bytes."""
        if self.part is not None:
            self.part.discard()


class StatusWriter:
    """Writer of file statuses for one attempt at an import. Use inside its transactions."""

    def __init__(self, context: ImportContext):
        self._run, self._job_id, self._requests = context.attempt, context.job_id, context.requests

    def write(self, rows: Sequence[Any], outcome: Outcome, counts: Mapping[str, int]) -> None:
        """Write the status of files with the same bytes, and add `counts` to the job.

        A new status or new bytes make the item an updated one (design rule 6). If no new bytes came, an earlier copy is
        kept.
        """
        moved = [row for row in rows if row.status != outcome.status or outcome.sha256 not in (None, row.sha256)]
        totals = Counter(dict(counts) | self._requests.new())
        totals.update(self._note_updates({row.item_id for row in moved}))
        for row in moved:
            totals[f"files_{row.status}"] -= 1
            totals[f"files_{outcome.status}"] += 1
        mine = FILE.c.id.in_([row.id for row in rows])
        db.session.execute(update(FILE).where(mine).values(self._values(outcome)))
        problem_files.mark(
            {row.item_id for row in moved if FileStatus(row.status).is_listed or outcome.status.is_listed}
        )
        if outcome.status.is_listed:
            problem_files.record(self._job_id, rows, outcome.reason)
        self._run.advance(totals)

    def _values(self, outcome: Outcome) -> dict[str, Any]:
        known = func.coalesce(FILE.c.status_since_job_id, FILE.c.last_tried_job_id)
        values: dict[str, Any] = {
            "status": outcome.status.value,
            "reason": outcome.reason,
            "technical_details": list(outcome.technical_details) or None,
            "embargo_ends_on": outcome.embargo_ends_on,
            "is_unstable": outcome.is_unstable,
            "last_tried_job_id": self._job_id,
            "status_since_job_id": case((FILE.c.status == outcome.status.value, known), else_=self._job_id),
        }
        has_bytes = FILE.c.sha256.is_not(None)
        if outcome.status.is_stored:
            return values | {
                "sha256": outcome.sha256,
                "is_outdated": False,
                "content_is_restricted": outcome.content_is_restricted,
            }
        if outcome.status is FileStatus.NOT_DOWNLOADED:  # due for download; the stored copy may be shown until then
            return values | {"last_tried_job_id": None, "is_outdated": has_bytes, "content_is_restricted": False}
        return values | ({"content_is_restricted": has_bytes} if outcome.status is FileStatus.RESTRICTED else {})

    def _note_updates(self, item_ids: Collection[int]) -> Counter[str]:
        """Save the state of these items for an undo, before their files change. Return the change to the job counters.

        Skip items whose state this job has saved already, and items that it added.
        """
        mine = select(CHANGE.c.item_id, CHANGE.c.id, CHANGE.c.action, CHANGE.c.before).where(
            CHANGE.c.job_id == self._job_id,
            CHANGE.c.item_id.in_(item_ids),
            CHANGE.c.action.in_((Action.ADDED, Action.UPDATED)),
        )
        changes = {row.item_id: row for row in db.session.execute(mine)}
        lacking = {
            item_id: changes.get(item_id)
            for item_id in item_ids
            if item_id not in changes
            or (changes[item_id].action == Action.UPDATED and "data" not in (changes[item_id].before or {}))
        }
        groups = earlier_states.data_groups(lacking) if lacking else {}
        new, merged = [], {}
        for item_id, change in lacking.items():
            if item_id not in groups:  # deleted while its files were being downloaded
                continue
            before = {"data": groups[item_id]}
            if change is not None:
                merged[change.id] = {"before": (change.before or {}) | before}
                continue
            row = {name: groups[item_id][name] for name in ("source_key", "source_id", "handle", "title")}
            row |= {"job_id": self._job_id, "item_id": item_id, "action": Action.UPDATED.value, "before": before}
            new.append(row)
        update_changes(merged)
        insert_changes(new)
        return Counter(updated=len(new), unchanged=-len(new))
