"""The optional questions to DSpace 7 to 10: searches with a query or a configuration, and file access.

At some sites, firewalls refuse addresses with a Solr query (403, or a web page with 200), but answer everything else. A
client can work without these questions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

from ..errors import (
    AddressNotAllowedError,
    BadResponseError,
    NotFoundError,
    RepositoryError,
    RequestRejectedError,
    RestrictedError,
)
from ..http import RequestStats

T = TypeVar("T")

_REFUSALS = (RequestRejectedError, RestrictedError, NotFoundError, BadResponseError)
_TRIES = 2  # a single refusal may be a mistake


class Question(StrEnum):
    """The kinds of optional questions. The values are stored in the database."""

    CHANGES = "changes"
    PART = "part"
    IDS = "ids"
    ACCESS = "access"
    PRIVATE = "private"
    HANDLES = "handles"
    MODIFIED = "modified"
    OAI = "oai"


class UnansweredError(RequestRejectedError):
    """The repository does not answer this optional question, though it answers others."""


class OptionalQuestions:
    """Asks optional questions, each until the repository refuses it twice in a row. Thread-safe.

    `check` sends a request that every repository answers, and raises the error if the repository fails. `unanswered`:
    the questions that the repository is known not to answer. Skipped questions are reported to `traffic` for the
    request log.
    """

    def __init__(self, check: Callable[[], object], traffic: RequestStats, unanswered: Iterable[str] = ()):
        self._check, self._traffic = check, traffic
        self._unanswered = {question for question in Question if question in set(unanswered)}
        self._answered: set[Question] = set()
        self._lock = threading.Lock()

    @property
    def unanswered(self) -> frozenset[str]:
        """Return the questions that the repository has refused and never answered."""
        with self._lock:
            return frozenset(question.value for question in self._unanswered - self._answered)

    def ask(self, question: Question, request: Callable[[], T], plain: Callable[[], object] | None = None) -> T:
        """Return the answer to a question. Raise UnansweredError if only this question is refused.

        `plain` sends the same request without its optional part, to detect that the object itself is refused. The
        default is `check`.
        """
        if question in self._unanswered:
            raise self._without(question)
        for _ in range(_TRIES):
            try:
                answer = request()
            except _REFUSALS as error:
                refusal = error
                self._confirm(refusal, plain or self._check)
            else:
                with self._lock:
                    self._answered.add(question)
                return answer
        with self._lock:
            self._unanswered.add(question)
        raise self._without(question) from refusal

    def require(self, question: Question, request: Callable[[], object]) -> None:
        """Ask a question unless it was answered before. Raise UnansweredError if it is refused."""
        if question not in self._answered:
            self.ask(question, request)

    def _confirm(self, refusal: RepositoryError, check: Callable[[], object]) -> None:
        """Raise the refusal unless the repository answers another request."""
        try:
            check()
        except (RepositoryError, AddressNotAllowedError):
            raise refusal from None

    def _without(self, question: Question) -> UnansweredError:
        self._traffic.record_unsupported(question)
        return UnansweredError("The repository does not support this query.")
