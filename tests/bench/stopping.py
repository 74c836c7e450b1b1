"""The time from Stop until a job has stopped, for each kind of wait."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from config import load
from connector import create_app
from connector.extensions import db
from connector.jobs import lifecycle
from tests.sample import SampleRepository

from .goals import at_most
from .product import Connector

PROMISE = 3.0  # seconds
LONGEST = 60.0  # seconds
AN_HOUR = {"Retry-After": "3600"}


@dataclass(frozen=True)
class Moment:
    """When to press Stop: as soon as a request for `target` has come, which then goes wrong as `fault` says."""

    name: str
    target: str
    fault: dict = field(default_factory=dict)


MOMENTS = (
    Moment("reading pages", "page=2"),
    Moment("a page that does not come", "page=2", {"hang": True}),
    Moment("an hour of Retry-After", "page=2", {"status": 429, "headers": AN_HOUR}),
    Moment("fetching files", "/content"),
    Moment("a file that comes byte by byte", "/content", {"drip": 0.2}),
    Moment("an hour of Retry-After for a file", "/content", {"status": 503, "headers": AN_HOUR}),
)


def stopping(console: Console, quick: bool) -> None:
    """Seconds from Stop to the end of the process that worked on the job."""
    table = Table("while it waits for", "seconds")
    table.title = "From Stop to stopped"
    for moment in MOMENTS[1:3] if quick else MOMENTS:
        table.add_row(moment.name, at_most(_seconds(moment), PROMISE, " s"))
    console.print(table)


def _seconds(moment: Moment) -> float:
    reached = threading.Event()

    def is_target(path: str) -> bool:
        if moment.target in path:
            reached.set()
        return moment.target in path

    with SampleRepository(9) as repository, tempfile.TemporaryDirectory() as folder:
        repository.faults.add(is_target, times=None, **moment.fault)
        with Connector(folder).start("import", repository.url, "--all", "--files") as process:
            if not reached.wait(LONGEST):
                raise RuntimeError(f"The import never came to {moment.name}.")
            began = _stop(folder)
            process.communicate(timeout=LONGEST)
            return time.monotonic() - began


def _stop(folder: str) -> float:
    """Press Stop; gives the moment when it was pressed, by the monotonic clock."""
    app = create_app(load({"CONNECTOR_INSTANCE": folder}))
    with app.app_context():
        began = time.monotonic()
        lifecycle.stop(1)
        db.engine.dispose()
    return began
