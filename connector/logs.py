"""The log: one line for each event on stderr, plain or as JSON, with the ids of its request and job."""

from __future__ import annotations

import json
import logging
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import click
from flask import Flask, Response, current_app, g, request

from .error_translation import QUEUE, of_queue

log = logging.getLogger(__name__)
THROTTLE = "seldom"  # key of the LogThrottle in `app.extensions`
_request: ContextVar[str | None] = ContextVar("request", default=None)
_job: ContextVar[int | None] = ContextVar("job", default=None)


class LoggedFlask(Flask):
    """A Flask app that logs the route of a failed page instead of its address, which may be a secret invitation."""

    def log_exception(self, exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]) -> None:
        """Log the traceback. The page shows only the id of the request."""
        log.error("%s failed", _what(), exc_info=exc_info)


def init_app(app: Flask) -> None:
    """Give each request an id, and log requests that change data or fail. Call this before other extensions."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget_request)
    app.extensions[THROTTLE] = LogThrottle()


def _forget_request(error: BaseException | None) -> None:
    _request.set(None)


def configure(style: str) -> None:
    """Log warnings, errors and uncaught exceptions of the process to stderr, in the style of CONNECTOR_LOG_FORMAT.

    The system that stores stderr rotates the log (journald, a container's logs, logrotate).
    """
    handler = logging.StreamHandler()
    handler.setFormatter(STYLES[style]())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    sys.excepthook = lambda *error: log.critical("The process ends", exc_info=error)
    threading.excepthook = _thread_ends


def print_status(sentence: str, level: int = logging.INFO) -> None:
    """Print a sentence for the user who started the process to stderr, as plain text or as JSON like the log.

    The sentence is never a log record. It may contain a one-time link, and log handlers may send records elsewhere.
    """
    as_json = any(isinstance(handler.formatter, Json) for handler in logging.root.handlers)
    record = logging.LogRecord(__package__, level, "", 0, sentence, None, None)
    click.echo(Json().format(record) if as_json else sentence, err=True)


def log_throttled(
    logger: logging.Logger, sentence: str, fault: Exception | None = None, level: int = logging.ERROR
) -> None:
    """Log a sentence, unless this app logged the same one within a minute. `fault`: a bug, for its traceback."""
    if current_app.extensions[THROTTLE].is_due(sentence):
        logger.log(level, "%s", sentence, exc_info=fault)


@contextmanager
def about_job(job_id: int) -> Iterator[None]:
    """Add the id of this job to all log records of the block."""
    token = _job.set(job_id)
    try:
        yield
    finally:
        _job.reset(token)


class Plain(logging.Formatter):
    """`2026-11-24T11:30:00.123Z WARNING connector.x: what happened [request 1a2b3c4d] [job 5]`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line. Non-printable characters are escaped, so that no input can imitate a log line."""
        fields = _fields(self, record)
        subjects = "".join(f" [{name} {fields[name]}]" for name in ("request", "job") if name in fields)
        trace = f" {fields['trace']}" if "trace" in fields else ""
        return escape(f"{fields['time']} {fields['level']} {fields['logger']}: {fields['message']}{subjects}{trace}")


class Json(logging.Formatter):
    """A JSON object with time, level, logger and message, and with request, job and trace if there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of ASCII."""
        return json.dumps(_fields(self, record))


class LogThrottle:
    """A limit for repeated sentences of all threads: each one once in `pause` seconds."""

    def __init__(self, pause: float = 60.0):
        self._pause, self._logged_at, self._lock = pause, dict[str, float](), threading.Lock()

    def is_due(self, sentence: str) -> bool:
        """Return whether the sentence was not logged within the pause. If so, start a new pause."""
        with self._lock:
            now = time.monotonic()
            self._logged_at = {text: when for text, when in self._logged_at.items() if now - when < self._pause}
            if sentence in self._logged_at:
                return False
            self._logged_at[sentence] = now
            return True


class QueueErrorFilter(logging.Filter):
    """A filter for huey's loggers, which log a traceback for each failed read of an unavailable queue.

    It allows one sentence a minute instead. Errors in tasks are logged by another logger.
    """

    def __init__(self, pause: float = 60.0):
        """Set the seconds between two sentences."""
        super().__init__()
        self._throttle = LogThrottle(pause)

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the record's traceback by a sentence. Return False if the pause is not over."""
        if not record.exc_info or not isinstance(record.exc_info[1], QUEUE):
            return True
        record.msg, record.args, record.exc_info = str(of_queue(record.exc_info[1])), (), None
        return self._throttle.is_due("")  # the same key for all sentences


STYLES: dict[str, type[logging.Formatter]] = {"plain": Plain, "json": Json}


def escape(text: str) -> str:
    """Return the text with newlines, control characters, direction marks and the like as backslash escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _fields(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, Any]:
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = {
        "time": moment,
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
        "request": _request.get(),
        "job": _job.get(),
        "trace": formatter.formatException(record.exc_info) if record.exc_info else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _begin() -> None:
    """Give the request a new id. An id in the request itself could come from anyone."""
    g.request_id, g.began = secrets.token_hex(4), time.monotonic()
    _request.set(g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    if request.url_rule is not None and (request.method not in ("GET", "HEAD") or response.status_code >= 400):
        who, seconds = getattr(g.get("person"), "name", "nobody"), time.monotonic() - g.began
        where = request.remote_addr
        log.info("%s by %s at %s: %s in %.3f s", _what(), who, where, response.status_code, seconds)
    return response


def _what() -> str:
    return f"{request.method} {request.url_rule or 'no page'}"


def _thread_ends(error: threading.ExceptHookArgs) -> None:
    if error.exc_type is not SystemExit:
        name = error.thread.name if error.thread else "unknown"
        log.critical("Thread %s ends", name, exc_info=error.exc_value or error.exc_type())
