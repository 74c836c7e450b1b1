"""JSON answers with one wrong part, as a hypothesis strategy."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.sample import SampleRepository
from tests.sample.answers import Answer, Request

MOST_REQUESTS = 600

# What a server may put where something else belongs: other types, extremes, and texts made to harm.
ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1,
        2**31,
        2**63,
        10**30,
        1.5,
        1e308,
        "",
        " ",
        "null",
        "\x00",
        "\ud800",
        "<script>alert(1)</script>",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://[",
        "http://169.254.169.254/latest/meta-data",
        "../../../../etc/passwd",
        "2024-99-99T99:99:99Z",
        "123456789/1",
        "a" * 5000,
        [],
        [None],
        [[]],
        {},
        {"": None},
        {"_embedded": None},
    ]
)
HOW = st.sampled_from(["replace", "remove", "double", "wrap", "rename"])


@dataclass(frozen=True)
class Mutation:
    """From the `first` answer with JSON on, `number` of them are changed at the place that `steps` lead to."""

    first: int
    number: int
    steps: tuple[int, ...]
    how: str
    odd: Any


mutations = st.builds(
    Mutation,
    first=st.integers(0, 12),
    number=st.sampled_from([1, 1, 2, 1000]),
    steps=st.lists(st.integers(0, 30), max_size=9).map(tuple),
    how=HOW,
    odd=ODD,
)


def mutated(value: Any, mutation: Mutation) -> Any:
    """A copy with one place changed; the whole of it where there are no steps."""
    if not mutation.steps or not isinstance(value, dict | list) or not value:
        return copy.deepcopy(mutation.odd)
    step, *rest = mutation.steps
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = keys[step % len(keys)]
    changed = copy.copy(value)
    if rest and isinstance(value[key], dict | list) and value[key]:
        changed[key] = mutated(value[key], replace(mutation, steps=tuple(rest)))
    else:
        _CHANGES[mutation.how](changed, key, mutation.odd)
    return changed


def _replace(value: Any, key: Any, odd: Any) -> None:
    value[key] = odd


def _remove(value: Any, key: Any, odd: Any) -> None:
    del value[key]


def _double(value: Any, key: Any, odd: Any) -> None:
    value[key] = [value[key], value[key]]


def _wrap(value: Any, key: Any, odd: Any) -> None:
    value[key] = {"value": value[key], "odd": odd}


def _rename(value: Any, key: Any, odd: Any) -> None:
    if isinstance(value, dict):
        value[str(odd)] = value.pop(key)
    else:
        value.insert(key, odd)


_CHANGES: dict[str, Callable[[Any, Any, Any], None]] = {
    "replace": _replace,
    "remove": _remove,
    "double": _double,
    "wrap": _wrap,
    "rename": _rename,
}


class TooManyMutationsError(AssertionError):
    """A client that goes on asking for ever."""


class Mutant(SampleRepository):
    """The sample repository whose answers go wrong as `mutation` says."""

    mutation: Mutation | None = None

    def begin(self, mutation: Mutation | None) -> None:
        self.mutation, self._answered = mutation, 0
        self.reset()

    def answer(self, request: Request) -> Answer:
        answer = super().answer(request)
        mutation = self.mutation
        if mutation is None or answer.status != 200 or answer.body[:1] not in (b"{", b"["):
            return answer
        if len(self.requests) > MOST_REQUESTS:
            return Answer(status=410)  # whoever is still asking now is told apart by the number of requests
        number, self._answered = self._answered, self._answered + 1
        if not mutation.first <= number < mutation.first + mutation.number:
            return answer
        body = json.dumps(mutated(json.loads(answer.body), mutation)).encode()
        headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
        return Answer(200, body, headers, answer.chunked)
