"""Files follow their items, each by itself: a failure marks the file, never the item; known bytes are never fetched."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, false, insert, or_, select, true, tuple_, update

from ..catalogue import problems, store
from ..catalogue.files import Part
from ..catalogue.leftovers import the_folder
from ..catalogue.models import Action, Change, Fate, Holding, StoredFile
from ..catalogue.texts import human_size
from ..dspace.pipeline import ahead
from ..errors import (
    BotWall,
    ConnectorError,
    NotFound,
    Rejected,
    RepositoryError,
    Restricted,
    TooLarge,
    Transient,
    Unsafe,
)
from ..extensions import db, transaction, utcnow
from . import retrying
from .allowance import Allowance, Share

if TYPE_CHECKING:
    from .harvest import Harvest

log = logging.getLogger(__name__)
FILE, STORED = store.FILE, StoredFile.__table__
CHANGE, HOLDING = Change.__table__, Holding.__table__
BATCH = 50
CONTROLS = 3
# Of stored bytes: not such as came only by login. Of older ones and those of no file any more, all were open.
_CAME_BY_LOGIN = exists().where(FILE.c.sha256 == STORED.c.sha256, FILE.c.by_login)
_IS_OPEN = ~_CAME_BY_LOGIN | exists().where(FILE.c.sha256 == STORED.c.sha256, ~FILE.c.by_login)
ALWAYS = (Fate.LINKED, Fate.FAILED, Fate.DAMAGED)
WHEN_CHANGED = (Fate.RESTRICTED, Fate.MISSING, Fate.TOO_LARGE, Fate.REFUSED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a download; `part` holds the bytes where the fate is STORED. `size` in bytes fetched.

    `until`: the day on which an embargo ends (YYYY-MM-DD), where the source tells it. `by_login`: nobody but us may
    have it.
    """

    fate: Fate
    reason: str | None = None
    part: Part | None = None
    sha256: str | None = None
    md5: str | None = None
    size: int = 0
    until: str | None = None
    by_login: bool = False


class FileFetcher:
    """Fetches the files of ORIGINAL that are wanted and not yet tried by this job."""

    def __init__(self, harvest: Harvest):
        self._harvest = harvest
        self._run, self._client, self._job_id = harvest.run, harvest.client, harvest.job_id
        self._access = harvest.access
        self._limit = retrying.file_limit(harvest.options)
        self._allowance = Allowance(harvest.options.get("files_limit"), harvest.spent, self._run.stop)
        self._retries = bool(harvest.options.get("retry"))
        self._is_full, self._sees_otherwise = _sql(harvest.options.get("full")), _sql(harvest.sees_otherwise)
        self._room, self._scanner = harvest.room, harvest.scanner
        self._folder = the_folder()
        self._folder.tidy()
        self._came: Any = None  # the last file that was fetched
        self._under_way: Sequence[Any] = ()

    def fetch(self, item_ids: Collection[int]) -> None:
        """The files of these items."""
        while rows := self._wanted(FILE.c.item_id.in_(item_ids)):
            self._batch(rows)

    def fetch_all(self) -> None:
        """What is left of all items that this job has seen: after a crash between a page and its files."""
        mine = select(HOLDING.c.item_id).where(
            HOLDING.c.source_id == self._harvest.source_id, HOLDING.c.seen_by == self._job_id
        )
        while rows := self._wanted(FILE.c.item_id.in_(mine)):
            self._batch(rows)

    def _wanted(self, condition: Any) -> Sequence[Any]:
        changed = exists().where(
            CHANGE.c.job_id == self._job_id,
            CHANGE.c.item_id == FILE.c.item_id,
            CHANGE.c.action.in_((Action.ADDED, Action.UPDATED)),
        )
        # An embargo that has ended and a limit that was raised make it worth another try, too.
        freed = (FILE.c.fate == Fate.RESTRICTED) & (FILE.c.until <= utcnow().date().isoformat())
        due = freed | ((FILE.c.fate == Fate.TOO_LARGE) & (FILE.c.size <= self._limit))
        due |= self._sees_otherwise & (FILE.c.fate == Fate.RESTRICTED)
        # What came only by login may be open now: that is looked at where something tells so, and at a full check.
        due |= FILE.c.by_login & (FILE.c.fate == Fate.STORED) & (changed | self._is_full)
        query = select(FILE).where(
            condition,
            FILE.c.bundle == "ORIGINAL",
            or_(FILE.c.tried_by.is_(None), FILE.c.tried_by != self._job_id),
            or_(FILE.c.fate.in_(ALWAYS), FILE.c.fate.in_(WHEN_CHANGED) & (true() if self._retries else changed), due),
        )
        rows = db.session.execute(query.order_by(FILE.c.id).limit(BATCH)).all()
        db.session.rollback()
        return rows

    def _batch(self, rows: Sequence[Any]) -> None:
        groups: dict[Any, list[Any]] = {}
        for row in rows:
            groups.setdefault(_bytes_key(row) or row.id, []).append(row)
        for key, same in self._known(groups):
            del groups[key]
            self._write_known(same)
        for same, outcome in self._downloads(list(groups.values())):
            self._write_outcome(same, outcome)

    def _known(self, groups: dict[Any, list[Any]]) -> list[tuple[Any, list[Any]]]:
        """The groups whose bytes are held already; who may have those that came only by login is not known."""
        keys = [key for key in groups if isinstance(key, tuple)]
        query = select(STORED.c.md5, STORED.c.size).where(tuple_(STORED.c.md5, STORED.c.size).in_(keys), _IS_OPEN)
        found = [tuple(row) for row in db.session.execute(query)] if keys else []
        db.session.rollback()
        return [(key, groups[key]) for key in dict.fromkeys(found)]

    def _write_known(self, rows: Sequence[Any]) -> None:
        with self._folder.lock(), transaction():
            same = (STORED.c.md5 == rows[0].checksum, STORED.c.size == rows[0].size)
            query = select(STORED.c.sha256).where(*same, _IS_OPEN)
            if (sha256 := db.session.scalar(query)) is not None:
                self._set_fate(rows, Outcome(Fate.STORED, sha256=sha256), {})

    def _downloads(self, groups: list[list[Any]]) -> Iterator[tuple[list[Any], Outcome]]:
        """One download for each group of same bytes, several at a time, in order."""
        self._under_way = [group[0] for group in groups]
        tasks = [lambda row=row: self._download(row) for row in self._under_way]
        for group, future in zip(groups, ahead(tasks, self._harvest.width, self._run.stop), strict=False):
            self._run.say(f"Fetching {group[0].name or 'a file'} ({human_size(group[0].size or 0)})")
            yield group, self._settled(group[0], future.result)

    def _settled(self, row: Any, result: Any) -> Outcome:
        """The outcome of a download; while the repository itself does not answer, wait and fetch again.

        So while a protection against robots answers, unless it stands before this file alone.
        """
        while True:
            try:
                outcome = result()
                self._harvest.patience.good("file")
                self._came = row if outcome.part else self._came
                return outcome
            except Transient as error:
                if self._others_come(row) if isinstance(error, BotWall) else self._harvest.repository_answers():
                    return Outcome(Fate.FAILED, str(error))
                self._harvest.patience.wait("file", error)
                result = lambda: self._download(row)  # noqa: E731

    def _others_come(self, row: Any) -> bool:
        """Whether DSpace itself answers for another file: one that came before, or else one of those under way."""
        others = [self._came] if self._came else [other for other in self._under_way if other.id != row.id]
        return any(self._is_answered(other) for other in others[:CONTROLS])

    def _is_answered(self, row: Any) -> bool:
        try:
            self._client.download(row.bitstream_id, lambda piece: None, limit=1)  # whose first bytes tell enough
        except Transient:
            return False
        except RepositoryError:  # larger than that, as a rule, or not for us
            return True
        return True

    def _download(self, row: Any) -> Outcome:
        """Fetch the bytes of a file. Raises Transient when several tries failed, Stopped, StorageTrouble."""
        outcome = self._attempt(row)
        return self._attempt(row) if outcome.fate is Fate.DAMAGED else outcome

    def _attempt(self, row: Any) -> Outcome:
        if row.fate == Fate.STORED:
            return Outcome(Fate.STORED, sha256=row.sha256, by_login=not self._access.is_public(row.bitstream_id))
        if row.size is not None and row.size > self._limit:
            return Outcome(Fate.TOO_LARGE, f"{human_size(row.size)}: more than the limit of {human_size(self._limit)}.")
        try:
            share = self._allowance.share(row.size)
        except TooLarge as error:
            return Outcome(Fate.TOO_LARGE, str(error))
        spent = 0
        try:
            outcome = self._tries(row, share)
            spent = outcome.size
            return outcome
        finally:
            share.settle(spent)

    def _tries(self, row: Any, share: Share) -> Outcome:
        """Three tries at a file for which there is room in the import, and on the disk as soon as it may be."""
        self._room.wait(row.size or 0)
        for pause in (1.0, 3.0, None):
            part = self._folder.part()
            try:
                return self._received(row, part, share)
            except Restricted as error:
                part.discard()
                return self._restricted(row, error)
            except NotFound as error:
                return _without(part, Fate.MISSING, error)
            except TooLarge as error:
                return _without(part, Fate.TOO_LARGE, error)
            except Rejected as error:
                return _without(part, Fate.FAILED, error)
            except Unsafe as error:
                log.warning("Bitstream %s is refused by the virus scanner. %s", row.bitstream_id, error)
                return _without(part, Fate.REFUSED, error)
            except Transient as error:
                part.discard()
                if pause is None or isinstance(error, BotWall):
                    raise
                self._harvest.patience.rest(max(pause, error.retry_after or 0))
            except BaseException:
                part.discard()
                raise
        raise AssertionError("the last try returns or raises")

    def _restricted(self, row: Any, error: Restricted) -> Outcome:
        """Not for us now; where the source says until when, it is tried again after that day."""
        day = self._client.available_from(row.bitstream_id)
        if day is None:
            return Outcome(Fate.RESTRICTED, str(error))
        reason = f"{error} Its embargo ends on {day:%Y-%m-%d}; the next import after that tries again."
        return Outcome(Fate.RESTRICTED, reason, until=day.isoformat())

    def _received(self, row: Any, part: Part, share: Share) -> Outcome:
        sink = share.guarded(self._room.guarded(part.write))
        got, by_login = self._access.download(row.bitstream_id, sink, self._limit)
        is_md5 = (row.checksum_algorithm or "MD5").upper() == "MD5" and row.checksum
        if (row.checksum != got.md5) if is_md5 else (row.size not in (None, got.size)):
            part.discard()
            told = f"MD5 {row.checksum}, {row.size} bytes" if is_md5 else f"{row.size} bytes"
            reason = f"Not what the source announces ({told}): MD5 {got.md5}, {got.size} bytes came."
            return Outcome(Fate.DAMAGED, reason, size=got.size)
        part.finish()
        self._scanner.approve(part)
        return Outcome(Fate.STORED, None, part, got.sha256, got.md5, got.size, by_login=by_login)

    def _write_outcome(self, rows: Sequence[Any], outcome: Outcome) -> None:
        with self._folder.lock(), transaction():
            if outcome.part:
                self._folder.keep(outcome.part, outcome.sha256)
                if not db.session.scalar(select(exists().where(STORED.c.sha256 == outcome.sha256))):
                    values = {"sha256": outcome.sha256, "md5": outcome.md5, "size": outcome.size}
                    db.session.execute(insert(STORED).values(values))
            self._set_fate(rows, outcome, {"bytes": outcome.size})

    def _set_fate(self, rows: Sequence[Any], outcome: Outcome, counts: dict[str, int]) -> None:
        """Write the fate of files of the same bytes; a new fate makes its item an updated one (design rule 6)."""
        moved = [row for row in rows if (row.fate, row.sha256) != (outcome.fate, outcome.sha256)]
        totals = Counter(counts | self._harvest.requests())
        totals.update(self._note_updates({row.item_id for row in moved}))
        for row in moved:
            totals[f"files_{row.fate}"] -= 1
            totals[f"files_{outcome.fate}"] += 1
        values = {"fate": outcome.fate.value, "tried_by": self._job_id}
        values |= {name: getattr(outcome, name) for name in ("reason", "sha256", "until", "by_login")}
        db.session.execute(update(FILE).where(FILE.c.id.in_([row.id for row in rows])).values(values))
        problems.mark({row.item_id for row in moved if Fate(row.fate).is_listed or outcome.fate.is_listed})
        self._run.advance(totals)

    def _note_updates(self, item_ids: Collection[int]) -> Counter[str]:
        """Before files of these items change: keep what undo needs, unless this job's change of the item has it."""
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
        groups = store.data_groups(lacking) if lacking else {}
        counts: Counter[str] = Counter()
        for item_id, change in lacking.items():
            if item_id not in groups:  # removed for good while its files were fetched
                continue
            before = {"data": groups[item_id]}
            if change is not None:
                merged = (change.before or {}) | before
                db.session.execute(update(CHANGE).where(CHANGE.c.id == change.id).values(before=merged))
                continue
            row = {name: groups[item_id][name] for name in ("source_key", "source_id", "handle", "title")}
            row |= {"job_id": self._job_id, "item_id": item_id, "action": Action.UPDATED.value, "before": before}
            db.session.execute(insert(CHANGE).values(row))
            counts.update(updated=1, unchanged=-1)
        return counts


def _sql(truth: object) -> Any:
    return true() if truth else false()


def _bytes_key(row: Any) -> tuple[str, int] | None:
    """What tells that two files are the same bytes without fetching them: MD5 and size as the source gives them."""
    if row.checksum and row.size is not None and (row.checksum_algorithm or "MD5").upper() == "MD5":
        return row.checksum, row.size
    return None


def _without(part: Part, fate: Fate, error: ConnectorError) -> Outcome:
    part.discard()
    return Outcome(fate, str(error))
