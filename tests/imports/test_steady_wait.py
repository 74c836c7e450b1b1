"""The status of a job does not flip between running and waiting."""

from __future__ import annotations

from datetime import datetime

from connector.jobs.steady_wait import SteadyWait
from connector.models.jobs import WaitReason


class Clock:
    """A clock that tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def wait(minute, reason=WaitReason.REPOSITORY):
    return reason, f"The app will try again at {minute}.", datetime(2026, 1, 5, 15, minute)


def test_a_wait_that_begins_again_soon_continues_the_first_one():
    clock = Clock()
    steady = SteadyWait(clock)
    shown = [steady.wait_to_show(wait(0))]
    for clock.now, now in ((4.0, None), (9.0, wait(1)), (12.0, None), (18.0, wait(2))):
        shown.append(steady.wait_to_show(now))

    assert {one and one[2] for one in shown} == {datetime(2026, 1, 5, 15, 0)}
    assert shown[-1][1] == "The app will try again at 2."


def test_after_a_while_without_a_wait_the_job_runs_again():
    clock = Clock()
    steady = SteadyWait(clock)
    steady.wait_to_show(wait(0))

    clock.now = 10.0
    ended = steady.wait_to_show(None)
    clock.now = 11.0

    assert ended is None
    assert steady.wait_to_show(wait(3)) == wait(3)


def test_a_wait_for_another_reason_has_its_own_start():
    steady = SteadyWait(Clock())
    steady.wait_to_show(wait(0))

    assert steady.wait_to_show(wait(1, WaitReason.DISK_SPACE)) == wait(1, WaitReason.DISK_SPACE)
