"""One attempt at a job: its claim, heartbeat, stop flag and fenced counts. The runners do the work."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from datetime import datetime, tzinfo
from functools import partial
from types import MappingProxyType
from typing import Any

from flask import current_app
from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from config import DEFAULT_MAX_OUTAGE_SECONDS

from .. import error_translation
from ..errors import AttemptSupersededError, ConnectorError, DecisionRequiredError, JobStoppedError
from ..extensions import db, execute_counted, utcnow
from ..http import OutageWait
from ..i18n import gettext as _, lazy_gettext as _l
from ..logs import log_throttled
from ..models.job_kinds import JobKind
from ..models.jobs import IN_PROGRESS, JOB, State, WaitReason, wait_columns
from ..models.repositories import SOURCE
from . import completion, counters, lifecycle, permitted_hours
from .steady_wait import SteadyWait

log = logging.getLogger(__name__)
NOTHING: Mapping[str, int] = MappingProxyType({})
HEARTBEAT_SECONDS = 5.0
CHECK_SECONDS = 0.5
WAIT_REASONS = {"file": WaitReason.FILE, "destination": WaitReason.DESTINATION}  # by kind of request
INTERNAL_ERROR = _l("Something went wrong in this app. The server log has the details. The job can be resumed.")
_running: set[JobAttempt] = set()
_shutting_down = threading.Event()


class JobAttempt:
    """A running attempt at a job.

    `stop` is set when a person stops the job or another attempt takes it over. It is also set when the permitted hours
    end (see `permitted_hours`), or when the process shuts down. `resume_at`: when the hours begin again (UTC), or None.
    `new_requests` and `new_progress` return by how much counters have grown since their last call. The heartbeat adds
    this to the counters of the job.
    """

    new_requests: Callable[[], Mapping[str, int]] = staticmethod(dict)
    new_progress: Callable[[], Mapping[str, int]] = staticmethod(dict)

    def __init__(self, job_id: int, attempt: int, kind: JobKind, engine: Engine, zone: tzinfo):
        self.job_id, self.attempt, self._kind, self._engine, self._zone = job_id, attempt, kind, engine, zone
        self.stop = threading.Event()
        self.status_text = _("Starting")
        self._unwritten: Counter[str] = Counter()
        self._waits: dict[int, tuple[WaitReason, str, datetime]] = {}  # by thread id
        self._outages: list[OutageWait] = []
        self.paused = False
        self.resume_at: datetime | None = None
        self._ended = threading.Event()
        beat = partial(copy_context().run, self._beat)  # keeps the app and job context for log records
        self._timer = threading.Thread(target=beat, daemon=True, name=f"job-{job_id}-heartbeat")

    def __enter__(self) -> JobAttempt:
        with self._engine.connect() as connection:
            self._stop_if_due(connection)
        _running.add(self)
        if _shutting_down.is_set():
            self.pause()
        self._timer.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._timer.join()
        _running.discard(self)

    def pause(self) -> None:
        """End this attempt at its cursor. The job is then queued again."""
        self.paused = True
        self.stop.set()

    def say(self, sentence: str) -> None:
        """Set the sentence that the job's page shows as the current activity."""
        self.status_text = sentence

    def waiting(self, reason: WaitReason, detail: str) -> None:
        """Note the reason for which the current thread waits. An empty `detail` ends the wait."""
        thread = threading.get_ident()
        if detail:
            since = self._waits[thread][2] if thread in self._waits else utcnow()
            self._waits[thread] = (reason, detail, since)
        else:
            self._waits.pop(thread, None)

    @property
    def wait(self) -> tuple[WaitReason, str, datetime] | None:
        """Return the longest wait of all threads as (reason, detail, start in UTC), or None."""
        found = [*self._waits.values()]
        for wait in filter(None, (outage.wait_now for outage in list(self._outages))):
            reason = WAIT_REASONS.get(wait.kind, WaitReason.REPOSITORY)
            found.append((reason, wait.detail, wait.since))
        return min(found, key=lambda one: one[2], default=None)

    def new_outage(self, **clock: Any) -> OutageWait:
        """Return a new OutageWait with the configured maximum outage and the stop event of this attempt.

        This attempt shows its waits.
        """
        seconds = current_app.config["MAX_OUTAGE_SECONDS"]
        seconds = DEFAULT_MAX_OUTAGE_SECONDS if seconds is None else seconds
        outage = OutageWait(seconds, self.stop, zone=self._zone, **clock)
        self._outages.append(outage)
        return outage

    def check(self) -> None:
        """Raise JobStoppedError if the attempt must stop."""
        if self.stop.is_set():
            raise JobStoppedError(_("Stopped."))

    def advance(
        self, counts: Mapping[str, int] = NOTHING, *, totals: Mapping[str, int] = NOTHING, **values: Any
    ) -> None:
        """Add `counts` to the counters of the job, and set counters to `totals` and columns to `values`.

        Runs inside the caller's transaction. Raises AttemptSupersededError if another attempt has taken over the job.
        Raises ValueError if the kind of the job does not declare a counter.
        """
        if unknown := (counts.keys() | totals.keys()).difference(self._kind.counters):
            raise ValueError(f"The kind “{self._kind.name}” declares no counter “{min(unknown)}”.")
        statement = update(JOB).where(
            JOB.c.id == self.job_id, JOB.c.attempt == self.attempt, JOB.c.state.in_(IN_PROGRESS)
        )
        if not execute_counted(statement.values(**values, heartbeat_at=utcnow())):
            raise AttemptSupersededError(_("Another worker has taken this job over."))
        counters.add(db.session.connection(), self.job_id, counts)
        counters.replace(db.session.connection(), self.job_id, totals)

    def _beat(self) -> None:
        """Write the heartbeat every 5 seconds and check the state of the job every 0.5 seconds, until the attempt ends.

        A separate thread does this, because a large file or a long wait may take longer than 5 seconds. If a heartbeat
        cannot be written, the next one adds its counts.
        """
        mine = (JOB.c.id == self.job_id, JOB.c.attempt == self.attempt)
        checks, written, steady = 0, None, SteadyWait()
        while not self._ended.wait(CHECK_SECONDS):
            checks += 1
            wait = steady.wait_to_show(self.wait)
            now = (self.status_text, wait and wait[:2])
            is_beat = checks % int(HEARTBEAT_SECONDS / CHECK_SECONDS) == 0 or written != now
            try:
                with self._engine.begin() as connection:
                    if is_beat:
                        written = now
                        for new in (self.new_requests(), self.new_progress()):
                            self._unwritten.update(new)
                        values = {"heartbeat_at": utcnow(), "status_text": now[0], **wait_columns(*(wait or (None,)))}
                        if connection.execute(update(JOB).where(*mine).values(values)).rowcount:
                            counters.add(connection, self.job_id, self._unwritten)
                    self._stop_if_due(connection)
                if is_beat:
                    self._unwritten.clear()
            except SQLAlchemyError as error:
                known = error_translation.translate(error)
                sentence = f"The heartbeat of job {self.job_id} could not be written. {known or ''}".rstrip()
                log_throttled(log, sentence, None if known else error)

    def _stop_if_due(self, connection: Connection) -> None:
        """Set `stop` if the job is no longer running this attempt, or if its permitted hours have ended."""
        query = select(JOB.c.state, JOB.c.kind, JOB.c.scheduled, JOB.c.options, SOURCE.c.schedule).outerjoin(SOURCE)
        row = connection.execute(query.where(JOB.c.id == self.job_id, JOB.c.attempt == self.attempt)).one_or_none()
        if row is None or row.state != State.RUNNING:
            self.stop.set()
        elif opens := permitted_hours.opening(row, self._zone, utcnow()):
            self.resume_at = opens
            self.stop.set()


def pause_all() -> None:
    """Return all running jobs of this process to the queue at their cursors, because the process is about to end."""
    _shutting_down.set()
    for run in list(_running):
        run.pause()


def stop_here(job_id: int) -> None:
    """Stop a job at once if it runs in this process. A signal handler may call this, because it uses no database."""
    for run in list(_running):
        if run.job_id == job_id:
            run.stop.set()


def work(job_id: int, runner: Callable[[JobAttempt], tuple[bool, str]]) -> bool:
    """Claim a job and run it. Return whether it could be claimed. The job row always records how the attempt ended.

    `runner` returns (clean, message).
    """
    kind = lifecycle.get(job_id).definition
    attempt = lifecycle.claim(job_id)
    if attempt is None:
        lifecycle.note_other_job(job_id)
        return False
    log.info("The job begins, attempt %s", attempt)
    zone = current_app.config["TIMEZONE"]
    state, message, clean, resume_at = State.FAILED, str(INTERNAL_ERROR), None, None
    details: Sequence[str] = ()
    is_lost = False
    try:
        with JobAttempt(job_id, attempt, kind, db.engine, zone) as run:
            try:
                run.check()
                clean, message = runner(run)
                state = State.COMPLETED
            except DecisionRequiredError as question:
                state, message = State.STOPPED, str(question)
            except JobStoppedError:
                state, message = (State.QUEUED, "") if run.paused else (State.STOPPED, _("Stopped."))
                if state is State.STOPPED and run.resume_at:
                    message, resume_at = permitted_hours.waiting(run.resume_at, zone), run.resume_at
    except ConnectorError as error:
        message, details = error.in_short, error.technical_details
    except OperationalError:  # locked, restarted or full: temporary, so treat it like a crash
        log.exception("The database failed under job %s", job_id)
        is_lost = True
    except Exception:
        log.exception("Job %s failed", job_id)
    finally:
        db.session.rollback()
        if is_lost:
            completion.requeue_after_database_error(job_id, attempt)
        else:
            completion.finish(job_id, attempt, state, message, clean, resume_at, details)
            log.info("The job is %s. %s", state, message)
        db.session.remove()
    return True
