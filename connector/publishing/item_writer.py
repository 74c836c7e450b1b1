"""Writes single items and their files to a destination, in threads that do not use the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from ..errors import JobStoppedError, OutcomeUnknownError
from ..i18n import gettext as _
from ..omeka.resources import IDENTIFIER, Item
from .destination_connections import DestinationConnection
from .edits_since import is_touched
from .file_uploads import BegunUpload
from .file_writer import MAX_EXECUTION_SECONDS, FileResults, FileToSend, FileWriter
from .item_changes import Changes, changes_between, continued
from .item_failures import ITEM_PROBLEMS, Problem, problem_of
from .mapping import Fields
from .merge import Merge, Sent, is_same, merge, sent_after
from .resource_groups import differing, groups_of


@dataclass(frozen=True, slots=True)
class ItemToSend:
    """An item of the catalogue that is to be published.

    `known_id`: its id at the destination, if we know it. `sent`: what we last sent. `is_begun`: whether an earlier
    attempt may have created it. `files`: those that we have not uploaded yet and that the site has not refused.
    `refused`: a sentence about each file that it has refused. `has_conflicts`: whether conflicts of it are stored.
    `recorded`: what we last sent, without choices for conflicts. `planned`: the changes that an earlier attempt of the
    job planned or made. `begun_uploads`: those of earlier attempts without an answer, by SHA-256. `fields`: those
    without a term. `declined`: ids at the destination of items that the user declined to adopt for it. `is_counted`:
    whether the job has recorded the item before. `is_withdrawn`: whether a person had it deleted there and it may still
    not be public.
    """

    item_id: int
    identifier: str
    wanted: Item
    known_id: int | None = None
    sent: Sent | None = None
    is_begun: bool = False
    files: tuple[FileToSend, ...] = ()
    refused: tuple[str, ...] = ()
    has_conflicts: bool = False
    recorded: Sent | None = None
    planned: Changes = field(default_factory=dict)
    begun_uploads: Mapping[str, BegunUpload] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)
    declined: frozenset[int] = frozenset()
    is_counted: bool = False
    is_withdrawn: bool = False

    @property
    def was_there(self) -> bool:
        """Return whether the item was published and is not to be created again if it is no longer there."""
        return self.known_id is not None or self.is_withdrawn

    @property
    def is_adoption(self) -> bool:
        """Return whether the item, if it is at the destination, was created there by somebody else."""
        return self.sent is None and not self.is_begun

    @property
    def is_unanswered(self) -> bool:
        """Return whether an earlier attempt may have created the item and ended before it knew."""
        return self.is_begun and self.sent is None

    @property
    def new_uploads(self) -> dict[str, int]:
        """Return the places of the files whose upload no earlier attempt has begun, by SHA-256."""
        return {file.sha256: file.position for file in self.files if file.sha256 not in self.begun_uploads}

    @property
    def is_finished(self) -> bool:
        """Return whether the job has sent the item as it is now, with all its files."""
        is_sent = self.recorded is not None and groups_of(self.wanted) == groups_of(self.recorded.wanted)
        return self.is_counted and is_sent and not (self.files or self.begun_uploads)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to an item. `item`: as it stands at the destination now, None if it is not there.

    `sent`: what to compare with next time. `changes`: what the job changed in an item that was there before.
    `files`: what happened to its files, None if they were not looked at. `is_unknown`: the request may have been
    carried out without an answer.
    """

    task: ItemToSend
    action: str
    item: Item | None = None
    sent: Sent | None = None
    problems: tuple[Problem, ...] = ()
    conflicts: tuple[str, ...] = ()
    changes: Changes = field(default_factory=dict)
    files: FileResults | None = None
    is_unknown: bool = False

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """Return the problems, with those of files that an item at the destination still lacks."""
        return (*self.problems, *map(Problem, self.task.refused)) if self.item else self.problems

    @property
    def is_plain(self) -> bool:
        """Return whether nothing has to be written to the database but a count."""
        is_stored = self.files or self.task.planned or self.task.has_conflicts
        is_noteworthy = self.all_problems or self.conflicts or is_stored
        return self.action == "unchanged" and not is_noteworthy and is_same(self.sent, self.task.recorded)


class ItemWriter:
    """A writer for the items of one attempt. `pause`: waits this many seconds, and returns True if a stop is wanted."""

    def __init__(self, connection: DestinationConnection, pause: Callable[[float], bool]):
        self._client, self._asked, self._pause = connection.client, connection.asked, pause
        self._files = FileWriter(connection, self.wait)

    def write(self, task: ItemToSend, current: Item | None) -> Outcome:
        """Create or change an item, then upload its files. A failure stays with the item or file.

        `current`: the item at the destination, if it is there.
        """
        try:
            outcome = self._created(task) if current is None else self._changed(task, current)
        except ITEM_PROBLEMS as error:
            made = continued(task.planned, {}, current) if current else {}
            is_unknown = isinstance(error, OutcomeUnknownError)
            problems = (problem_of(error),)
            return Outcome(task, "failed", current, task.sent, problems, changes=made, is_unknown=is_unknown)
        # An upload that an earlier attempt began cannot belong to an item that this one has created.
        return self._with_files(outcome, task.begun_uploads if current else {})

    def find(self, identifiers: Collection[str], declined: Collection[int]) -> dict[str, Item]:
        """Return the items with these identifiers, the oldest one of each. `declined`: ids of items to leave out."""
        found = self.find_all(identifiers, {IDENTIFIER})
        ours = {text: [item for item in items if item.id not in declined] for text, items in found.items()}
        return {text: min(items, key=lambda item: item.id) for text, items in ours.items() if items}

    def find_all(self, texts: Collection[str], properties: Collection[str]) -> dict[str, list[Item]]:
        """Return all items with one of these values in one of the properties, by value."""
        return self._asked(lambda: self._client.find_items(texts, properties))

    def read(self, ids: list[int]) -> dict[int, Item]:
        """Return the items with these ids."""
        return self._asked(lambda: self._client.items(ids))

    def update(self, item_id: int, merge: Callable[[Item], Item]) -> Item:
        """Write what `merge` changes in an item, and return the item. `merge` may be called several times.

        If the outcome of the request is not known, it is repeated only if the change is not there when the site must
        have ended the request.
        """
        try:
            return self._asked(lambda: self._client.update_item(item_id, merge)).item
        except OutcomeUnknownError as error:
            if error.status == 500:  # an answer of Omeka S itself: it has refused the change
                raise
        item = self._asked(lambda: self._client.item(item_id))
        if merge(item) != item:
            self.wait(MAX_EXECUTION_SECONDS)
        return self._asked(lambda: self._client.update_item(item_id, merge)).item

    def _created(self, task: ItemToSend) -> Outcome:
        try:
            created = self._create(task)
        except OutcomeUnknownError as error:
            created = self._looked_up(task, error)
        return _as_created(task, created)

    def _create(self, task: ItemToSend) -> Item:
        return self._asked(lambda: self._client.create_item(task.wanted)).item

    def _looked_up(self, task: ItemToSend, error: OutcomeUnknownError) -> Item:
        """Return the item after a request whose outcome is not known. Create it again only if it is not there."""
        if found := self._found(task):
            return found
        if error.status == 500:  # an answer of Omeka S itself: it has refused the item
            raise error
        self.wait(MAX_EXECUTION_SECONDS)
        if found := self._found(task):
            return found
        return self._create(task)

    def _found(self, task: ItemToSend) -> Item | None:
        return self.find([task.identifier], task.declined).get(task.identifier)

    def wait(self, seconds: float) -> None:
        """Wait this many seconds. Raise JobStoppedError if a stop is wanted."""
        if self._pause(seconds):
            raise JobStoppedError(_("The job was asked to stop."))

    def _changed(self, task: ItemToSend, current: Item) -> Outcome:
        if not task.is_unanswered:
            return self._merged(task, current)
        if is_touched(current):
            # Nobody knows which of its values people have changed, so all of them stay.
            names = tuple(differing(task.wanted, current))
            return Outcome(task, "added", current, Sent(task.wanted, task.wanted), conflicts=names)
        return replace(self._merged(_with_base(task, current), current), action="added")

    def _merged(self, task: ItemToSend, current: Item) -> Outcome:
        merged = merge(task.wanted, task.sent, current)
        if merged.item == current:
            return self._outcome(task, current, merged, current)
        # The client reads the item again, so the merge is repeated with what stands there at that moment.
        planned, before, latest = task.planned, current, merged

        def again(item: Item) -> Item:
            nonlocal planned, before, latest
            planned = continued(planned, changes_between(before, latest.item, task.recorded), before)
            before, latest = item, merge(task.wanted, task.sent, item)
            return latest.item

        item = self.update(current.id, again)
        return self._outcome(replace(task, planned=planned), before, latest, item)

    @staticmethod
    def _outcome(task: ItemToSend, before: Item, merged: Merge, item: Item) -> Outcome:
        sent = sent_after(task.wanted, task.sent, merged, item)
        changes = continued(task.planned, changes_between(before, item, task.recorded), before)
        is_changed = changes or merged.item != before
        action = "adopted" if task.is_adoption else "updated" if is_changed else "unchanged"
        problems = _ignored(merged.item, item)
        if task.is_adoption and item.is_public and not task.wanted.is_public:
            problems = (*problems, Problem(_("It stays public in Omeka S, but would be private as a new item.")))
        return Outcome(task, action, item, sent, problems, merged.conflicts, changes)

    def _with_files(self, outcome: Outcome, begun: Mapping[str, BegunUpload]) -> Outcome:
        item, files_to_send = outcome.item, outcome.task.files
        if item is None or not (files_to_send or begun):
            return outcome
        files = self._files.write(item, files_to_send, begun)
        is_sent = files.uploaded or files.continued
        action = "updated" if outcome.action == "unchanged" and is_sent else outcome.action
        return replace(outcome, action=action, problems=(*outcome.problems, *files.problems), files=files)


def changes_planned(task: ItemToSend, current: Item) -> Changes:
    """Return what `ItemWriter.write` is going to change in an item that is at the destination."""
    if task.is_unanswered and is_touched(current):
        return {}
    task = _with_base(task, current)
    changes = changes_between(current, merge(task.wanted, task.sent, current).item, task.recorded)
    return continued(task.planned, changes, current) if changes else {}


def _as_created(task: ItemToSend, created: Item) -> Outcome:
    return Outcome(task, "added", created, Sent(task.wanted, created), _ignored(task.wanted, created))


def _with_base(task: ItemToSend, current: Item) -> ItemToSend:
    """Return the item so that what stands there counts as sent, if the answer to its creation is not known."""
    return replace(task, sent=Sent(current, current)) if task.is_unanswered else task


def _ignored(wanted: Item, there: Item) -> tuple[Problem, ...]:
    """Return in words what Omeka S has left out without an error: values, and sites to which the key may not add."""
    number = sum(value not in there.values for value in wanted.values)
    sentences = [_("Omeka S did not accept %(number)s of its values.", number=number)] if number else []
    if (wanted.sites or frozenset()) - (there.sites or frozenset()):
        sentences.append(_("The user of the key may not add it to all chosen sites in Omeka S."))
    return tuple(map(Problem, sentences))
