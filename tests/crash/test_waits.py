"""A signal or Stop ends each kind of wait of a job. Resume continues at the same place."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Iterator

import pytest

from tests.command_line import GAZETTE, CommandLine
from tests.processes import Process
from tests.sample import SampleRepository

from .life import wait_until

LONGEST = 120.0  # seconds
AN_HOUR = {"Retry-After": "3600"}
PAGE, FILE = "page=2", "/content"
HOUR_BEFORE_PAGE = pytest.param(PAGE, {"status": 429, "headers": AN_HOUR}, id="an hour before a page")
HOUR_BEFORE_FILE = pytest.param(FILE, {"status": 503, "headers": AN_HOUR}, id="an hour before a file")
SILENT_PAGE = pytest.param(PAGE, {"hang": True}, id="a page that never comes")
DRIPPING_FILE = pytest.param(FILE, {"drip": 0.2}, id="a file that drips")


@pytest.fixture
def sample() -> Iterator[SampleRepository]:
    with SampleRepository(9) as sample:
        yield sample


@pytest.fixture
def flask(tmp_path, new_instance) -> CommandLine:
    flask = CommandLine(shutil.copytree(new_instance, tmp_path / "instance"))
    flask.environment["CONNECTOR_MAX_OUTAGE_SECONDS"] = "86400"
    flask.environment["CONNECTOR_MAX_CONCURRENT_REQUESTS"] = "1"  # the page before the one that waits has come
    return flask


def begun(flask: CommandLine, sample: SampleRepository, target: str, fault: dict) -> Process:
    """An import that waits: for the third page, or for the sixth file and those after it."""
    reached, files = threading.Event(), iter(range(5))

    def is_target(path: str) -> bool:
        is_it = target in path and (target == PAGE or next(files, None) is None)
        if is_it:
            reached.set()
        return is_it

    sample.faults.add(is_target, times=None, **fault)
    handle = sample.data.named(GAZETTE).handle
    process = flask.start("import", sample.url, "--collection", handle, "--files", "--json")
    assert reached.wait(LONGEST)
    return process


def ended(process: Process) -> str:
    """Wait until the process has ended, and return what it printed. `make bench` measures how long that takes."""
    return process.communicate(timeout=LONGEST)[0]


def assert_goes_on_there(flask: CommandLine, sample: SampleRepository) -> None:
    """Resume ends the job, and asks for nothing again that was there already."""
    before = {path for _, path in sample.requests if FILE in path}
    stored = json.loads(flask("jobs", "--json")[1])[0]["files"]["stored"]
    sample.faults.clear()
    sample.reset()

    code, job = flask.json("resume", "1")

    again = before & {path for _, path in sample.requests if FILE in path}
    assert (code, job["state"], job["clean"], job["added"]) == (0, "completed", True, 45)
    assert len(again) == len(before) - stored
    assert not any("page=1&" in path and "dsoType=item" in path for _, path in sample.requests)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("target", "fault"), [HOUR_BEFORE_PAGE, DRIPPING_FILE])
def test_a_signal_ends_every_wait_and_the_job_can_resume(flask, sample, target, fault, number):
    process = begun(flask, sample, target, fault)

    process.send_signal(number)

    out = ended(process)
    assert (process.returncode, json.loads(out)["state"]) == (130, "stopped")
    assert_goes_on_there(flask, sample)


@pytest.mark.parametrize(("target", "fault"), [HOUR_BEFORE_FILE, SILENT_PAGE, DRIPPING_FILE])
def test_a_stop_request_ends_every_wait(flask, sample, target, fault):
    process = begun(flask, sample, target, fault)

    assert flask("stop", "1")[0] == 0

    ended(process)
    assert process.returncode == 130


@pytest.mark.parametrize(("target", "fault"), [HOUR_BEFORE_PAGE, DRIPPING_FILE])
def test_a_stopping_server_pauses_its_job_in_every_wait(flask, sample, target, fault):
    process = begun(flask, sample, target, fault)
    process.kill()
    process.communicate()
    known = len(sample.requests)
    server = flask.start("up", CONNECTOR_PORT="0")
    try:
        wait_until(lambda: any(target in path for _, path in sample.requests[known:]), server)
    finally:
        server.terminate()
        ended(server)

    assert server.returncode == 0
    assert json.loads(flask("jobs", "--json")[1])[0]["state"] == "queued"
    assert_goes_on_there(flask, sample)
