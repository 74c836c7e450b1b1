"""Parsers of the settings: each returns a value for the text of an environment variable, or raises ValueError.

The error message completes the sentence "CONNECTOR_… cannot be used:".
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

LEAST_KEY = 32  # characters of a secret key
LONGEST_SOCKET = 107  # bytes in the path of a socket (man 7 unix)
SMTP_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_MAILBOX = re.compile(r"[^\s@<>,\"]+@[^\s@<>,\"]+", re.ASCII)
_LABEL = r"[0-9A-Za-z_-]{1,63}"
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)*(?![0-9]+\.?$){_LABEL}\.?")  # a last label of digits makes it an IPv4 address


def integer(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of a whole number from `least` to `most`."""

    def parse(text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() else -1
        if not least <= number <= most:
            raise ValueError(f"“{text}” is not a whole number from {least} to {most}.")
        return number

    return parse


def size(text: str) -> int:
    """Return a size in bytes. Units are decimal (1 KB = 1000 bytes). 0 is allowed."""
    found = re.fullmatch(r"([0-9]{1,18})\s*([KMGT]?)B?", text.upper(), re.ASCII)
    if not found:
        raise ValueError(f"“{text}” is no size such as 500 MB or 2 GB.")
    return int(found[1]) * int(1000 ** " KMGT".index(found[2] or " "))


def networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Return networks and addresses that are separated by commas."""
    return tuple(_network(part.strip()) for part in text.split(",") if part.strip())


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"“{text}” is not a network such as 10.1.0.0/16, or an address such as 192.168.7.5.") from None
    if ipaddress.ip_address(text.partition("/")[0]) != network.network_address:
        raise ValueError(f"“{text}” is an address within a network: the network itself is {network}.")
    return network


def header(text: str) -> str:
    """Return the name of a header."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", text):
        raise ValueError(f"“{text}” is not the name of a header: letters, digits and hyphens are.")
    return text


def host(text: str) -> str:
    """Return an IP address or host name to listen on. Raise ValueError if it is neither."""
    if not (_HOST_NAME.fullmatch(text) or _is_address(text)):
        raise ValueError(f"“{text}” is not an address such as 127.0.0.1, 0.0.0.0 or ::1.")
    return text


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def is_here(host: str) -> bool:
    """Return whether a host is `localhost` or a loopback address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def zone(text: str) -> ZoneInfo:
    """Return the time zone with this name."""
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"“{text}” is not the name of a time zone such as Europe/Berlin.") from None


def system_zone(name: str) -> ZoneInfo:
    """Return the time zone from TZ (`name`), else from /etc/localtime, else UTC."""
    for known in (name.removeprefix(":"), str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]):
        with suppress(ValueError):
            return zone(known)
    return ZoneInfo("UTC")


def smtp(text: str) -> tuple[str, str, int]:
    """Return (URL scheme, host, port). The error message leaves out the value, which may contain a password."""
    parts = _parts(text)
    if parts.scheme not in SMTP_PORTS or not parts.hostname or parts.username or parts.path.strip("/"):
        raise ValueError("it has the form smtp+starttls://host:port, smtps://host:port or smtp://host:port.")
    return parts.scheme, parts.hostname, parts.port or SMTP_PORTS[parts.scheme]


def clamd(text: str) -> str | tuple[str, int]:
    """Return the address of clamd: the path of its socket, or (host, port)."""
    parts = _parts(text)
    length = len(os.fsencode(parts.path))
    if parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/") and length <= LONGEST_SOCKET:
        return parts.path
    if parts.scheme == "tcp" and parts.hostname and not parts.username and not parts.path:
        return parts.hostname, parts.port or 3310
    raise ValueError("it has the form unix:///run/clamav/clamd.ctl or tcp://127.0.0.1:3310.")


def mailboxes(text: str) -> tuple[str, ...]:
    """Return e-mail addresses that are separated by commas."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found or not all(_MAILBOX.fullmatch(one) for one in found):
        raise ValueError("it takes plain e-mail addresses such as library@example.edu, with commas between them.")
    return found


def ascii_text(text: str) -> str:
    """Return ASCII text. The error message leaves out the value, which may be a password."""
    if not text.isascii():
        raise ValueError("plain ASCII characters are all that a mail server takes.")
    return text


def one_of(*words: str) -> Callable[[str], str]:
    """Return a parser that accepts these words only."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"“{text}” is none of: {', '.join(words)}.")
        return text

    return parse


def web_address(text: str) -> str:
    """Return a full web address. The error message leaves out the value, since the address of a webhook is secret."""
    parts = _parts(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("it must be a full address that begins with http:// or https://.")
    return text


def own_address(text: str) -> str:
    """Return a web address to which the paths of pages can be appended."""
    if "?" in text or "#" in text:
        raise ValueError("it must end with the host or a path, such as https://www.example.org/connector: no ? or #.")
    return web_address(text)


def one_line(text: str) -> str:
    """Return text for a header line: printable ASCII."""
    if not text.isprintable() or not text.isascii():
        raise ValueError("it goes into a header line: plain ASCII text, such as an e-mail address, is needed.")
    return text


def certificates(text: str) -> str:
    """Return the path of a certificate file for TLS verification. Load it now, so that errors show at the start."""
    if not Path(text).is_file():
        raise ValueError(f"there is no file “{text}”.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(text)
    except ssl.SSLError:
        raise ValueError(f"the file “{text}” holds no certificates in PEM form (BEGIN CERTIFICATE).") from None
    except OSError as error:
        raise ValueError(f"the file “{text}” cannot be read: {error.strerror}.") from None
    return text


def proxy(text: str) -> str:
    """Return the address of an HTTP proxy. The error message leaves out the value, which may contain a password."""
    parts = _parts(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it must begin with http:// or https:// and name a host: http://proxy.example.org:3128.")
    return text


def key(text: str) -> str:
    """Return a secret key. The error message leaves out the value, which is a secret."""
    if len(text) < LEAST_KEY:
        raise ValueError(f"a secret key has at least {LEAST_KEY} characters that nobody can guess.")
    return text


def queue(text: str) -> str:
    """Return the URL of the queue. The error message leaves out the value, which may contain a password."""
    if text.startswith("sqlite:///") and text.removeprefix("sqlite:///") not in ("", ":memory:"):
        return text
    if _parts(text).scheme not in ("redis", "rediss") or not _parts(text).hostname:
        raise ValueError("it has the form redis://host:port/0, rediss://host:port/0 or sqlite:///path.")
    return text


def database(text: str) -> str:
    """Return the URL of the database. `postgresql://` uses psycopg 3, the default driver of SQLAlchemy 2.1.

    The error message leaves out the value, which may contain a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in ("sqlite", "postgresql", "postgresql+psycopg") or not url.database:
        raise ValueError("it has the form postgresql://user:password@host:port/name or sqlite:///path.")
    if url.drivername == "sqlite" and (":memory:" in url.database or url.query or url.database.startswith("file:")):
        raise ValueError("sqlite:///path names a file by its path alone; one in memory is lost with the process.")
    return text


def sqlite(path: Path) -> str:
    """Return the URL of a database file. Escape its path, since SQLAlchemy reads options after a `?`."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def _parts(text: str) -> SplitResult:
    """Return the parts of a URL, all of them empty if the URL or its port is invalid."""
    try:
        parts = urlsplit(text)
        return urlsplit("") if parts.port == 0 else parts
    except ValueError:
        return urlsplit("")
