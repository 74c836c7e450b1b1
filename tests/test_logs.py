"""The log has one line for each event, with its request or job. Text from outside cannot add lines."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from connector import logs
from connector.accounts.authorization import allows
from connector.jobs import lifecycle
from connector.jobs.attempt import work
from connector.logs import STYLES
from tests.imports.fake_repository_importer import FakeRepositoryImporter
from tests.imports.fakes import FakeDSpace
from tests.pages import FRAGMENT, words

ROOT = Path(__file__).parents[1]
HOSTILE = "a title\n2026-01-01T00:00:00Z CRITICAL connector: all is lost\r\x1b[2J\x00\u2028\u202eevil\x85"


class Kept:
    """What was logged, in one of the styles."""

    def __init__(self, style: str):
        self._stream = io.StringIO()
        self._handler = logging.StreamHandler(self._stream)
        self._handler.setFormatter(STYLES[style]())
        self._logger = logging.getLogger("connector")

    def __enter__(self) -> Kept:
        self._level = self._logger.level
        self._logger.addHandler(self._handler)
        self._logger.setLevel(logging.INFO)
        return self

    def __exit__(self, *exc: object) -> None:
        self._logger.removeHandler(self._handler)
        self._logger.setLevel(self._level)

    @property
    def lines(self) -> list[str]:
        return self._stream.getvalue().splitlines()

    @property
    def events(self) -> list[dict]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def plain_log():
    with Kept("plain") as kept:
        yield kept


@pytest.fixture
def json_log():
    with Kept("json") as kept:
        yield kept


def fails(secret: str) -> str:
    raise RuntimeError(HOSTILE)


@pytest.fixture
def failing(app, client):
    """A client of an app with a page that fails, as they look to others than us."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/fails/<secret>", "fails", allows(None)(fails), methods=["GET", "POST"])
    return client


def test_a_plain_log_line_names_time_level_logger_and_event(plain_log):
    logging.getLogger("connector.test").warning("%s happened", "something")

    [line] = plain_log.lines
    moment, rest = line.split(" ", 1)
    assert rest == "WARNING connector.test: something happened"
    assert (len(moment), moment[10], moment[-1]) == (24, "T", "Z")


def test_typed_text_cannot_add_log_lines(plain_log, json_log):
    logging.getLogger("connector.test").warning("asked for %s", HOSTILE)

    [line], [event] = plain_log.lines, json_log.events
    assert line.isprintable()
    assert "a title\\n2026-01-01" in line
    assert "\\x1b[2J" in line
    assert event["message"] == f"asked for {HOSTILE}"


def test_a_traceback_is_part_of_its_log_event(plain_log, json_log):
    try:
        fails("")
    except RuntimeError:
        logging.getLogger("connector.test").exception("It failed")

    [line], [event] = plain_log.lines, json_log.events
    assert "It failed Traceback (most recent call last):\\n" in line
    assert line.isprintable()
    assert (event["message"], event["level"]) == ("It failed", "ERROR")
    assert event["trace"].startswith("Traceback (most recent call last):\n")


def test_a_failed_page_shows_the_request_number_of_the_logged_traceback(failing, json_log):
    answer = failing.get("/fails/token-of-an-invitation")

    [crash, ended] = json_log.events
    assert answer.status_code == 500
    assert f"give the number {crash['request']}." in words(answer)
    assert ended["request"] == crash["request"] == answer.headers["X-Request-ID"]
    assert "RuntimeError" in crash["trace"]
    for trace in ("Traceback", "RuntimeError", "a title"):
        assert trace not in answer.text


def test_a_failed_fragment_shows_the_request_number(failing, json_log):
    answer = failing.get("/fails/it", headers=FRAGMENT)

    assert f"the number {json_log.events[0]['request']}." in words(answer)


def test_an_address_that_may_hold_a_secret_is_not_logged(failing, plain_log):
    failing.get("/fails/token-of-an-invitation")
    failing.post("/fails/token-of-an-invitation?key=token-too")

    assert len(plain_log.lines) == 4
    assert "token" not in "".join(plain_log.lines)
    assert "GET /fails/<secret> failed" in plain_log.lines[0]


def test_a_request_number_sent_by_a_client_is_ignored(client):
    numbers = {client.get("/healthz", headers={"X-Request-ID": "mine"}).headers["X-Request-ID"] for _ in range(3)}

    assert len(numbers) == 3
    assert "mine" not in numbers


def test_an_expected_error_shows_no_request_number(client):
    assert "give the number" not in words(client.get("/no/such/page"))


def test_changes_and_refusals_are_logged_with_user_and_address_and_reading_is_not(client, json_log):
    client.get("/healthz")
    client.post("/healthz")
    client.get("/items/")
    client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    client.post("/jobs/9/stop", environ_base={"REMOTE_ADDR": "192.0.2.8"})

    assert [event["message"].split(" in ")[0] for event in json_log.events] == [
        "GET /metrics by nobody at 192.0.2.7: 403",
        "POST /jobs/<int:job_id>/stop by Tess Admin at 192.0.2.8: 404",
    ]


def test_log_events_after_a_request_do_not_name_it(client, json_log):
    client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    logging.getLogger("connector.test").warning("later")

    assert "request" in json_log.events[0]
    assert "request" not in json_log.events[1]


def test_log_events_of_a_job_name_it(app, json_log):
    importer = FakeRepositoryImporter(app, FakeDSpace())
    job_id = importer.create()

    def runner(run):
        raise RuntimeError("out of the blue")

    with app.app_context(), logs.about_job(job_id):
        work(job_id, runner)
        state = lifecycle.get(job_id).state
    logging.getLogger("connector.test").warning("later")

    begins, fault, ends, later = json_log.events
    assert [event.get("job") for event in (begins, fault, ends, later)] == [job_id, job_id, job_id, None]
    assert (state, ends["message"].split(".")[0]) == ("failed", "The job is failed")
    assert "out of the blue" in fault["trace"]


def test_repeated_warnings_are_logged_again_after_a_while():
    at_once, later = logs.LogThrottle(pause=0), logs.LogThrottle()

    assert [at_once.is_due("a"), at_once.is_due("a")] == [True, True]
    assert [later.is_due("a"), later.is_due("b"), later.is_due("a")] == [True, True, False]


PROCESS = """
import sys, threading, warnings
from connector import logs
logs.configure(sys.argv[1])
warnings.warn("something old")
thread = threading.Thread(target=lambda: 1 / 0, name="the other")
thread.start()
thread.join()
leaving = threading.Thread(target=sys.exit)
leaving.start()
leaving.join()
raise RuntimeError("two\\nlines")
"""


@pytest.mark.parametrize("style", ["plain", "json"])
def test_an_uncaught_exception_is_one_log_event(style):
    process = subprocess.run([sys.executable, "-c", PROCESS, style], cwd=ROOT, capture_output=True, text=True)

    warning, thread, end = process.stderr.splitlines()
    assert "something old" in warning
    assert "Thread the other ends" in thread
    assert "ZeroDivisionError" in thread
    assert "The process ends" in end
    assert "two\\nlines" in end
    assert process.returncode == 1
