"""Tables of jobs with their options, state and counts."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Text, false, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from ..actor import current_actor
from ..extensions import JSON_VALUE, LARGE_INTEGER, Base, utcnow
from .catalogue import FileStatus
from .job_kinds import KINDS, JobKind
from .job_options import JobOptions
from .repositories import Repository, Source


class Kind(StrEnum):
    """The kind of a job. `tasks.RUNNERS` names the function for each kind."""

    IMPORT = "import"
    UNDO = "undo"
    PREVIEW = "preview"


class State(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    COMPLETED = "completed"
    FAILED = "failed"


class WaitReason(StrEnum):
    """The reason why a job waits. The maximum outage limits only the waits for a repository or its files."""

    REPOSITORY = "repository"
    FILE = "file"
    DESTINATION = "destination"
    OTHER_JOB = "other job"
    DISK_SPACE = "disk space"
    VIRUS_SCANNER = "virus scanner"
    HOURS = "hours"


ACTIVE = (State.QUEUED, State.RUNNING, State.STOPPING)
IN_PROGRESS = (State.RUNNING, State.STOPPING)


class JobCounter(Base):
    """How many of one thing a job has counted so far. `jobs.counters` writes these rows."""

    __tablename__ = "job_counter"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(LARGE_INTEGER)


class json_object_agg(GenericFunction[dict[str, int]]):
    """The SQL function that collects names and values in a JSON object."""

    type = JSON()
    inherit_cache = True


@compiles(json_object_agg, "sqlite")
def _in_sqlite(function: json_object_agg, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_object{compiler.process(function.clause_expr, **options)}"


class Job(Base):
    """One run of a source, one undo, or one export. Counts and states change only by single UPDATEs (see `jobs`).

    `kind`: the name of one of `job_kinds.KINDS`. `source_id`, `source`: only jobs of a whole repository and exports of
    the catalogue have none. `repository_id`: only those exports have none. The code of the other kinds relies on that.
    `resource`: what no other job may use at the same time, such as "repository:3". `heartbeat_at`: the last sign of its
    worker. `wait_reason`, `wait_detail`, `wait_since`: the current wait, if any, with its start in UTC. `scheduled`:
    started by the schedule of the source. `resume_at`: when the job resumes automatically, in UTC. `notified_at`,
    `notification_attempted_at`: when its notification was sent, and when a worker last tried (see `notifications`).
    `pruned_at`: since when earlier states of its items, or rows of a preview, are deleted. `crash_fingerprint`: a hash
    of the place at which `crash_count` attempts ended early, one after another. `other_bundles`: number of files in
    bundles that were not selected, by name of the bundle. `technical_details`: lines about the error with which the job
    failed, such as the address and the status.
    """

    __tablename__ = "job"
    __table_args__ = (
        # Only one job uses a resource, even if several workers claim jobs at once (design rule 10).
        Index(
            "uq_job_resource",
            "resource",
            unique=True,
            sqlite_where=text("state IN ('running', 'stopping')"),
            postgresql_where=text("state IN ('running', 'stopping')"),
        ),
        Index("ix_job_source_kind", "source_id", "kind", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(
        ForeignKey("repository.id", ondelete="CASCADE"), index=True, nullable=True
    )
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"), index=True, nullable=True)
    kind: Mapped[str]
    resource: Mapped[str | None]
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), index=True)
    reruns_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    options: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE, default=dict)
    comment: Mapped[str] = mapped_column(Text, default="")
    owner: Mapped[str] = mapped_column(default=current_actor)
    state: Mapped[str] = mapped_column(default=State.QUEUED.value, index=True)
    clean: Mapped[bool | None]
    message: Mapped[str] = mapped_column(Text, default="")
    technical_details: Mapped[list[str] | None] = mapped_column(JSON_VALUE)
    status_text: Mapped[str] = mapped_column(Text, default="")
    wait_reason: Mapped[str | None]
    wait_detail: Mapped[str] = mapped_column(Text, default="", server_default="")
    wait_since: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    started_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    worker: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(default=0)
    cursor: Mapped[dict[str, Any] | None] = mapped_column(JSON_VALUE)
    worked_seconds: Mapped[float] = mapped_column(default=0.0)
    crash_fingerprint: Mapped[str | None]
    crash_count: Mapped[int] = mapped_column(default=0, server_default="0")
    question: Mapped[dict[str, Any] | None] = mapped_column(JSON_VALUE)
    traffic: Mapped[dict[str, Any] | None] = mapped_column(JSON_VALUE)
    scheduled: Mapped[bool] = mapped_column(default=False, server_default=false())
    resume_at: Mapped[datetime | None] = mapped_column(index=True)
    notified_at: Mapped[datetime | None]
    notification_attempted_at: Mapped[datetime | None]
    pruned_at: Mapped[datetime | None]
    expected: Mapped[int | None] = mapped_column(LARGE_INTEGER)
    other_bundles: Mapped[dict[str, Any] | None] = mapped_column(JSON_VALUE)
    _counts: Mapped[dict[str, int] | None] = column_property(
        select(json_object_agg(JobCounter.name, JobCounter.value))
        .where(JobCounter.job_id == id)
        .correlate_except(JobCounter)
        .scalar_subquery()
    )
    source: Mapped[Source] = relationship()
    repository: Mapped[Repository | None] = relationship()
    undoes: Mapped[Job | None] = relationship(foreign_keys=[undoes_id], remote_side=[id], back_populates="undone_by")
    undone_by: Mapped[list[Job]] = relationship(foreign_keys=[undoes_id], back_populates="undoes")

    @property
    def counts(self) -> Counter[str]:
        """Return what the job has counted, by name. The kind of the job declares the names."""
        return Counter(self._counts or {})

    @property
    def is_active(self) -> bool:
        """Return whether the job is queued, running or stopping."""
        return self.state in ACTIVE

    @property
    def definition(self) -> JobKind:
        """Return what the package that carries out this kind of job says about it."""
        return KINDS[self.kind]

    @property
    def parsed_options(self) -> JobOptions:
        """Return the options as the dataclass that the kind of the job declares."""
        return self.definition.options.of(self)

    @property
    def variant_option(self) -> str | None:
        """Return the option that makes this job a variant of its kind, or None."""
        return self.definition.variant_option(self.parsed_options)

    @property
    def done(self) -> int:
        """Return how many items the job has finished."""
        return sum(self.counts[name] for name in self.definition.done)

    @property
    def stored_files(self) -> int:
        """Return how many files the job has stored."""
        return sum(self.counts[name] for name in self.definition.stored)

    @property
    def is_import(self) -> bool:
        """Return whether the job imports, instead of undoing or only reading."""
        return self.kind == Kind.IMPORT

    @property
    def changes_items(self) -> bool:
        """Return whether the job adds or changes items of the catalogue, and records each of these changes."""
        return self.definition.undo_kind == Kind.UNDO

    @property
    def is_undo(self) -> bool:
        """Return whether the job undoes another job."""
        return self.undoes_id is not None

    @property
    def is_preview(self) -> bool:
        """Return whether the job only reads, and keeps rows to show."""
        return self.definition.is_preview

    @property
    def can_publish(self) -> bool:
        """Return whether an editor can publish what the job read."""
        return self.definition.can_publish and not self.is_active

    @property
    def login(self) -> str | bool | None:
        """Return the login name with which the job read its source, or None if it was signed out.

        Return False if the attempts used different logins, or only some of them a login.
        """
        return (self.cursor or {}).get("login")

    @property
    def names_restricted(self) -> bool:
        """Return whether the report may name restricted items: the job was signed in, a preview, or exports them."""
        return self.is_preview or self.login is not None or self.parsed_options.names_restricted

    @property
    def is_undone(self) -> bool:
        """Return whether an undo of this import was completed."""
        return any(undo.state == State.COMPLETED for undo in self.undone_by)

    @property
    def undo_began(self) -> bool:
        """Return whether an undo was started, finished or not. The import can then no longer resume."""
        return bool(self.undone_by)

    @property
    def is_waiting_for_resource(self) -> bool:
        """Return whether the job runs, but can only wait (see `wait_reason`)."""
        return self.state == State.RUNNING and self.wait_reason is not None

    @property
    def is_waiting(self) -> bool:
        """Return whether the job is stopped until its hours begin (see `permitted_hours`), and then resumes."""
        return self.state == State.STOPPED and self.resume_at is not None

    @property
    def can_stop(self) -> bool:
        """Return whether a user can stop the job."""
        return self.state in (State.QUEUED, State.RUNNING) or self.is_waiting

    @property
    def asks(self) -> bool:
        """Return whether the job ended with a question that has no answer and was not closed by a later job."""
        is_open = self.answer is None and not self.is_question_closed
        return self.state == State.STOPPED and bool(self.question) and is_open

    @property
    def answer(self) -> str | None:
        """Return the answer to the question with which the job ended, or None."""
        return (self.question or {}).get("answer")

    @property
    def is_question_closed(self) -> bool:
        """Return whether a later job of the source closed the question with which this job ended."""
        return "settled_by" in (self.question or {})

    @property
    def can_resume(self) -> bool:
        """Return whether the job can go on at its cursor."""
        forgotten = self.is_preview and self.pruned_at
        is_over = self.undo_began or self.asks or self.is_question_closed or forgotten
        return self.state in (State.STOPPED, State.FAILED) and not is_over

    @property
    def can_undo(self) -> bool:
        """Return whether a user can undo what the job did (design rule 3)."""
        has_only_asked = self.asks and self.cursor is None
        return bool(self.definition.undo_kind) and not (self.is_active or self.undo_began or has_only_asked)

    @property
    def can_rerun(self) -> bool:
        """Return whether a user can run this import again."""
        return self.is_import and not self.is_active

    @property
    def seconds(self) -> float:
        """Return the running time in seconds, without the time in the queue or stopped."""
        if self.state in IN_PROGRESS and self.claimed_at:
            return self.worked_seconds + (utcnow() - self.claimed_at).total_seconds()
        return self.worked_seconds

    @property
    def files(self) -> dict[str, int]:
        """Return the number of files of each status."""
        counts = self.counts
        return {status.value: counts[f"files_{status.value}"] for status in FileStatus}


def wait_columns(reason: WaitReason | None, detail: str = "", since: datetime | None = None) -> dict[str, Any]:
    """Return the values of the columns that describe a wait. With None, they clear the wait."""
    return {"wait_reason": reason and reason.value, "wait_detail": detail, "wait_since": since}


COUNTER = JobCounter.__table__
JOB = Job.__table__
IS_UNANSWERED = JOB.c.question["answer"].as_string().is_(None)
IS_UNSETTLED = JOB.c.question["settled_by"].as_string().is_(None)
IS_ASKING = (JOB.c.state == State.STOPPED) & JOB.c.question.is_not(None) & IS_UNANSWERED & IS_UNSETTLED
