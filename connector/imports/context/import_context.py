"""What the steps of an import need: the connection to the repository, the options, the recorder and the progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app

from ... import dspace
from ...catalogue.repository_context import RepositoryContext, context_of
from ...dspace.records import Item, Scope, ScopeKind
from ...errors import AddressNotAllowedError, RepositoryError
from ...extensions import db, transaction
from ...http import HttpClient, OutageWait
from ...jobs import lifecycle
from ...jobs.attempt import JobAttempt
from ...jobs.request_counter import RequestCounter, count_requests
from ...models.jobs import Job
from ...repositories import discovery, service
from ...repositories.connections import RepositoryConnection
from ...repositories.login_guard import LoginGuard
from ...storage.disk_space import Room
from ..import_options import ImportOptions
from ..recording.preview_recorder import PreviewRecorder
from ..recording.recorder import Recorder
from ..results.missing_questions import Answer, answer_of
from .completeness_proof import CompletenessProof
from .import_progress import ImportProgress

NewRecorder = Callable[[Job, RepositoryContext], Recorder | PreviewRecorder]


@dataclass(frozen=True, slots=True)
class ImportContext:
    """What the steps of one attempt at an import share.

    `known_not_visible`: item counts by collection id that earlier imports explained (design rule 13). `proof`: what the
    last complete import recorded (see `incremental`). `answer`: a person's answer to the question with which an earlier
    attempt ended. `counts_before`: what earlier attempts counted.
    """

    attempt: JobAttempt
    source_id: int
    scope: Scope
    options: ImportOptions
    repository: RepositoryContext
    client: dspace.Client
    http: HttpClient
    outage: OutageWait
    access: LoginGuard
    requests: RequestCounter
    recorder: Recorder | PreviewRecorder
    progress: ImportProgress
    known_not_visible: Mapping[str, int]
    proof: CompletenessProof | None
    answer: Answer | None
    counts_before: Mapping[str, int]
    room: Room

    @property
    def job_id(self) -> int:
        """Return the id of the job."""
        return self.attempt.job_id

    def for_named_items(self) -> ImportContext:
        """Return the context for the items of the repository that the items of the scope name (design rule 22)."""
        return replace(self, scope=Scope(ScopeKind.REPOSITORY), recorder=self.recorder.for_named_items())

    @property
    def page_plan(self) -> dict[str, Any] | None:
        """Return the page plan that an earlier import found cheapest, or None."""
        return self.proof.plan if self.proof else None

    def width(self) -> int:
        """Return the current concurrency: how many requests may run at once."""
        return self.http.width

    def with_known_ids(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Return items with their ids, and store the ids of those that were read over OAI-PMH before.

        Nothing is to be done in a repository without OAI-PMH.
        """
        oai = self.client.oai_beside_rest
        if oai is None or oai.url is None:
            return tuple(items)
        with transaction():
            service.note_oai(self.repository.id, oai)
            return tuple(self.recorder.with_known_ids(items))

    def repository_answers(self, kind: str) -> bool:
        """Return whether the repository answers a control request.

        If so, a failed request of this kind concerns only its object.
        """
        try:
            return self.outage.is_well(kind, self.client.ping)
        except (RepositoryError, AddressNotAllowedError):
            return False


@contextmanager
def open_context(
    attempt: JobAttempt, connect: Callable[..., RepositoryConnection], new_recorder: NewRecorder
) -> Iterator[ImportContext]:
    """Yield the context of an attempt. Afterwards, close its connection and record the requests since the last write.

    `connect`: opens the connection to the repository (see `open_connection`).
    """
    job = lifecycle.get(attempt.job_id)
    connection = connect(job.source.repository, new_outage=attempt.new_outage)
    repository_id = job.repository_id
    with count_requests(attempt, connection, job.traffic) as requests:
        try:
            discovery.save_proposed_name(repository_id, connection)
            scope = _current_scope(job.source.repository.speaks_oai, job.source.scope, connection)
            context = _context(attempt, job, scope, connection, requests, new_recorder)
            db.session.rollback()
            yield context
        finally:
            with transaction():
                service.note_unanswered(repository_id, connection.unanswered)
                service.note_oai(repository_id, connection.client.oai_beside_rest)


def _current_scope(speaks_oai: bool, scope: Scope, connection: RepositoryConnection) -> Scope:
    """Return the scope with its id in the REST API, if imports over OAI-PMH have stored its handle as id until now."""
    db.session.rollback()  # no transaction is open while the repository is asked
    handle = scope.handle
    if speaks_oai or handle is None or scope.id != handle:
        return scope
    return connection.outage.retry_until_available("page", lambda: connection.client.find(scope.kind, handle))


def _context(
    attempt: JobAttempt,
    job: Job,
    scope: Scope,
    connection: RepositoryConnection,
    requests: RequestCounter,
    new_recorder: NewRecorder,
) -> ImportContext:
    source, repository = job.source, job.source.repository
    repository_context = context_of(repository)
    access = LoginGuard(connection, repository.login_name if connection.login else None)
    return ImportContext(
        attempt=attempt,
        source_id=source.id,
        scope=scope,
        options=ImportOptions.of(job),
        repository=repository_context,
        client=connection.client,
        http=connection.http,
        outage=connection.outage,
        access=access,
        requests=requests,
        recorder=new_recorder(job, repository_context),
        progress=ImportProgress.from_json(job.cursor, access.name),
        known_not_visible=dict(source.not_visible),
        proof=CompletenessProof.from_json(source.completeness_proof),
        answer=answer_of(job),
        counts_before=job.counts,
        room=Room(current_app.config["INSTANCE"], current_app.config["MIN_FREE_DISK"], attempt),
    )
