"""Plans to read the items of DSpace 7 to 10. The cheapest plan differs between collections, so it is measured.

The cost of a page with embedded files grows faster than the page. A bundles request for each item costs one more round
trip, which pays off only for items with many files. Cost is the time that the server spends on an item, not the elapsed
time, so a slow consumer does not matter.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .records import Item

# At most 100: search returns no more rows and skips the rest. Each size divides the one before it, so that a failing
# page can be split at its own offset.
SIZES = (100, 20, 10, 5, 1)
WIDTH_OF_TRIALS = 2  # requests at a time
LEAST_FILES = 1.0  # files an item from which a request for each item may be cheaper than embedding
SEARCH = "search"  # the kind of the request times of other searches than pages, such as those that only count
_WINDOW = 50  # items
_FEWEST = 20  # items, whose average says something about others
_MOST_FILES = 10  # of an item that count for the average, so that a single item does not change it


@dataclass(frozen=True, slots=True)
class PagePlan:
    """Pages of `size` items, with their files embedded or without."""

    size: int
    embeds: bool

    @property
    def name(self) -> str:
        """Return the name of the plan in cursors and in the measured request times."""
        return f"{'items with files' if self.embeds else 'items'} by {self.size}"


@dataclass(frozen=True, slots=True)
class PlanTrial:
    """A plan to try until the next multiple of `rows`, if that is at most this share of the unread items."""

    plan: PagePlan
    rows: int
    share: float = 0.25

    def end(self, start: int) -> int:
        """Return the row before which a trial from the row `start` ends."""
        return (start // self.rows + 1) * self.rows


@dataclass(slots=True)
class FilesPerItem:
    """The average number of files of the recent items, and of those from which the plan was chosen. Thread-safe."""

    recent: float = 0.0
    at_choice: float | None = None
    items: int = 0
    _noting: threading.Lock = field(default_factory=threading.Lock)

    def note(self, items: Iterable[Item]) -> None:
        """Record items that were read in full. Without a trial, the first items stand for those of the choice."""
        with self._noting:
            for item in items:
                if item.bitstreams is not None:
                    self.items += 1
                    self.recent += (min(len(item.bitstreams), _MOST_FILES) - self.recent) / min(self.items, _WINDOW)
            if self.at_choice is None and self.items >= _WINDOW:
                self.at_choice = self.recent

    @property
    def has_changed(self) -> bool:
        """Return whether the number of files per item has changed so much that another plan may be cheaper."""
        if self.at_choice is None or self.items < _FEWEST:
            return False
        few, many = sorted((self.recent, self.at_choice))
        return many > 2 * few + LEAST_FILES


@dataclass(frozen=True, slots=True)
class PagePlans:
    """The first plan, and the trials to make if the list is long enough. The first trial is of the first plan."""

    first: PagePlan
    trials: tuple[PlanTrial, ...]

    def trials_from(self, start: int, total: int, files: float, *, is_measured: bool) -> list[PlanTrial]:
        """Return the trials to make from the row `start` on, or none if there is no choice.

        `files`: of an item, on average. If most items have none, a request for each item is not tried. `is_measured`:
        the cost of the first plan is known from its first page, so in a short list it needs no trial.
        """
        trials: list[PlanTrial] = []
        for trial in self.trials:
            is_small = trial.end(start) - start <= trial.share * (total - start)
            has_files = trial.plan.embeds or not self.first.embeds or files >= LEAST_FILES
            if (is_small and has_files) or (trial.plan == self.first and not is_measured):
                trials.append(trial)
                start = trial.end(start)
        return trials if is_measured or len(trials) > 1 else []

    def find(self, name: str | None) -> PagePlan | None:
        """Return the plan that a cursor names, or None if it is none of these."""
        return next((trial.plan for trial in self.trials if trial.plan.name == name), None)


def restart_cursor(cursor: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a cursor that starts a walk with the cheapest plan of an earlier walk, or None if that found none.

    Use it between complete walks only: light walks have other plans.
    """
    name = (cursor or {}).get("plan")
    return {"plan": name} if name else None


def with_plan(cursor: Mapping[str, Any] | None, plan: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the cursor of a light walk, adapted to a complete walk, or the reverse.

    `plan`: the cursor from `restart_cursor` with the plan to continue with. With None the walk finds its own plan.
    """
    if cursor is None:
        return None if plan is None else dict(plan)
    return {**cursor, "plan": (plan or {}).get("plan")} if "plan" in cursor else dict(cursor)


def sizes_within(limit: int | None) -> tuple[int, ...]:
    """Return the page sizes up to the user's limit, largest first."""
    return tuple(size for size in SIZES if size <= (limit or SIZES[0]))


def complete_plans(sizes: Sequence[int]) -> PagePlans:
    """Return the plans for items with files.

    The order is: small embedded pages, then light pages with one request per item, then larger embedded pages.
    """
    small, middle, large = (min(size, sizes[0]) for size in (5, 10, 20))
    plans = (PagePlan(small, True), PagePlan(large, False), PagePlan(middle, True), PagePlan(large, True))
    trials = (
        PlanTrial(plan, max(20, WIDTH_OF_TRIALS * plan.size)) if plan.embeds else PlanTrial(plan, 20, share=0.5)
        for plan in dict.fromkeys(plans)
    )
    return PagePlans(plans[0], tuple(trials))


def slice_plans(sizes: Sequence[int]) -> PagePlans:
    """Return the plans for items with embedded files only, so that reading a slice takes few requests."""
    plans = complete_plans(sizes)
    return PagePlans(plans.first, tuple(trial for trial in plans.trials if trial.plan.embeds))


def light_plans(sizes: Sequence[int]) -> PagePlans:
    """Return the plans for items without files: pages of 20, or of 100."""
    plans = (PagePlan(min(20, sizes[0]), False), PagePlan(sizes[0], False))
    return PagePlans(plans[0], tuple(PlanTrial(plan, 100, share=1.0) for plan in dict.fromkeys(plans)))


def plans_for_ids(sizes: Sequence[int], *, light: bool) -> PagePlans:
    """Return the plan for a short list of items: one page without files, or small pages with files."""
    return PagePlans(PagePlan(sizes[0], False) if light else complete_plans(sizes).first, ())


def cheapest(costs: Mapping[PagePlan, float]) -> PagePlan:
    """Return the plan with the fewest seconds per item."""
    return min(costs, key=lambda plan: costs[plan])


def is_worth(plan: PagePlan, costs: Mapping[PagePlan, float], quickest: Mapping[str, float]) -> bool:
    """Return whether to try a plan after others with these costs.

    `quickest`: the seconds of the quickest response of each kind, of which the least is about a round trip. A request
    for each item is tried if an item takes at least two round trips in the plans before. Larger pages save a part of
    the time of a small search. Embedded ones are tried only while each was the cheapest so far, and while a page takes
    less than two such searches. In that case the first page is enough to know the cost of the smallest.
    """
    if not costs:
        return True
    best, largest = cheapest(costs), max(costs, key=lambda tried: (tried.embeds, tried.size))
    searches = [seconds for kind, seconds in quickest.items() if kind in (SEARCH, best.name)]
    is_short = costs[best] * best.size < 2 * min(searches)
    if plan.embeds:
        return not is_short if plan in costs else is_short and best == largest
    return not best.embeds or costs[best] >= 2 * min(quickest.values())
