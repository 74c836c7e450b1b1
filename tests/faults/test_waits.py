"""The waits that an import shows for each kind of request to a repository, and when they end."""

from __future__ import annotations

import pytest
from flask import current_app

from connector.jobs import attempt as attempts
from connector.models.jobs import State, WaitReason

from .clock import SkippingClock
from .objects import OBJECTS, Stage
from .world import hurried

ASKED = 30  # seconds, in each Retry-After
OUTAGE = 200  # seconds
WORTH_SHOWING = 2  # seconds
KINDS = 4  # of requests in one import, each with a maximum outage of its own
# The clock of a request in another thread moves on with each pause, so the request may be the wait that began first.
SHOWN = ("The app waits", "No answer yet to a request.")


@pytest.mark.parametrize(
    ("setup", "name", "stage"),
    [
        ("6", "tree", Stage.IMPORT),
        ("6", "page", Stage.IMPORT),
        ("6", "item", Stage.RERUN),
        ("6", "file", Stage.IMPORT),
        ("9", "tree", Stage.IMPORT),
        ("9", "page", Stage.RERUN),
        ("9", "item", Stage.RERUN),
        ("9", "file list", Stage.IMPORT),
        ("9", "file", Stage.IMPORT),
    ],
)
def test_each_wait_is_shown_when_it_begins_and_all_end_with_the_maximum_outage(world_of, setup, name, stage):
    world, pauses = world_of(setup), []

    def watch(seconds: float) -> None:
        waits = [run.wait for run in list(attempts._running)]
        pauses.append((seconds, waits[0][:2] if waits and waits[0] else None))

    world.be_at(stage)
    with world.instance(stage) as app, app.app_context():
        busy = {"status": 503, "headers": {"Retry-After": str(ASKED)}}
        world.sample.faults.add(OBJECTS[world.setup.api][name].is_asked_for, times=None, **busy)
        with hurried(current_app, OUTAGE, SkippingClock(watch)) as clock:
            job = world.run()
        world.sample.faults.clear()

    expected = WaitReason.FILE if name == "file" else WaitReason.REPOSITORY
    long = [wait or ("", "") for seconds, wait in pauses if seconds > WORTH_SHOWING]
    assert long
    assert all(reason == expected and any(text in detail for text in SHOWN) for reason, detail in long), long
    assert clock.skipped_seconds <= KINDS * OUTAGE
    assert (job.state == State.FAILED) or not job.clean
