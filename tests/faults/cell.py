"""One cell of the matrix: import with the fault, import again without it, then check three things."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import func, select

from connector.dspace.records import SourceState
from connector.errors import ConnectorError
from connector.extensions import db
from connector.jobs.attempt import INTERNAL_ERROR, stop_here
from connector.models.catalogue import CatalogueFile, Holding
from connector.models.jobs import Job, State
from connector.repositories import discovery, service
from connector.repositories.connections import connection_to

from .clock import SkippingClock
from .faults import faults_of
from .objects import OBJECTS, Stage, is_consistent
from .setups import Api
from .world import OUTAGE, Records, World, hurried

LONGEST = 10 * OUTAGE  # seconds that a stage may take on a busy machine: the outage of a few kinds of request
JOBS = (1, 2, 3)  # of one instance
ENDS, TRUE, RIGHT = "ends", "true", "right after"


@dataclass(frozen=True)
class Verdict:
    """The result of a cell. `met`: a request met the fault. `failed`, `reason`: the first question answered badly."""

    met: bool
    failed: str = ""
    reason: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        return self.failed or ("ok" if self.met else "·")


class WrongAnswerError(Exception):
    """A question has a bad answer."""

    def __init__(self, question: str, reason: str):
        super().__init__(question, reason)
        self.question, self.reason = question, reason


def run_cell(world: World, object_name: str, fault_name: str) -> Verdict:
    """Let each stage of the object meet the fault, on an instance of its own, and return what came of it."""
    api = world.setup.api
    began, hits, kind = time.monotonic(), list[str](), OBJECTS[api][object_name]

    def falls_on(target: str) -> bool:
        is_it = kind.is_asked_for(target)
        if is_it:
            hits.append(target)
        return is_it

    for stage in kind.stages:
        if is_consistent(api, object_name, fault_name, stage):
            continue
        world.be_at(stage)
        with world.instance(stage) as app, app.app_context():
            world.sample.faults.add(falls_on, times=None, **faults_of(api, object_name)[fault_name]())
            try:
                _ask(world, stage)
            except WrongAnswerError as wrong:
                return Verdict(True, wrong.question, f"{stage}: {wrong.reason}", time.monotonic() - began)
            finally:
                world.sample.faults.clear()
    return Verdict(bool(hits), seconds=time.monotonic() - began)


def _ask(world: World, stage: Stage) -> None:
    """Ask the three questions of a stage. Raises WrongAnswerError at the first bad answer."""
    do = {Stage.CONNECT: _connect, Stage.LIST: _list}.get(stage, _import)
    with hurried(current_app) as clock, _time_limit(world, clock):
        do(world, stage, is_disturbed=True)
    world.sample.faults.clear()
    do(world, stage, is_disturbed=False)


def _connect(world: World, stage: Stage, is_disturbed: bool) -> None:
    try:
        found = discovery.connect(world.sample.url, "rest", None)
    except ConnectorError as error:
        _check(is_disturbed, RIGHT, f"the repository is not found: {error}")
        return
    server, setup = service.get(found.repository_id).server, world.setup
    right = (7 if setup.generation >= 7 else 6) if server.speaks_oai else setup.generation
    _check(server.generation == right, TRUE, f"DSpace {right} is taken for a DSpace {server.generation}")
    _check(is_disturbed or server.speaks_oai is (setup.api is Api.OAI), RIGHT, f"it is read at {server.api_url}")


def _list(world: World, stage: Stage, is_disturbed: bool) -> None:
    data = world.sample.data
    try:
        with connection_to(service.get(world.repository_id)) as connection:
            client = connection.client
            listed = Counter(each.name for list_all in (client.communities, client.collections) for each in list_all())
    except ConnectorError as error:
        _check(is_disturbed, RIGHT, f"the tree is not listed: {error}")
        return
    there = Counter(each.name for each in (*data.communities.values(), *data.collections.values()))
    _check(listed == there, TRUE, f"the tree is said to be {dict(listed)}")


def _import(world: World, stage: Stage, is_disturbed: bool) -> None:
    job = world.run()
    held, expected = world.held(), world.expected[stage]
    if is_disturbed:
        _check_state(job)
        _check_catalogue(job, held, expected)
        _check_counts(job)
        return
    _check(job.state == State.COMPLETED, RIGHT, f"the next run is {job.state}: {job.message}")
    _check(bool(job.clean), RIGHT, f"the next run is not clean: {job.message}")
    difference = _difference(held, expected)
    _check(not difference, RIGHT, difference)


def _check_state(job: Job) -> None:
    """Check that the job has ended, and names its problems in words of its own."""
    is_over = job.state in (State.COMPLETED, State.FAILED) or job.asks
    _check(is_over, TRUE, f"the job is {job.state}: {job.message}")
    _check(job.message != INTERNAL_ERROR, TRUE, "something went wrong in this app")
    _check(bool(job.clean or job.message), TRUE, "the job has problems and names none")


def _check_catalogue(job: Job, held: Records, expected: Records) -> None:
    """Check that a clean job has the right catalogue, and that no item is wrongly said to be missing at the source."""
    if job.state == State.COMPLETED and job.clean:
        difference = _difference(held, expected)
        _check(not difference, TRUE, f"completed and clean ({job.message or 'no message'}), but {difference}")
    present = {one["source_id"] for one in expected if one["source_state"] == SourceState.PRESENT}
    marked = [one for one in held if one["source_id"] in present and one["source_state"] != SourceState.PRESENT]
    titles = ", ".join(one["title"] for one in marked)
    _check(not marked, TRUE, f"said to be missing at the source, though present: {titles}")


def _check_counts(job: Job) -> None:
    """Check that the counts of the job are those of the catalogue. An item that failed counts as seen."""
    is_seen = Holding.last_seen_job_id == job.id
    seen = db.session.scalar(select(func.count()).select_from(Holding).where(is_seen)) or 0
    said, failed = job.counts["seen"], job.counts["failed"]
    counted = f"{said} items are said to be seen and {failed} to have failed; {seen} are held as seen"
    _check(said - failed <= seen <= said, TRUE, counted)
    files = select(CatalogueFile.status).join(Holding, Holding.item_id == CatalogueFile.item_id)
    statuses = dict(Counter(db.session.scalars(files.where(Holding.left_at.is_(None)))))
    told = {status: number for status, number in job.files.items() if number}
    _check(told == statuses, TRUE, f"the files are said to be {told}, and are {statuses}")


def _difference(held: Records, expected: Records) -> str:
    """Return the first difference between two catalogues in a few words, or nothing."""
    here, there = ({one["source_id"]: one for one in side} for side in (held, expected))
    if lost := [there[id]["title"] for id in there.keys() - here.keys()]:
        return f"{len(lost)} of {len(there)} items are missing, such as {lost[0]}"
    if more := [here[id]["title"] for id in here.keys() - there.keys()]:
        return f"{len(more)} items are held that are not there, such as {more[0]}"
    for id, right in there.items():
        for name, value in right.items():
            if here[id][name] != value:
                return f"{name} of {right['title']} is {_short(here[id][name])} and should be {_short(value)}"
    return ""


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) < 300 else f"{text[:300]}…"


def _check(is_so: bool, question: str, reason: str) -> None:
    if not is_so:
        raise WrongAnswerError(question, reason)


@contextmanager
def _time_limit(world: World, clock: SkippingClock) -> Iterator[None]:
    """End whatever takes longer than it may, or would if pauses were not skipped. Raises WrongAnswerError then."""
    late = threading.Event()

    def end() -> None:
        late.set()
        clock.is_stopped.set()
        world.sample.faults.clear()
        for job_id in JOBS:
            stop_here(job_id)

    timer = threading.Timer(LONGEST, end)
    timer.start()
    try:
        yield
    except WrongAnswerError:
        if not late.is_set():
            raise
    finally:
        timer.cancel()
    # The pauses of requests side by side count each.
    is_late = late.is_set() or clock.skipped_seconds > LONGEST * current_app.config["MAX_CONCURRENT_REQUESTS"]
    _check(not is_late, ENDS, f"it had not ended after {LONGEST} s")
