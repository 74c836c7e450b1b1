"""What a person chooses for the published items of a takedown: leave, make private or delete, for each destination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import Select

from ...errors import InvalidInputError
from ...i18n import gettext as _
from ...models.job_kinds import JobKind
from ...publishing import publish_undo_effects, withdrawal_jobs
from ...publishing.job_kind import DELETE_PUBLISHED, LEAVE, WITHDRAWALS
from ...publishing.publish_undo_effects import Comparison
from ...publishing.withdrawal_jobs import Holder


@dataclass(frozen=True, slots=True)
class Place:
    """A destination that has some of the items, and which of them somebody edited there."""

    holder: Holder
    comparison: Comparison


def places(item_ids: Select[Any]) -> list[Place]:
    """Return the destinations that have some of these items. The sites are asked for edits."""
    return [
        Place(one, publish_undo_effects.compared_items(one.destination, item_ids))
        for one in withdrawal_jobs.holders(item_ids)
    ]


class WithdrawalChoices:
    """The choices in the form of a takedown of these items, by id of the destination. `job_ids`: the queued jobs.

    Raise InvalidInputError if a destination has no choice.
    """

    def __init__(self, item_ids: Select[Any]):
        self._kinds = {one.destination.id: _chosen(one.destination.id) for one in withdrawal_jobs.holders(item_ids)}
        self._deletes_edited = "edited" in request.form
        self.job_ids: list[int] = []

    def queue(self, item_ids: Select[Any]) -> None:
        """Queue the withdrawal of some of the items, in the caller's transaction."""
        for destination_id, kind in self._kinds.items():
            if kind is not None:
                edited = self._deletes_edited and kind is DELETE_PUBLISHED
                found = withdrawal_jobs.queue(item_ids, destination_id, kind, deletes_edited=edited)
                self.job_ids += [job_id for job_id in found if job_id not in self.job_ids]


def _chosen(destination_id: int) -> JobKind | None:
    """Return the kind of job that was chosen for a destination, or None to leave its items."""
    choice = request.form.get(f"withdraw-{destination_id}")
    if choice not in (*WITHDRAWALS, LEAVE):
        raise InvalidInputError(_("Choose what happens to the items in Omeka S."), "withdraw")
    return WITHDRAWALS.get(choice)
