"""Free ports of this machine, for servers that must be given a port before they start."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

LASTING = range(10_000, 32_000)  # from 32,768 on, Linux gives them to whatever connects meanwhile


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    while True:
        port = random.SystemRandom().choice(LASTING)  # other processes of tests choose others
        with socket.socket() as trying, suppress(OSError):
            trying.bind(("127.0.0.1", port))
            return port
