"""Plans to read the lists of DSpace 4 to 6. The cheapest plan differs between servers, so it is measured.

The cost of a list grows with the square of its rows on DSpace 6, with or without details, and not on DSpace 4 and 5
(docs/dspace-findings.md, section 5). So no plan for DSpace 6 asks for more than 50 rows.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

WARM_UP = 100  # rows, as two pages at once; the first answers of a server are slow
FIRST_TRIAL = 100  # rows, also two pages; more trials pay off only in a longer walk
PAGES_OF_A_TRIAL = 2
_FEWER_REQUESTS = 1.1
_CLEARLY_CHEAPER = 0.8


@dataclass(frozen=True, slots=True)
class ListPlan:
    """Pages of `size` rows, with the details of each item or without.

    `below`: the plan replaces the best plan so far if its cost per row is below this share of that plan's cost.
    """

    size: int
    details: bool
    below: float = math.inf

    @property
    def name(self) -> str:
        """Return the name of the plan's requests in the measured times."""
        return f"page of {self.size}{' with details' if self.details else ''}"


_FIRST = ListPlan(50, details=True)
_LARGER = ListPlan(100, details=True, below=_FEWER_REQUESTS)
_LIGHT = ListPlan(1_000, details=False)
_COMPLETE_PLANS = {4: (_LIGHT,), 5: (_FIRST, _LARGER), 6: (_FIRST, ListPlan(25, True, 1 / _FEWER_REQUESTS))}
# Details show deleted and renamed files, so they are read where they cost no more than light rows.
_LIGHT_PLANS = {
    4: (_LIGHT,),
    5: (_FIRST, _LARGER, ListPlan(100, False, _CLEARLY_CHEAPER), ListPlan(1_000, False, _FEWER_REQUESTS)),
    6: (_FIRST, ListPlan(50, False, _CLEARLY_CHEAPER)),
}


def plans_for(generation: int, light: bool, limit: int | None) -> tuple[ListPlan, ...]:
    """Return the plans of a walk in the order of their trials. `light`: rows without details are allowed, too.

    `limit`: the maximum number of rows per request that the user allows.
    """
    found: dict[tuple[int, bool], ListPlan] = {}
    for plan in (_LIGHT_PLANS if light else _COMPLETE_PLANS)[generation]:
        size = min(plan.size, limit or plan.size)
        found.setdefault((size, plan.details), replace(plan, size=size))
    return tuple(found.values())


class PlanChoice:
    """The choice of the plan of one walk: each plan is tried on some rows, and the cheapest reads the rest."""

    def __init__(self, plans: Sequence[ListPlan]):
        self.current, self._left = plans[0], deque(plans[1:])
        self._best, self._cost = plans[0], math.inf
        self._tried: set[bool] = set()
        self._is_decided, self._is_warm = not self._left, False
        self._begin(WARM_UP)

    @property
    def rows_left(self) -> float:
        """Return the number of rows until the next decision, or infinity after the last one."""
        return math.inf if self._is_decided else self._wanted - self._rows

    def note(self, rows: int, seconds: float) -> None:
        """Record the server's time for rows of the current plan. Infinity means that their pages failed."""
        self._rows += rows
        self._seconds += seconds
        if self._is_decided or self._rows < self._wanted:
            return
        if self._is_warm:
            self._decide(self._seconds / self._rows)
        else:
            self._is_warm = True
            self._begin(FIRST_TRIAL)

    def _decide(self, cost: float) -> None:
        if not self._tried or cost < self.current.below * self._cost:
            self._best, self._cost = self.current, cost
        self._tried.add(self.current.details)
        following = next((plan for plan in self._following() if self._is_worth(plan)), None)
        self.current, self._is_decided = following or self._best, following is None
        self._begin(PAGES_OF_A_TRIAL * self.current.size)

    def _following(self) -> Iterator[ListPlan]:
        while self._left:
            yield self._left.popleft()

    def _is_worth(self, plan: ListPlan) -> bool:
        """Return whether the plan is of a new kind, or of the best kind so far, which another size may improve."""
        return plan.details not in self._tried or plan.details == self._best.details

    def _begin(self, rows: int) -> None:
        self._wanted, self._rows, self._seconds = rows, 0, 0.0
