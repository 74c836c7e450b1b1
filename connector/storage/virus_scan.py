"""Sends files to the virus scanner in CONNECTOR_CLAMD_URL before they are stored (ASVS 5.0, 5.4.3).

clamd gets the bytes through its socket (INSTREAM, man 8 clamd), so it may run as another user or on another machine.
There is no suitable library: the maintained one for Python sends one KiB at a time, and its licence would apply to this
whole program.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

from flask import current_app

from ..errors import JobStoppedError, MalwareFoundError, ScannerUnavailableError
from ..i18n import gettext as _
from ..models.jobs import WaitReason
from .content_store import Part
from .waiting_job import WaitingJob

Address = str | tuple[str, int]  # path of a Unix socket, or host and port

CONNECT = 10.0  # seconds
SILENCE = 120.0  # seconds without progress while bytes are sent
VERDICT = 600.0  # seconds; by default, clamd ends a scan after two minutes
CHECK_SECONDS = 1.0
MAX_RESPONSE_BYTES = 4096
MOST_BREAKS = 3  # broken connections, after which the file counts as the cause
TOO_LONG = "INSTREAM size limit exceeded. ERROR"


def check() -> None:
    """Raise ScannerUnavailableError if a virus scanner is set and does not answer."""
    address = current_app.config["CLAMD_URL"]
    if address is not None:
        ping(address)


class Scanner:
    """A client of the virus scanner. A job waits while it does not answer. With `address` None, all files pass."""

    def __init__(self, address: Address | None, job: WaitingJob):
        self._address, self._job = address, job
        self._alone = threading.Lock()  # held for a file that may have broken the connection

    def approve(self, part: Part) -> None:
        """Return when the scanner has scanned a finished part and found nothing.

        Raise MalwareFoundError if the scanner found malware or cannot scan the part, JobStoppedError as soon as a stop
        is requested.
        """
        if self._address is None:
            return
        answer = self._verdict(self._address, part)
        if answer.endswith(" FOUND"):
            raise MalwareFoundError(
                _("It found %(malware)s.", malware=answer.removeprefix("stream: ").removesuffix(" FOUND"))
            )
        if answer == TOO_LONG:
            raise MalwareFoundError(_("The file is larger than its limit (StreamMaxLength of clamd)."))
        if answer != "stream: OK":
            raise MalwareFoundError(_("It could not scan the file: %(answer)s.", answer=answer))

    def _verdict(self, address: Address, part: Part) -> str:
        """Return the response of clamd for the part, and wait while clamd is unavailable.

        Raise MalwareFoundError if each of several attempts ends with a broken connection.
        """
        breaks = 0
        try:
            while breaks < MOST_BREAKS:
                try:
                    return self._scan_alone(address, part) if breaks else self._scan(address, part)
                except OSError:
                    breaks += 1
                except ScannerUnavailableError as error:
                    self._job.waiting(WaitReason.VIRUS_SCANNER, str(error))
                    if self._job.stop.wait(CHECK_SECONDS):
                        raise JobStoppedError(_("Stopped.")) from None
        finally:
            self._job.waiting(WaitReason.VIRUS_SCANNER, "")
        raise MalwareFoundError(
            _("It closed the connection %(breaks)s times while it scanned the file.", breaks=MOST_BREAKS)
        )

    def _scan_alone(self, address: Address, part: Part) -> str:
        """Scan the part again, with no other retry at the same time, because another part may have been the cause."""
        with self._alone:
            ping(address)
            return self._scan(address, part)

    def _scan(self, address: Address, part: Part) -> str:
        """Return the response of clamd for the part.

        Raise ScannerUnavailableError if clamd does not answer, OSError if it broke the connection during the scan.
        """
        with _connected(address) as clamd:
            clamd.settimeout(SILENCE)
            try:
                answer = self._exchange(clamd, part)
            except TimeoutError as error:
                with contextlib.suppress(ScannerUnavailableError):
                    ping(address)  # clamd answers, so this file is the cause
                    return f"it broke off ({error})"
                raise
        if not answer.endswith((" OK", " FOUND", " ERROR")):
            ping(address)
        return answer

    def _exchange(self, clamd: socket.socket, part: Part) -> str:
        try:
            clamd.sendall(b"zINSTREAM\0")
            for piece in part.pieces():
                self._job.check()
                clamd.sendall(struct.pack("!L", len(piece)) + piece)
            clamd.sendall(struct.pack("!L", 0))
        except ConnectionError:  # clamd has closed the connection early, and may have sent the reason
            with contextlib.suppress(OSError):
                return _answer(clamd, self._job)
            raise
        return _answer(clamd, self._job)


def ping(address: Address) -> None:
    """Raise ScannerUnavailableError unless a clamd answers at the address."""
    with _connected(address) as clamd:
        try:
            clamd.sendall(b"zPING\0")
            answer = clamd.recv(MAX_RESPONSE_BYTES)
        except OSError as error:
            raise _away(address, error) from error
    if answer != b"PONG\0":
        raise ScannerUnavailableError(_("The program at %(address)s is not clamd.", address=_named(address)))


def _connected(address: Address) -> socket.socket:
    """Return a socket with a timeout of CONNECT seconds for each step. Raise ScannerUnavailableError."""
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
    return ScannerUnavailableError(
        _("It does not answer at %(address)s: %(strerror)s.", address=_named(address), strerror=error.strerror or error)
    )


def _answer(clamd: socket.socket, job: WaitingJob) -> str:
    """Return the one line of the response. Raise JobStoppedError if the job must stop.

    Raise OSError if the connection breaks or the response takes longer than VERDICT.
    """
    clamd.settimeout(CHECK_SECONDS)
    line, until = b"", time.monotonic() + VERDICT
    while not line.endswith(b"\0") and len(line) < MAX_RESPONSE_BYTES:
        job.check()
        if time.monotonic() > until:
            raise TimeoutError("no answer for too long")
        with contextlib.suppress(TimeoutError):
            if not (piece := clamd.recv(MAX_RESPONSE_BYTES)):
                raise ConnectionError("no answer")
            line += piece
    return line.removesuffix(b"\0").decode(errors="replace")


def _named(address: Address) -> str:
    return address if isinstance(address, str) else _("%(host)s, port %(port)s", host=address[0], port=address[1])
