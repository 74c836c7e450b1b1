"""Clients that send a form very slowly block no other client, through Apache and directly at the port."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.waiting import until

from .front import Front, served
from .servers import Certificate, certificate_in, in_front, served_by

APACHE = served_by("apache")
THROUGH_APACHE = 120  # waitress as it comes holds 100
STRAIGHT = 600  # with what each has sent in a file, too, the limit of 1024 open files is passed
FEW_FILES = {"RLIMIT_NOFILE": 1024}  # as the system gives a process that does not ask for more
DRIP = b"a" * 1200
FIRST = b"a" * 20_000  # Apache asks the app once it has 16 kB
LARGER_THAN_IN_MEMORY = b"a" * 70_000
FORM = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
LATER = "Content-Length: {length}\r\n\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Certificate:
    return certificate_in(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def instance(template, tmp_path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "instance"))


@pytest.fixture
def open_until_the_end() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def begin(url: str, certificate: Certificate, body: bytes, length: int = 900_000) -> socket.socket:
    """A connection by which a form of this length begins to come."""
    where = urlsplit(url)
    connection = socket.create_connection((where.hostname, where.port), timeout=60)
    if where.scheme == "https":
        trusted = ssl.create_default_context(cafile=str(certificate.chain))
        connection = trusted.wrap_socket(connection, server_hostname="localhost")
    head = FORM.format(path=f"{where.path}/sign-in") + LATER.format(length=length)
    connection.sendall(head.encode() + body)
    return connection


def connections_to(port: int) -> int:
    """How many the app has at this port."""
    ends = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum((own.endswith(f":{port:04X}"), state) == (True, "01") for own, _, state in ends)


@pytest.mark.parametrize("example", APACHE)
def test_a_page_is_served_through_apache_while_many_send_slowly(
    example, instance, certificate, tmp_path, open_until_the_end
):
    with served(instance) as port, in_front(example, tmp_path, port, certificate, at_leisure) as url:
        slow = [open_until_the_end.enter_context(begin(url, certificate, FIRST)) for _ in range(THROUGH_APACHE)]
        until(lambda: connections_to(port) >= THROUGH_APACHE)
        for connection in slow:
            connection.sendall(DRIP)

        status = Front(example, url, certificate, {"name": "none", "value": ""}).get("/sign-in").status
        still_sending = connections_to(port)
        open_until_the_end.close()

    assert status == 200
    assert still_sending >= THROUGH_APACHE


def test_a_page_is_served_while_hundreds_of_requests_are_incomplete(instance, certificate, open_until_the_end):
    with served(instance, FEW_FILES, PROXY_HOPS="0") as port:
        url = f"http://127.0.0.1:{port}"
        for _ in range(STRAIGHT):
            open_until_the_end.enter_context(begin(url, certificate, LARGER_THAN_IN_MEMORY))

        status = urllib.request.urlopen(f"{url}/sign-in", timeout=60).status
        still_sending = connections_to(port)
        open_until_the_end.close()

    assert status == 200
    assert still_sending >= STRAIGHT


def in_a_hurry(site: str) -> str:
    """The example with less time before the rate of what is sent matters."""
    return with_time(site, 2)


def at_leisure(site: str) -> str:
    """The example with more time, because all must send at the same moment, on a busy machine, too."""
    return with_time(site, 200)


def with_time(site: str, seconds: int) -> str:
    assert site.count(" body=20,") == 1
    return site.replace(" body=20,", f" body={seconds},")


@pytest.mark.parametrize("example", APACHE)
def test_apache_drops_very_slow_senders_and_accepts_a_slow_form(example, instance, certificate, tmp_path):
    with (
        served(instance) as port,
        in_front(example, tmp_path, port, certificate, in_a_hurry) as url,
        begin(url, certificate, b"", length=400_000) as slow,
        begin(url, certificate, b"") as dripping,
    ):
        for _ in range(5):  # seconds
            send_for_a_second({slow: 80_000, dripping: len(DRIP)})

        answers = first_line(slow), first_line(dripping)

    assert answers[0] == "HTTP/1.1 400 BAD REQUEST"  # the app's: it has no token
    assert answers[1] in ("", "HTTP/1.1 408 Request Timeout")


def send_for_a_second(rates: dict[socket.socket, int]) -> None:
    """This many bytes by each connection, where the other end still takes them."""
    for connection, rate in rates.items():
        with suppress(OSError):
            connection.sendall(b"a" * rate)
    threading.Event().wait(1)


def first_line(connection: socket.socket) -> str:
    """Of the answer; empty where the other end hung up without one."""
    connection.settimeout(60)
    with suppress(ConnectionError, ssl.SSLError):
        return connection.recv(65536).decode().partition("\r\n")[0]
    return ""
