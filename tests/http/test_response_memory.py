"""The memory that the largest responses take, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from config import DEFAULT_RESPONSE_BYTES

PROGRAM = '''
import sys
from connector.errors import TooLargeError
from connector.http.response_reader import parsed

class Answer:
    """An answer that comes in pieces, so that the process holds no more of it than it keeps."""

    status_code, url, headers = 200, "https://example.org/", {}

    def __init__(self, row, size):
        self.row, self.size = row, size

    def iter_content(self, most):
        piece = self.row * (most // len(self.row))
        yield b"[" + self.row[:-1]
        for _ in range(self.size // len(piece)):
            yield b"," + piece[:-1]
        yield b"]"

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))

row, size, limit = eval(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
before = memory("VmRSS")
try:
    parsed(Answer(row, size), limit)
except TooLargeError as error:
    print(memory("VmHWM") - before, "too large")
else:
    print(memory("VmHWM") - before, "parsed")
'''


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
    command = [sys.executable, "-c", PROGRAM, repr(row), size, str(DEFAULT_RESPONSE_BYTES)]

    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    used, _, became = printed.strip().partition(" ")
    assert became == becomes
    assert int(used) < 2.6 * DEFAULT_RESPONSE_BYTES
