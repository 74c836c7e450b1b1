"""Plans to read the items of a DSpace 7 to 10: which is the cheapest differs between collections, so it is measured.

The cost of a page with files embedded grows faster than the page; one bundles request an item costs a round trip more.
Cost is the time the server took for an item, not the time that passed, so that a slow consumer does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Never above 100: search gives no more rows and skips the rest. Each divides the one before, so that a failing page can
# be split at its own offset.
SIZES = (100, 20, 10, 5, 1)
WORTH_A_TRIAL = 200  # items; up to there, the requests of a trial cost more than its result saves
WARM_UP = 20  # items; the first answers of a server are slow
WIDTH_OF_TRIALS = 2  # requests at a time


@dataclass(frozen=True, slots=True)
class PagePlan:
    """Pages of `size` items, with their files embedded or without."""

    size: int
    embeds: bool

    @property
    def name(self) -> str:
        """Names the plan in cursors, and its requests when their times are compared."""
        return f"{'items with files' if self.embeds else 'items'} by {self.size}"


@dataclass(frozen=True, slots=True)
class PlanTrial:
    """A plan to try until the next multiple of `rows`."""

    plan: PagePlan
    rows: int


@dataclass(frozen=True, slots=True)
class PagePlans:
    """The plan to begin with, and the trials to hold where the listing is worth them."""

    first: PagePlan
    trials: tuple[PlanTrial, ...]

    def named(self, name: str | None) -> PagePlan | None:
        """The plan a cursor names, or None when it names none of these."""
        return next((trial.plan for trial in self.trials if trial.plan.name == name), None)


def restart_cursor(cursor: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A cursor that begins a walk with the plan that the walk of this one found the cheapest; None where it found none.

    A complete walk is to follow a complete one: light ones find plans of their own.
    """
    name = (cursor or {}).get("plan")
    return {"plan": name} if name else None


def with_plan(cursor: Mapping[str, Any] | None, plan: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the cursor of a light walk for a complete one, or the other way round.

    `plan`: the cursor from `restart_cursor` that names the plan to go on with; None lets the walk find its own.
    """
    if cursor is None:
        return None if plan is None else dict(plan)
    return {**cursor, "plan": (plan or {}).get("plan")} if "plan" in cursor else dict(cursor)


def sizes_within(limit: int | None) -> tuple[int, ...]:
    """The page sizes up to the user's limit, largest first."""
    return tuple(size for size in SIZES if size <= (limit or SIZES[0]))


def complete_plans(sizes: Sequence[int]) -> PagePlans:
    """Items with their files: small embedded pages, or light pages and one request an item; then larger pages."""
    small, middle, large = (min(size, sizes[0]) for size in (5, 10, 20))
    plans = (PagePlan(small, True), PagePlan(large, False), PagePlan(middle, True), PagePlan(large, True))
    trials = (
        PlanTrial(plan, max(20, WIDTH_OF_TRIALS * plan.size if plan.embeds else 0)) for plan in dict.fromkeys(plans)
    )
    return PagePlans(PagePlan(middle, True), tuple(trials))


def slice_plans(sizes: Sequence[int]) -> PagePlans:
    """Items with their files in pages only: a slice that is read besides is to cost few requests."""
    plans = complete_plans(sizes)
    return PagePlans(plans.first, tuple(trial for trial in plans.trials if trial.plan.embeds))


def light_plans(sizes: Sequence[int]) -> PagePlans:
    """Items without files: pages of 20, or of 100."""
    plans = (PagePlan(min(20, sizes[0]), False), PagePlan(sizes[0], False))
    return PagePlans(plans[0], tuple(PlanTrial(plan, 100) for plan in dict.fromkeys(plans)))


def cheapest(costs: Mapping[PagePlan, float]) -> PagePlan:
    """The plan with the least seconds an item."""
    return min(costs, key=lambda plan: costs[plan])


def is_worth(plan: PagePlan, costs: Mapping[PagePlan, float]) -> bool:
    """Larger embedded pages are worth a trial only while embedding is the cheapest so far."""
    return not costs or not plan.embeds or cheapest(costs).embeds
