"""Previews publishing: counts what it would do, and writes nothing at the destination."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..extensions import transaction
from ..i18n import gettext as _
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..omeka.resources import Item
from . import previewed_items
from .attempt_connections import Connect, connected_for
from .destination_connections import open_destination
from .file_writer import FileToSend
from .item_failures import Problem
from .item_writer import ItemToSend
from .lookalikes import Lookalikes
from .mapping import ItemRules, lacking
from .merge import Merge, merge
from .publish_options import PublishOptions
from .publisher import Publisher, conflict_in_words, lacking_in_words


def run(attempt: JobAttempt, connect: Connect = open_destination) -> tuple[bool, str]:
    """Carry out a preview of publishing. Return (clean, message)."""
    with connected_for(attempt, PublishOptions.of(lifecycle.get(attempt.job_id)).destination, connect) as connection:
        return PublishPreview(attempt, connection).run()


class PublishPreview(Publisher):
    """One attempt at a preview. It reads from the destination, and stores only what the page of the job shows."""

    def _activity(self) -> str:
        return _("Comparing items")

    def _item_sets(self) -> frozenset[int]:
        return self._sets.expected(self._source_id)

    def _decided(self, alike: Lookalikes) -> dict[int, int]:
        return {item_id: one.omeka_id for item_id, one in alike.found.items()}

    def _publish(self, tasks: Sequence[ItemToSend], rules: ItemRules, last_id: int) -> None:
        current = self._current(tasks)
        actions, problems = dict[int, str](), list[tuple[ItemToSend, str]]()
        counts = Counter[str]()
        for task in self._without_files_there(tasks, current):
            there = current.get(task.item_id)
            merged = merge(task.wanted, task.sent, there) if there else None
            actions[task.item_id] = self._expected(task, there, merged, rules)
            if there or not task.was_there:
                counts["files_sent"] += len(task.files)
            if merged and merged.conflicts:
                counts["conflicts"] += 1
                problems.append((task, conflict_in_words(merged.conflicts, task)))
            elif task.item_id in self._alike.doubtful:
                problems.append((task, self._alike.doubtful[task.item_id]))
            elif there is None and not task.was_there and (names := lacking(task.wanted, rules)):
                problems.append((task, lacking_in_words(names)))
            if there:
                problems += [(task, sentence) for sentence in task.refused]
            self._left_out.update(task.fields.left_out)
        self._after = last_id
        with transaction():
            counts.update(actions.values(), seen=len(tasks))
            self._attempt.advance(counts, cursor=self._cursor_after(last_id).to_json())
            previewed_items.add(self._attempt.job_id, actions.items())
            for task, problem in problems:
                self._note_problem(task, Problem(problem))

    def _without_files_there(self, tasks: Sequence[ItemToSend], current: Mapping[int, Item]) -> list[ItemToSend]:
        """Return the items without the files that stand at the destination, as a module may have put them there."""
        items = {task.item_id: current[task.item_id] for task in tasks if task.files and task.item_id in current}
        ids = [number for item in items.values() for number in item.media]
        media = self._connection.asked(lambda: self._connection.client.media(ids))
        known = {(one.item_id, one.sha256) for one in media.values()}

        def left(task: ItemToSend) -> tuple[FileToSend, ...]:
            item = items.get(task.item_id)
            return tuple(file for file in task.files if item is None or (item.id, file.sha256) not in known)

        return [replace(task, files=left(task)) for task in tasks]

    def _expected(self, task: ItemToSend, there: Item | None, merged: Merge | None, rules: ItemRules) -> str:
        """Return the counter of what publishing would do with an item."""
        if there is None or merged is None:
            if task.was_there:
                return "deleted_there"
            is_refused = task.item_id in self._alike.doubtful or lacking(task.wanted, rules)
            return "failed" if is_refused else "added"
        if task.is_adoption:
            return "adopted"
        return "updated" if merged.item != there or task.files else "unchanged"
