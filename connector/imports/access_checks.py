"""Asks the source which stored files it has closed, and which refused files it has opened since.

No time stamp and no index moves for that (measured on DSpace 7 to 9): only asking tells. So it is asked in a full
check, and in each run for the items that are read again (see `slices`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from ..catalogue import store
from ..catalogue.models import Fate, Holding
from ..dspace.pipeline import ahead
from ..dspace.records import FileAccess
from ..errors import Transient
from ..extensions import db, transaction
from .due_files import is_stored, is_untried
from .outcomes import Outcome, StatusWriter

if TYPE_CHECKING:
    from .harvest import Harvest

FILE, ITEM, HOLDING = store.FILE, store.ITEM, Holding.__table__
BATCH = 200
KIND = "access"  # of requests
CLOSED = "Closed at the source since it was downloaded. What is stored is kept, and shown to editors only."


class AccessCheck:
    """Compares who may read files at the source with what the catalogue says, as a signed-out reader."""

    def __init__(self, harvest: Harvest):
        self._harvest, self._run, self._access = harvest, harvest.run, harvest.access
        self._writer = StatusWriter(harvest)

    def check(self, item_ids: Collection[int]) -> None:
        """Ask for the files of these items that this job has not asked for yet."""
        self._check(FILE.c.item_id.in_(item_ids))

    def check_all(self) -> None:
        """What is left of all items that this job has seen: after a crash between a page and its files."""
        mine = (HOLDING.c.source_id == self._harvest.source_id, HOLDING.c.seen_by == self._harvest.job_id)
        self._check(FILE.c.item_id.in_(select(HOLDING.c.item_id).where(*mine)))

    def _check(self, condition: Any) -> None:
        if not (self._access.is_signed_in or self._access.public.lists_closed_files):
            return  # what is listed is open
        after = (0, 0)
        while rows := self._rows(condition, after):
            after = rows[-1].item_id, rows[-1].id
            for files, found in self._asked(rows):
                self._note(files, found)
            self._run.check()

    def _rows(self, condition: Any, after: tuple[int, int]) -> Sequence[Any]:
        """Files that are stored, and such as were refused to everybody: those of one item follow each other."""
        item_id, file_id = after
        asked = is_stored() if self._access.is_signed_in else is_stored() | (FILE.c.fate == Fate.RESTRICTED)
        later = (FILE.c.item_id > item_id) | ((FILE.c.item_id == item_id) & (FILE.c.id > file_id))
        query = select(FILE, ITEM.c.source_id).join(ITEM, ITEM.c.id == FILE.c.item_id)
        query = query.where(condition, is_untried(self._harvest.job_id), asked, later)
        rows = db.session.execute(query.order_by(FILE.c.item_id, FILE.c.id).limit(BATCH)).all()
        db.session.rollback()
        return rows

    def _asked(self, rows: Sequence[Any]) -> Iterator[tuple[list[Any], Mapping[str, FileAccess]]]:
        """The files of each item with what the source says of them, several items at a time."""
        items = [list(files) for _, files in groupby(rows, lambda row: row.item_id)]
        asks = [partial(self._told, files) for files in items]
        tasks = [partial(self._harvest.patience.attempt, KIND, ask) for ask in asks]
        for files, ask, future in zip(items, asks, ahead(tasks, self._harvest.width, self._run.stop), strict=True):
            self._run.say("Asking which files are open")
            yield files, self._patiently(future.result, ask)

    def _told(self, files: Sequence[Any]) -> Mapping[str, FileAccess]:
        """Return what the source says of files of an item, each change confirmed by a request for the file itself.

        The access status is read from policies: a file may be closed by them and open to us, and the other way round.
        """
        found = self._access.public.file_access(files[0].source_id, {file.bitstream_id for file in files})
        told = [file for file in files if file.bitstream_id in found]
        changed = [file.bitstream_id for file in told if _outcome(file, found[file.bitstream_id]) is not None]
        return {**found, **{id: replace(found[id], is_open=self._access.is_public(id)) for id in changed}}

    def _patiently(
        self, result: Callable[[], Mapping[str, FileAccess]], again: Callable[[], Mapping[str, FileAccess]]
    ) -> Mapping[str, FileAccess]:
        """The answer, waited for while the repository is in trouble; nothing where the trouble is the item's."""
        harvest = self._harvest
        try:
            return harvest.patience.retry_until_available(
                KIND, again, first=result, is_of_object=lambda error: harvest.repository_answers(KIND)
            )
        except Transient:
            return {}

    def _note(self, files: Sequence[Any], found: Mapping[str, FileAccess]) -> None:
        told = [file for file in files if file.bitstream_id in found]
        outcomes = {file.id: _outcome(file, found[file.bitstream_id]) for file in told}
        as_before = [file.id for file in told if outcomes[file.id] is None]
        with transaction():
            asked = {"tried_by": self._harvest.job_id}
            db.session.execute(update(FILE).where(FILE.c.id.in_(as_before)).values(asked))
            for file in told:
                if (outcome := outcomes[file.id]) is not None:
                    self._writer.write([file], outcome, {})


def _outcome(file: Any, access: FileAccess) -> Outcome | None:
    """The status of a file by what the source says of it now; None where it is as before."""
    fate, until = Fate(file.fate), access.until and access.until.isoformat()
    if fate.is_stored and access.is_open != file.by_login:
        return None
    if fate.is_stored and access.is_open:
        return Outcome(fate, file.reason, sha256=file.sha256)
    if access.is_open:
        return Outcome(Fate.LINKED)
    ends = f" Its embargo ends on {until}." if until else ""
    return Outcome(Fate.RESTRICTED, f"{CLOSED}{ends}", until=until) if fate.is_stored else None
