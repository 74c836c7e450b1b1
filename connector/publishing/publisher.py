"""Publishes items at a destination, in batches, or previews it. A killed process goes on at the cursor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import func, insert, select

from ..errors import InvalidInputError
from ..extensions import db, transaction, utcnow
from ..i18n import decimal, ngettext
from ..i18n import gettext as _
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..models.catalogue import Action, CatalogueItem, Change
from ..models.jobs import Job
from ..omeka import Item
from . import destinations
from .attempt_connections import Connect, connected_for
from .conflicts import part_name
from .connections import WRITERS, DestinationConnection, open_destination
from .field_vocabulary import VocabularyWriter, vocabulary_of
from .item_writer import RUNS_ON, ItemToSend, ItemWriter, Outcome, changes_planned
from .items_to_send import ItemsToSend
from .mapping import ItemRules, lacking
from .merge import Merge, merge
from .published_items import PublishedItems
from .published_sets import ItemSets

ITEM, CHANGE = CatalogueItem.__table__, Change.__table__


def run(attempt: JobAttempt, connect: Connect = open_destination) -> tuple[bool, str]:
    """Publish the items of a job. Return (clean, message)."""
    return _run(attempt, connect, Publisher)


def preview(attempt: JobAttempt, connect: Connect = open_destination) -> tuple[bool, str]:
    """Count what publishing would do, and write nothing at the destination. Return (clean, message)."""
    return _run(attempt, connect, PublishPreview)


def _run(attempt: JobAttempt, connect: Connect, kind: type[Publisher]) -> tuple[bool, str]:
    with connected_for(attempt, lifecycle.get(attempt.job_id).options["destination"], connect) as connection:
        return kind(attempt, connection).run()


class Publisher:
    """One attempt at publishing the items of a job."""

    def __init__(self, attempt: JobAttempt, connection: DestinationConnection):
        self._attempt, self._connection = attempt, connection
        self._writer = ItemWriter(connection.client, connection.outage, attempt.stop.wait)
        job = lifecycle.get(attempt.job_id)
        destination = destinations.get(job.options["destination"])
        self._source_id = job.source_id
        self._sets = ItemSets(connection.client, connection.outage, destination.id)
        self._settings = destinations.settings_of(destination)
        cursor = job.cursor or {}
        self._after = int(cursor.get("after", 0))
        self._left_out = Counter[str](cursor.get("left_out", {}))
        self._vocabulary = vocabulary_of(job.source.repository) if self._settings.has_all_fields else None
        self._fields = (
            VocabularyWriter(connection.client, connection.outage, self._vocabulary) if self._vocabulary else None
        )
        self._published = PublishedItems(destination.id, attempt.job_id)
        folder = Path(current_app.config["INSTANCE"]) / "files"
        self._items = ItemsToSend(job, self._published, folder, self._settings.files)
        db.session.rollback()

    def run(self) -> tuple[bool, str]:
        """Publish the items after the cursor. Return (clean, message)."""
        self._attempt.say(_("Checking the Omeka S site"))
        rules = replace(self._checked_rules(), item_sets=self._item_sets())
        with transaction():
            self._attempt.advance(expected=self._items.count())
        self._attempt.say(self._activity())
        while tasks := self._items.batch(self._after, rules):
            self._attempt.check()
            self._publish(tasks, rules)
        return self._result()

    def _activity(self) -> str:
        return _("Publishing items")

    def _item_sets(self) -> frozenset[int]:
        """Return the ids of the item sets that get the items."""
        return self._sets.ensured(self._source_id, self._attempt.job_id)

    def _checked_rules(self) -> ItemRules:
        """Return how to map items for the site. Raise InvalidInputError if the key may not write there."""
        site = self._connection.outage.retry_until_available("destination", self._connection.client.check)
        if not site.may_write:
            raise InvalidInputError(_("The key of this destination may not write. Check its key."))
        settings = self._settings
        required = {one.id: one.required for one in site.templates}
        if settings.template_id not in (None, *required):
            raise InvalidInputError(_("The chosen resource template is no longer there. Choose another one."))
        return ItemRules(
            settings.is_public,
            settings.template_id,
            {name: one for name, one in settings.classes.items() if one in site.classes},
            site.properties,
            required.get(settings.template_id or 0, frozenset()),
            settings.owner_id,
            frozenset(settings.site_ids) or None,
            self._vocabulary,
        )

    def _publish(self, tasks: Sequence[ItemToSend], rules: ItemRules) -> None:
        """Write a batch in threads, and record its items in order."""
        self._add_fields(tasks)
        current = self._current(tasks)
        deleted = {task.item_id for task in tasks if task.known_id is not None and task.item_id not in current}
        new = [task for task in tasks if task.item_id not in current and task.item_id not in deleted]
        with transaction():
            self._attempt.advance()
            self._published.begin(new)
            for task in tasks:
                if task.item_id in current and (changes := changes_planned(task, current[task.item_id])):
                    self._published.plan(task, changes)

        def write(task: ItemToSend) -> Outcome:
            self._attempt.check()
            if task.item_id in deleted:
                return Outcome(task, "deleted_there")
            if task.item_id not in current and (names := lacking(task.wanted, rules)):
                return Outcome(task, "failed", problems=(_lacking_in_words(names),))
            return self._writer.write(task, current.get(task.item_id))

        unchanged = 0
        with ThreadPoolExecutor(WRITERS) as pool:
            futures = [pool.submit(copy_context().run, write, task) for task in tasks]
            try:
                for future in futures:
                    outcome = future.result()
                    self._left_out.update(outcome.task.fields.left_out)
                    if outcome.is_plain:
                        unchanged += 1
                    else:
                        self._record(outcome, unchanged)
                        unchanged = 0
            except BaseException:
                never_sent = [task for task, future in zip(tasks, futures, strict=True) if future.cancel()]
                with transaction():
                    self._published.forget_begin(never_sent)
                raise
        self._after = tasks[-1].item_id
        with transaction():
            self._attempt.advance({"seen": unchanged, "unchanged": unchanged}, cursor=self._cursor(self._after))

    def _cursor(self, after: int) -> dict[str, Any]:
        """Return where the job goes on, with the values left out so far by field."""
        return {"after": after, "left_out": dict(self._left_out)}

    def _add_fields(self, tasks: Sequence[ItemToSend]) -> None:
        """Add the fields without a term to their vocabulary at the destination."""
        if self._fields is not None:
            self._fields.add(field for task in tasks for field in task.fields.own)

    def _current(self, tasks: Sequence[ItemToSend]) -> dict[int, Item]:
        """Return the items that stand at the destination, by our item id."""
        by_id = self._writer.read([task.known_id for task in tasks if task.known_id is not None])
        found = {task.item_id: by_id[task.known_id] for task in tasks if task.known_id in by_id}
        left = [task for task in tasks if task.item_id not in found]
        by_identifier = self._writer.find([task.identifier for task in left])
        missing = [task for task in left if task.is_begun and task.identifier not in by_identifier]
        if missing and self._waited_for(missing):
            by_identifier |= self._writer.find([task.identifier for task in missing])
        return found | {
            task.item_id: by_identifier[task.identifier] for task in left if task.identifier in by_identifier
        }

    def _waited_for(self, tasks: Sequence[ItemToSend]) -> bool:
        """Wait until the site must have ended the requests of an earlier attempt. Return whether there was a wait."""
        begun = self._published.last_begin(tasks)
        db.session.rollback()
        seconds = RUNS_ON - (utcnow() - begun).total_seconds() if begun else 0.0
        if seconds <= 0:
            return False
        self._attempt.say(_("Waiting for requests of an earlier attempt to end"))
        self._attempt.stop.wait(seconds)
        self._attempt.check()
        return True

    def _record(self, outcome: Outcome, unchanged: int) -> None:
        """Store what happened to an item, in one transaction with the counts and the cursor.

        `unchanged`: the number of unchanged items just before it.
        """
        counts = {"seen": unchanged + 1, "unchanged": unchanged, "conflicts": bool(outcome.conflicts)}
        counts["files_sent"] = outcome.files_sent
        counts[outcome.action] = counts.get(outcome.action, 0) + 1
        problems = list(outcome.problems)
        if outcome.conflicts:
            problems.append(_conflict_in_words(outcome.conflicts))
        with transaction():
            self._attempt.advance(counts, cursor=self._cursor(outcome.task.item_id))
            self._published.record(outcome)
            if problems:
                self._note_problem(outcome.task.item_id, " ".join(problems))

    def _note_problem(self, item_id: int, reason: str) -> None:
        columns = [ITEM.c[name] for name in ("source_key", "source_id", "handle", "title")]
        row = db.session.execute(select(*columns).where(ITEM.c.id == item_id)).one_or_none()
        if row is not None:  # else an undo has removed it from the catalogue
            new = {"job_id": self._attempt.job_id, "item_id": item_id, "action": Action.FAILED.value, "reason": reason}
            db.session.execute(insert(CHANGE).values({**row._mapping, **new}))

    def _result(self) -> tuple[bool, str]:
        db.session.expire_all()
        job = db.session.get_one(Job, self._attempt.job_id)
        problems = select(func.count()).select_from(CHANGE).where(CHANGE.c.job_id == job.id)
        is_clean = db.session.scalars(problems).one() == 0
        told = [_deleted_in_words(number)] if (number := job.counts["deleted_there"]) else []
        told += [_left_out_in_words(self._left_out)] if self._left_out else []
        return is_clean, " ".join(told)


class PublishPreview(Publisher):
    """One attempt at a preview. It reads from the destination, and stores only counts and problems of the job."""

    def _activity(self) -> str:
        return _("Comparing items")

    def _item_sets(self) -> frozenset[int]:
        return self._sets.expected(self._source_id)

    def _publish(self, tasks: Sequence[ItemToSend], rules: ItemRules) -> None:
        current = self._current(tasks)
        counts, problems = Counter[str](), dict[int, str]()
        for task in tasks:
            there = current.get(task.item_id)
            merged = merge(task.wanted, task.sent, there) if there else None
            counts[_expected(task, there, merged, rules)] += 1
            if there or task.known_id is None:
                counts["files_sent"] += len(task.files)
            if merged and merged.conflicts:
                counts["conflicts"] += 1
                problems[task.item_id] = _conflict_in_words(merged.conflicts)
            elif there is None and task.known_id is None and (names := lacking(task.wanted, rules)):
                problems[task.item_id] = _lacking_in_words(names)
            self._left_out.update(task.fields.left_out)
        self._after = tasks[-1].item_id
        with transaction():
            self._attempt.advance({"seen": len(tasks), **counts}, cursor=self._cursor(self._after))
            for item_id, reason in problems.items():
                self._note_problem(item_id, reason)


def _expected(task: ItemToSend, there: Item | None, merged: Merge | None, rules: ItemRules) -> str:
    """Return the counter of what publishing would do with an item."""
    if there is None or merged is None:
        if task.known_id is not None:
            return "deleted_there"
        return "failed" if lacking(task.wanted, rules) else "added"
    if task.sent is None and not task.is_begun:
        return "adopted"
    return "updated" if merged.item != there or task.files else "unchanged"


def _conflict_in_words(names: Sequence[str]) -> str:
    fields = ", ".join(map(part_name, names))
    return _("Changed both in Omeka S and at the source: %(fields)s. The values in Omeka S stay.", fields=fields)


def _lacking_in_words(names: Sequence[str]) -> str:
    return _("The resource template requires values that it lacks: %(fields)s.", fields=", ".join(names))


def _left_out_in_words(left_out: Mapping[str, int]) -> str:
    return _(
        "Values of fields without a term in Omeka S were left out: %(fields)s.",
        fields=", ".join(f"{name} ({decimal(number)})" for name, number in sorted(left_out.items())),
    )


def _deleted_in_words(number: int) -> str:
    return ngettext(
        "%(num)s item was deleted in Omeka S and is not published again.",
        "%(num)s items were deleted in Omeka S and are not published again.",
        number,
    )
