"""`python -m tests.http.measured_parser ROW SIZE LIMIT`: parses a long list and prints the memory that this took."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from connector.errors import TooLargeError
from connector.http.response_reader import parse_json


class Answer:
    """An answer that comes in pieces, so that the process holds no more of it than it keeps."""

    status_code, url, headers = 200, "https://example.org/", {}

    def __init__(self, row: bytes, size: int):
        self.row, self.size = row, size

    def iter_content(self, most: int) -> Iterator[bytes]:
        """Return the list in pieces of at most this many bytes."""
        piece = self.row * (most // len(self.row))
        yield b"[" + self.row[:-1]
        for _ in range(self.size // len(piece)):
            yield b"," + piece[:-1]
        yield b"]"


def memory(name: str) -> int:
    """Return a figure of this process in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))


def main(row: str, size: str, limit: str) -> None:
    """Print the bytes of memory and the outcome. `row`: a member of the list and a comma, in hexadecimal."""
    before = memory("VmRSS")
    try:
        parse_json(Answer(bytes.fromhex(row), int(size)), int(limit))
    except TooLargeError:
        outcome = "too large"
    else:
        outcome = "parsed"
    print(memory("VmHWM") - before, outcome)


if __name__ == "__main__":
    main(*sys.argv[1:])
