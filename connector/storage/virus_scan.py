"""Shows files to the virus scanner that CONNECTOR_CLAMD names before they are kept (ASVS 5.0, 5.4.3).

clamd gets the bytes through its socket (INSTREAM, man 8 clamd), so it may run as anybody, or elsewhere. No library: the
one for Python that is kept up sends a KiB at a time, and its licence would bind all of this.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

from flask import current_app

from ..errors import JobStoppedError, MalwareFoundError, ScannerUnavailableError
from ..models.jobs import WaitReason
from .content_store import Part
from .waiting_job import WaitingJob

Address = str | tuple[str, int]  # of a socket in the file system, or host and port

CONNECT = 10.0  # seconds
SILENCE = 120.0  # seconds in which it takes no more bytes
VERDICT = 600.0  # seconds; as it is shipped, clamd ends a scan after two minutes
LOOK = 1.0  # seconds
LONGEST = 4096  # bytes of an answer
MOST_BREAKS = 3  # showings of a file that the scanner breaks off before it is the file that is to blame
TOO_LONG = "INSTREAM size limit exceeded. ERROR"


def check() -> None:
    """Raises ScannerUnavailableError unless the virus scanner answers, where one is set."""
    address = current_app.config["CLAMD"]
    if address is not None:
        ping(address)


class Scanner:
    """Lets a file pass, or not; a job waits while the scanner does not answer. `address`: None lets all files pass."""

    def __init__(self, address: Address | None, job: WaitingJob):
        self._address, self._job = address, job
        self._alone = threading.Lock()  # held by a file that the scanner may have broken off for

    def approve(self, part: Part) -> None:
        """Return when the scanner has looked through a finished part and found nothing.

        Raises MalwareFoundError where it found something or cannot look through it, JobStoppedError as soon as a stop
        is asked for.
        """
        if self._address is None:
            return
        answer = self._verdict(self._address, part)
        if answer.endswith(" FOUND"):
            raise MalwareFoundError(f"It found {answer.removeprefix('stream: ').removesuffix(' FOUND')}.")
        if answer == TOO_LONG:
            raise MalwareFoundError("The file is larger than it takes (StreamMaxLength of clamd).")
        if answer != "stream: OK":
            raise MalwareFoundError(f"It could not look through the file: {answer}.")

    def _verdict(self, address: Address, part: Part) -> str:
        """What clamd says of the part, however long it is away. Raises MalwareFoundError where each showing ends it."""
        breaks = 0
        try:
            while breaks < MOST_BREAKS:
                try:
                    return self._asked_alone(address, part) if breaks else self._asked(address, part)
                except OSError:
                    breaks += 1
                except ScannerUnavailableError as error:
                    self._job.waiting(WaitReason.VIRUS_SCANNER, str(error))
                    if self._job.stop.wait(LOOK):
                        raise JobStoppedError("Stopped.") from None
        finally:
            self._job.waiting(WaitReason.VIRUS_SCANNER, "")
        raise MalwareFoundError(f"It ended, or hung up, while it looked through the file, {MOST_BREAKS} times.")

    def _asked_alone(self, address: Address, part: Part) -> str:
        """The same, once it is there again, and without the others that it may have broken off for."""
        with self._alone:
            ping(address)
            return self._asked(address, part)

    def _asked(self, address: Address, part: Part) -> str:
        """What it says of the part. Raises ScannerUnavailableError where it is away, OSError where it broke off
        meanwhile."""
        with _connected(address) as clamd:
            clamd.settimeout(SILENCE)
            try:
                answer = self._shown(clamd, part)
            except TimeoutError as error:
                with contextlib.suppress(ScannerUnavailableError):
                    ping(address)  # it is there, and it is this file that it cannot bear
                    return f"it broke off ({error})"
                raise
        if not answer.endswith((" OK", " FOUND", " ERROR")):
            ping(address)
        return answer

    def _shown(self, clamd: socket.socket, part: Part) -> str:
        try:
            clamd.sendall(b"zINSTREAM\0")
            for piece in part.pieces():
                self._job.check()
                clamd.sendall(struct.pack("!L", len(piece)) + piece)
            clamd.sendall(struct.pack("!L", 0))
        except ConnectionError:  # it has seen enough, and may have said why
            with contextlib.suppress(OSError):
                return _answer(clamd, self._job)
            raise
        return _answer(clamd, self._job)


def ping(address: Address) -> None:
    """Raises ScannerUnavailableError unless a clamd answers there."""
    with _connected(address) as clamd:
        try:
            clamd.sendall(b"zPING\0")
            answer = clamd.recv(LONGEST)
        except OSError as error:
            raise _away(address, error) from error
    if answer != b"PONG\0":
        raise ScannerUnavailableError(f"What answers at {_named(address)} is no clamd.")


def _connected(address: Address) -> socket.socket:
    """A connection that waits CONNECT seconds for each step. Raises ScannerUnavailableError."""
    try:
        if not isinstance(address, str):
            return socket.create_connection(address, CONNECT)
        clamd = socket.socket(socket.AF_UNIX)
        try:
            clamd.settimeout(CONNECT)
            clamd.connect(address)
        except OSError:
            clamd.close()
            raise
    except OSError as error:
        raise _away(address, error) from error
    return clamd


def _away(address: Address, error: OSError) -> ScannerUnavailableError:
    return ScannerUnavailableError(f"It does not answer at {_named(address)}: {error.strerror or error}.")


def _answer(clamd: socket.socket, job: WaitingJob) -> str:
    """Its one line. Raises OSError where it breaks off or takes longer than VERDICT, JobStoppedError."""
    clamd.settimeout(LOOK)
    line, until = b"", time.monotonic() + VERDICT
    while not line.endswith(b"\0") and len(line) < LONGEST:
        job.check()
        if time.monotonic() > until:
            raise TimeoutError("no answer for too long")
        with contextlib.suppress(TimeoutError):
            if not (piece := clamd.recv(LONGEST)):
                raise ConnectionError("no answer")
            line += piece
    return line.removesuffix(b"\0").decode(errors="replace")


def _named(address: Address) -> str:
    return address if isinstance(address, str) else f"{address[0]}, port {address[1]}"
