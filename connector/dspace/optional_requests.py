"""The questions to a DSpace 7 to 10 that a client can do without: searches with a query or a configuration, and the
access to files.

Firewalls refuse addresses with a Solr query at some sites (403, or a web page with 200), and answer all else.
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
_TRIES = 2  # of a question: a single refusal may be a mistake


class Question(StrEnum):
    """What is asked for with an optional question; the values stand in the database."""

    CHANGES = "changes"
    PART = "part"
    IDS = "ids"
    ACCESS = "access"
    PRIVATE = "private"


class UnansweredError(RequestRejectedError):
    """The repository does not answer this optional question, though it answers others."""


class OptionalQuestions:
    """Asks optional questions, each until the repository refuses it twice in a row. Safe between threads.

    `check` asks a question that every repository answers, and raises what is wrong with the repository. `unanswered`:
    the questions that it is known not to answer. What is done without goes to `traffic`, for the request log.
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
        """Return the answer to a question. Raises UnansweredError where only this question is refused.

        `plain` asks the same without what is optional, of an object that may be refused as such; else `check` is asked.
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
        """Ask a question unless it was answered before. Raises UnansweredError where it is refused."""
        if question not in self._answered:
            self.ask(question, request)

    def _confirm(self, refusal: RepositoryError, check: Callable[[], object]) -> None:
        """Raise the refusal unless the repository answers another request."""
        try:
            check()
        except (RepositoryError, AddressNotAllowedError):
            raise refusal from None

    def _without(self, question: Question) -> UnansweredError:
        self._traffic.did_without(question)
        return UnansweredError("The repository does not answer this question.")
