"""Publishes items at a destination, in batches. After a crash the job continues at its cursor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import current_app

from ..catalogue import item_problems
from ..extensions import count_rows, db, transaction
from ..i18n import decimal, gettext as _, ngettext_or_empty
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..models.changes import CHANGE
from ..models.jobs import Job
from ..models.publishing import FileMode
from ..omeka.resources import Item
from . import adoptions, destinations
from .attempt_connections import Connect, connected_for, wait_for_requests
from .conflicts import part_name
from .connection_report import hidden_items
from .destination_connections import WRITERS, DestinationConnection, open_destination
from .field_vocabulary import VocabularyWriter, vocabulary_of
from .followed_import import FollowedImport, unfinished_in_words
from .import_wait import takes_items
from .item_failures import Problem
from .item_rules import checked_rules
from .item_writer import ItemToSend, ItemWriter, Outcome, changes_planned
from .items_to_send import ITEMS_PER_BATCH, ItemsToSend
from .lookalikes import PROPERTIES, Lookalikes, Unpublished, paired, texts_of
from .mapping import ItemRules, lacking
from .publish_cursors import PublishCursor
from .publish_options import PublishOptions
from .published_items import PublishedItems
from .published_sets import ItemSets

IMPORT_SECONDS = 2.0  # between two looks for items that an import has written


def run(attempt: JobAttempt, connect: Connect = open_destination) -> tuple[bool, str]:
    """Publish the items of a job. Return (clean, message)."""
    with connected_for(attempt, PublishOptions.of(lifecycle.get(attempt.job_id)).destination, connect) as connection:
        return Publisher(attempt, connection).run()


class Publisher:
    """One attempt at publishing the items of a job."""

    def __init__(self, attempt: JobAttempt, connection: DestinationConnection):
        self._attempt, self._connection = attempt, connection
        self._writer = ItemWriter(connection, attempt.stop.wait)
        job = lifecycle.get(attempt.job_id)
        options, cursor = PublishOptions.of(job), PublishCursor.from_json(job.cursor)
        destination = destinations.get(options.destination)
        self._source_id, self._destination_id = job.source_id, destination.id
        self._sets = ItemSets(connection, destination.id)
        self._settings = destinations.settings_of(destination)
        self._after, self._left_out = cursor.after or 0, cursor.left_out
        self._vocabulary = vocabulary_of(job.source.repository) if self._settings.has_all_fields else None
        self._fields = VocabularyWriter(connection, self._vocabulary) if self._vocabulary else None
        self._published = PublishedItems(destination.id, attempt.job_id)
        folder = Path(current_app.config["INSTANCE"]) / "files"
        self._items = ItemsToSend(job, self._published, folder, self._settings.files)
        self._alike, self._to_adopt = Lookalikes(), dict[int, int]()
        self._import_id = options.follows
        has_files = self._settings.files is FileMode.UPLOAD
        followed = options.follows if takes_items(job) else None
        self._import = FollowedImport(attempt, job, followed, has_files=has_files) if followed else None
        db.session.rollback()

    def run(self) -> tuple[bool, str]:
        """Publish the items after the cursor. Return (clean, message)."""
        self._attempt.say(_("Checking the Omeka S site"))
        rules = checked_rules(self._connection, self._settings, self._vocabulary)
        if self._import:
            self._begin_writing(self._import.cursor)
            self._follow(self._import, replace(rules, item_sets=self._item_sets()))
        self._look_for_items()
        self._begin_writing(self._cursor_after(self._after), expected=self._items.count())
        rules = replace(rules, item_sets=self._item_sets())
        self._attempt.say(self._activity())
        while ids := self._items.ids_after(self._after):
            self._attempt.check()
            self._publish(self._items.read(ids, rules), rules, ids[-1])
        return self._result()

    def _begin_writing(self, cursor: PublishCursor, **values: Any) -> None:
        """Store a cursor: a job without one has changed nothing. `values`: other columns of the job."""
        with transaction():
            self._attempt.advance(cursor=cursor.to_json(), **values)

    def _follow(self, followed: FollowedImport, rules: ItemRules) -> None:
        """Publish the items that an import writes until it ends. Those that fail are left to `run`, which tries again.

        So are items that have not changed here, although the import has written them.
        """
        while followed.is_running():
            self._attempt.check()
            if rows := followed.next_items():
                self._attempt.say(self._activity())
                self._write(
                    self._clear(self._items.read([row.item_id for row in rows], rules)), rules, self._record_written
                )
                followed.skip(rows)
            if len(rows) < ITEMS_PER_BATCH:
                self._attempt.say(_("Waiting for the next items of import job %(job)s", job=followed.job_id))
                self._attempt.stop.wait(IMPORT_SECONDS)

    def _clear(self, tasks: Sequence[ItemToSend]) -> list[ItemToSend]:
        """Return the items that the job has not recorded and that need no decision of a person (see `adoptions`)."""
        alike = self._lookalikes(self._items.unpublished([task.item_id for task in tasks]))
        return [task for task in tasks if not task.is_counted and task.item_id not in {*alike.found, *alike.doubtful}]

    def _record_written(self, outcome: Outcome) -> None:
        if outcome.action in ("added", "updated"):
            self._record(outcome)

    def _activity(self) -> str:
        return _("Publishing items")

    def _item_sets(self) -> frozenset[int]:
        """Return the ids of the item sets that get the items."""
        return self._sets.ensured(self._source_id, self._attempt)

    def _look_for_items(self) -> None:
        """Find items that are there already. Raise DecisionRequiredError if a person has to decide about them."""
        if items := self._items.unpublished(self._items.left(self._after)):
            self._attempt.say(_("Looking for these items in Omeka S"))
            self._alike = self._lookalikes(items)
            self._to_adopt = self._decided(self._alike)

    def _lookalikes(self, items: Sequence[Unpublished]) -> Lookalikes:
        """Return the items at the destination that look like one of these items."""
        there = self._writer.find_all(texts_of(items), PROPERTIES) if items else {}
        alike = paired(items, there, self._published.omeka_ids())
        db.session.rollback()
        return alike

    def _decided(self, alike: Lookalikes) -> dict[int, int]:
        """Return the ids at the destination of the items to adopt, by item id."""
        return adoptions.decided(self._attempt, self._destination_id, alike.found)

    def _publish(self, tasks: Sequence[ItemToSend], rules: ItemRules, last_id: int) -> None:
        """Write a batch of items, and record them in order. `last_id`: of the last item of the batch."""
        unchanged = 0

        def record(outcome: Outcome) -> None:
            nonlocal unchanged
            self._left_out.update(outcome.task.fields.left_out)
            if outcome.is_plain or outcome.task.is_finished:
                unchanged += not outcome.task.is_counted
            else:
                self._record(outcome, unchanged, cursor=self._cursor_after(outcome.task.item_id).to_json())
                unchanged = 0

        self._write(tasks, rules, record)
        self._after, cursor = last_id, self._cursor_after(last_id).to_json()
        with transaction():
            self._attempt.advance({"seen": unchanged, "unchanged": unchanged}, cursor=cursor)

    def _write(self, tasks: Sequence[ItemToSend], rules: ItemRules, record: Callable[[Outcome], None]) -> None:
        """Write items in threads, and call `record` for each of them in order."""
        unfinished = [task for task in tasks if not task.is_finished]
        self._add_fields(unfinished)
        current = self._current(unfinished)
        lost = [task for task in unfinished if task.item_id not in current]
        deleted = {task.item_id for task in lost if task.was_there}
        doubtful = self._alike.doubtful
        new = [task for task in lost if task.item_id not in {*deleted, *doubtful}]
        with transaction():
            self._attempt.advance()
            self._published.begin(new)
            for task in new:
                self._published.begin_uploads(task, ())
            for task in unfinished:
                if (item := current.get(task.item_id)) is not None:
                    if task.known_id is None:
                        self._published.note_found(task, item.id)
                    self._published.begin_uploads(task, item.media)
                    if changes := changes_planned(task, item):
                        self._published.plan(task, changes)

        def write(task: ItemToSend) -> Outcome:
            self._attempt.check()
            if task.is_finished:
                return Outcome(task, "unchanged")
            if task.item_id in deleted:
                return Outcome(task, "deleted_there")
            if task.item_id in doubtful:
                return Outcome(task, "failed", problems=(Problem(doubtful[task.item_id]),))
            if task.item_id not in current and (names := lacking(task.wanted, rules)):
                return Outcome(task, "failed", problems=(Problem(lacking_in_words(names)),))
            return self._writer.write(task, current.get(task.item_id))

        with ThreadPoolExecutor(WRITERS) as pool:
            futures = [pool.submit(copy_context().run, write, task) for task in tasks]
            try:
                for future in futures:
                    record(future.result())
            except BaseException:
                never_sent = [task for task, future in zip(tasks, futures, strict=True) if future.cancel()]
                with transaction():
                    self._published.forget_begin(never_sent)
                raise

    def _cursor_after(self, item_id: int) -> PublishCursor:
        """Return the cursor of a job whose last finished item is this one."""
        return PublishCursor(item_id, left_out=self._left_out)

    def _add_fields(self, tasks: Sequence[ItemToSend]) -> None:
        """Add the fields without a term to their vocabulary at the destination."""
        if self._fields is not None:
            self._fields.add(field for task in tasks for field in task.fields.own)

    def _current(self, tasks: Sequence[ItemToSend]) -> dict[int, Item]:
        """Return the present states of these items at the destination, by our item id."""
        ids = {task.item_id: task.known_id or self._to_adopt.get(task.item_id) for task in tasks}
        by_id = self._writer.read([number for number in ids.values() if number is not None])
        found = {item_id: by_id[number] for item_id, number in ids.items() if number in by_id}
        begun = [task for task in tasks if task.item_id not in found and task.is_begun]
        by_identifier = self._found(begun)
        missing = [task for task in begun if task.identifier not in by_identifier]
        if missing and wait_for_requests(self._attempt, self._published.last_begin(missing)):
            by_identifier |= self._found(missing)
        return found | {
            task.item_id: by_identifier[task.identifier] for task in begun if task.identifier in by_identifier
        }

    def _found(self, tasks: Sequence[ItemToSend]) -> dict[str, Item]:
        declined = {number for task in tasks for number in task.declined}
        return self._writer.find([task.identifier for task in tasks], declined)

    def _record(self, outcome: Outcome, unchanged: int = 0, **values: Any) -> None:
        """Store what happened to an item, in one transaction with the counts. An item counts once for a job.

        `unchanged`: the number of unchanged items just before it. `values`: columns of the job.
        """
        task = outcome.task
        counts = Counter(seen=unchanged, unchanged=unchanged, files_sent=self._files_sent(outcome))
        counts["conflicts"] = int(bool(outcome.conflicts) and not (task.is_counted and task.has_conflicts))
        if not task.is_counted:
            counts.update(("seen", outcome.action))
        problems = list(outcome.all_problems)
        if outcome.conflicts:
            problems.append(Problem(conflict_in_words(outcome.conflicts, outcome.task)))
        with transaction():
            self._attempt.advance(counts, **values)
            self._published.record(outcome)
            for problem in problems:
                self._note_problem(task, problem)

    def _files_sent(self, outcome: Outcome) -> int:
        """Return how many files of an item this job has uploaded, also in an attempt that ended before the answer."""
        files, begun = outcome.files, outcome.task.begun_uploads
        if files is None:
            return 0
        return len(files.uploaded) + sum(begun[sha256].job_id == self._attempt.job_id for sha256 in files.continued)

    def _note_problem(self, task: ItemToSend, problem: Problem) -> None:
        item_problems.note(self._attempt.job_id, task.item_id, task.identifier, None, *problem)

    def _result(self) -> tuple[bool, str]:
        db.session.expire_all()
        job = db.session.get_one(Job, self._attempt.job_id)
        is_clean, counts = count_rows(CHANGE, CHANGE.c.job_id == job.id) == 0, job.counts
        db.session.rollback()
        sentences = (
            hidden_items(self._connection) if counts["added"] else "",
            _deleted_in_words(counts["deleted_there"]),
            _left_out_in_words(self._left_out) if self._left_out else "",
            unfinished_in_words(self._import_id) if self._import_id else "",
        )
        return is_clean, " ".join(filter(None, sentences))


def conflict_in_words(names: Sequence[str], task: ItemToSend) -> str:
    """Return which parts of an item have other values in Omeka S."""
    fields = ", ".join(map(part_name, names))
    if task.is_adoption:
        return _("Other values than at the source stand in Omeka S: %(fields)s. They stay.", fields=fields)
    return _("Changed both in Omeka S and at the source: %(fields)s. The values in Omeka S stay.", fields=fields)


def lacking_in_words(names: Sequence[str]) -> str:
    """Return which values the resource template requires."""
    return _("The resource template requires values that it lacks: %(fields)s.", fields=", ".join(names))


def _left_out_in_words(left_out: Mapping[str, int]) -> str:
    return _(
        "Values of fields without a term in Omeka S were left out: %(fields)s.",
        fields=", ".join(f"{name} ({decimal(number)})" for name, number in sorted(left_out.items())),
    )


def _deleted_in_words(number: int) -> str:
    return ngettext_or_empty(
        "%(num)s item was deleted in Omeka S, or is not visible for this key. It is not published again.",
        "%(num)s items were deleted in Omeka S, or are not visible for this key. They are not published again.",
        number,
    )
