"""The memory that the largest responses take, measured in a process of its own."""

from __future__ import annotations

import pytest

from config import DEFAULT_RESPONSE_BYTES
from tests import processes


@pytest.mark.parametrize(
    ("row", "share", "becomes"),
    [
        (b'"' + b"v" * 10_000 + b'",', 0.95, "parsed"),
        (b'"' + b"v" * 10_000 + b'",', 1.9, "too large"),
        ('"' + "v" * 10_000 + '\U0001f600",', 0.3, "parsed"),
        ('"' + "v" * 10_000 + '\U0001f600",', 0.6, "too large"),
        ('"' + "v" * 10_000 + 'ж",', 0.9, "too large"),
        (b'{"value": "a short value", "place": 12345678},', 0.1, "parsed"),
        (b'{"value": "a short value", "place": 12345678},', 0.95, "too large"),
        (b"[],", 0.9, "too large"),
    ],
    ids=[
        "text",
        "text above the limit",
        "wide text",
        "too wide text",
        "twice as wide text",
        "objects",
        "too many objects",
        "lists",
    ],
)
def test_an_answer_takes_at_most_two_and_a_half_times_the_limit(row, share, becomes):
    row = row.encode() if isinstance(row, str) else row
    size = str(int(share * DEFAULT_RESPONSE_BYTES))
    measured = processes.start("tests.http.measured_parser", row.hex(), size, str(DEFAULT_RESPONSE_BYTES))

    out, err = measured.communicate()

    assert measured.returncode == 0, err
    used, _, became = out.strip().partition(" ")
    assert became == becomes
    assert int(used) < 2.6 * DEFAULT_RESPONSE_BYTES
