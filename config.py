"""Reads and validates all settings from the environment. Only this file reads the environment."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import ssl
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent
LEAST_KEY = 32  # characters of a secret key
DEFAULT_MAX_OUTAGE_SECONDS = 86_400
COMMAND_LINE_MAX_OUTAGE_SECONDS = 900
DEFAULT_CONCURRENT_REQUESTS = 4  # requests to one repository at once
DEFAULT_RESPONSE_BYTES = 32 * 2**20
DEFAULT_FILE_BYTES = 50 * 2**30
DEFAULT_MIN_FREE_DISK = 10**9  # bytes
LONGEST_SOCKET = 107  # bytes in the path of a socket (man 7 unix)
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
SMTP_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_MAILBOX = re.compile(r"[^\s@<>,\"]+@[^\s@<>,\"]+", re.ASCII)
_LABEL = r"[0-9A-Za-z_-]{1,63}"
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)*(?![0-9]+\.?$){_LABEL}\.?")  # a last label of digits makes it an IPv4 address
# New name → old name of a setting. Old names work for one release, with a warning.
OLD_NAMES = {
    "ALLOWED_NETWORKS": "ALLOW_NETWORKS",
    "CLAMD_URL": "CLAMD",
    "LOG_FORMAT": "LOG",
    "MAX_CONCURRENT_REQUESTS": "PACE",
    "MAX_FILE_BYTES": "FILE_LIMIT",
    "MAX_MISSING_PERCENT": "MISSING_PERCENT",
    "MAX_OUTAGE_SECONDS": "PATIENCE",
    "MAX_RESPONSE_BYTES": "JSON_LIMIT",
    "MIN_FREE_DISK": "MIN_FREE",
    "NOTIFY": "NOTICE",
    "NOTIFY_FROM": "NOTICE_FROM",
    "NOTIFY_TO": "NOTICE_TO",
    "NOTIFY_WEBHOOK": "NOTICE_WEBHOOK",
    "RECHECK_RUNS": "FILE_CHECK_RUNS",
    "TWO_STEP_SIGN_IN": "SECOND_FACTOR",
    "UNDO_HISTORY_DAYS": "KEEP_DAYS",
    "UNDO_HISTORY_RUNS": "KEEP_RUNS",
}
T = TypeVar("T")
D = TypeVar("D")


class SettingError(Exception):
    """An invalid setting. The message names it."""


def load(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return Flask's configuration from the CONNECTOR_ variables. Write nothing. Raise SettingError if one is invalid.

    RECHECK_RUNS: the number of runs in which the files of each item are read again once, regardless of time stamps.
    0 means never. UNDO_HISTORY_RUNS: the number of last runs of a source for which the earlier state of items is kept,
    so that undo can restore it. 0 means all runs. UNDO_HISTORY_DAYS: the state is also kept for all runs of this number
    of last days.
    """
    read = _Reader(environ)
    instance = Path(os.path.realpath(environ.get("CONNECTOR_INSTANCE") or ROOT / "instance"))
    return {
        "INSTANCE": instance,
        "SQLALCHEMY_DATABASE_URI": read("DATABASE_URL", _database, _sqlite(instance / "connector.db")),
        "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True},  # otherwise errors would log them
        "QUEUE_URL": read("QUEUE_URL", _queue, f"sqlite:///{instance / 'queue.db'}"),
        "SECRET_KEY": read("SECRET_KEY", _key, None),
        "HOST": read("HOST", _host, "127.0.0.1"),
        "PORT": read("PORT", _whole(0, 65_535), 5000),
        "PROXY_HOPS": read("PROXY_HOPS", _whole(0, 9), 0),
        "METRICS_NETWORKS": read("METRICS_NETWORKS", _networks, LOOPBACK),
        "LOG_FORMAT": log_style(environ),
        "CONTACT": read("CONTACT", _one_line, ""),
        "ALLOWED_NETWORKS": read("ALLOWED_NETWORKS", _networks, ()),
        "MAX_OUTAGE_SECONDS": read("MAX_OUTAGE_SECONDS", _whole(0, 10**9), None),
        "MAX_CONCURRENT_REQUESTS": read("MAX_CONCURRENT_REQUESTS", _whole(1, 16), DEFAULT_CONCURRENT_REQUESTS),
        "MAX_FILE_BYTES": read("MAX_FILE_BYTES", _whole(1, 2**62), DEFAULT_FILE_BYTES),
        "MAX_RESPONSE_BYTES": read("MAX_RESPONSE_BYTES", _whole(2**20, 2**30), DEFAULT_RESPONSE_BYTES),
        "CLAMD_URL": read("CLAMD_URL", _clamd, None),
        "MIN_FREE_DISK": read("MIN_FREE_DISK", _size, DEFAULT_MIN_FREE_DISK),
        "MAX_MISSING_PERCENT": read("MAX_MISSING_PERCENT", _whole(0, 100), 20),
        "MISSING_LEAST": read("MISSING_LEAST", _whole(1, 10**6), 3),
        "RECHECK_RUNS": read("RECHECK_RUNS", _whole(0, 365), 7),
        "UNDO_HISTORY_RUNS": read("UNDO_HISTORY_RUNS", _whole(0, 10**6), 30),
        "UNDO_HISTORY_DAYS": read("UNDO_HISTORY_DAYS", _whole(0, 10**5), 0),
        "CA_BUNDLE": read("CA_BUNDLE", _certificates, None),
        "PROXY": read("PROXY", _proxy, None),
        "TIMEZONE": read("TIMEZONE", _zone, None) or _system_zone(environ.get("TZ", "")),
        "URL": read("URL", _own_address, None),
        **_notifications(read),
        **_accounts(read),
        "WTF_CSRF_TIME_LIMIT": None,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "COSTLY_A_MINUTE": 120,  # per user (see rate_limits.py)
        "CHANGES_AT_ONCE": 5,  # of all users; with LISTS_AT_ONCE less than WEB_THREADS in server.py
        "LISTS_AT_ONCE": 3,
        "MAX_CONTENT_LENGTH": 1_000_000,
        "MAX_FORM_MEMORY_SIZE": 1_000_000,
    }


def old_names_in_use(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that are set under an old name, with their new names."""
    names = {f"CONNECTOR_{old}": f"CONNECTOR_{new}" for new, old in OLD_NAMES.items()}
    return {old: new for old, new in names.items() if environ.get(old, "").strip()}


def log_style(environ: Mapping[str, str] = os.environ) -> str:
    """Return the log style, even if other settings are invalid. Raise SettingError if this setting is invalid."""
    read = _Reader(environ)
    return read("LOG_FORMAT", _one_of("plain", "json"), "plain")


def secret_key(instance: Path) -> str:
    """Return the secret key of this instance. Create it on first use, in a file with mode 600.

    Safe if two processes start at the same time. Raise SettingError if the file is damaged.
    """
    path = instance / "secret_key"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=instance) as file:  # created with mode 600
            file.write(secrets.token_hex(32))
            file.flush()
            with suppress(FileExistsError):  # a link appears complete, so no process reads half a key
                os.link(file.name, path)
    with suppress(UnicodeDecodeError, IsADirectoryError, FileNotFoundError):
        key = path.read_text().strip()
        if len(key) >= LEAST_KEY:
            return key
    raise SettingError(f"The secret key in {path} is damaged: remove it, and everybody signs in again.")


def _notifications(read: _Reader) -> dict[str, Any]:
    """Return the settings for notifications. `SMTP`: None, or (URL scheme, host, port).

    Raise SettingError if a setting is invalid or incomplete.
    """
    settings: dict[str, Any] = {
        "SMTP": read("SMTP", _smtp, None),
        "SMTP_USER": read("SMTP_USER", _ascii, None),
        "SMTP_PASSWORD": read("SMTP_PASSWORD", _ascii, None),
        "NOTIFY_FROM": read("NOTIFY_FROM", _mailboxes, (None,))[0],
        "NOTIFY_TO": read("NOTIFY_TO", _mailboxes, ()),
        "NOTIFY": read("NOTIFY", _one_of("problems", "always", "never"), "problems"),
        "NOTIFY_WEBHOOK": read("NOTIFY_WEBHOOK", _web_address, None),
    }
    if any(settings[name] for name in ("SMTP", "SMTP_USER", "NOTIFY_FROM", "NOTIFY_TO")):
        for name in ("SMTP", "NOTIFY_FROM", "NOTIFY_TO"):
            if not settings[name]:
                raise SettingError(f"CONNECTOR_{name} is missing: notifications by e-mail need it.")
    if bool(settings["SMTP_USER"]) != bool(settings["SMTP_PASSWORD"]):
        raise SettingError("CONNECTOR_SMTP_USER and CONNECTOR_SMTP_PASSWORD are given together or not at all.")
    if settings["SMTP_USER"] and settings["SMTP"][0] == "smtp" and not is_here(settings["SMTP"][1]):
        raise SettingError("CONNECTOR_SMTP must begin with smtps:// or smtp+starttls://: a password is sent with it.")
    return settings


class _Reader:
    def __init__(self, environ: Mapping[str, str]):
        self._environ = environ

    def __call__(self, name: str, parse: Callable[[str], T], default: D) -> T | D:
        for variable in (f"CONNECTOR_{name}", f"CONNECTOR_{OLD_NAMES.get(name, name)}"):
            text = self._environ.get(variable, "").strip()
            if text:
                try:
                    return parse(text)
                except ValueError as error:
                    raise SettingError(f"{variable} cannot be used: {error}") from error
        return default


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() else -1
        if not least <= number <= most:
            raise ValueError(f"“{text}” is not a whole number from {least} to {most}.")
        return number

    return parse


def _size(text: str) -> int:
    """Return a size in bytes. Units are decimal (1 KB = 1000 bytes). 0 is allowed."""
    found = re.fullmatch(r"([0-9]{1,18})\s*([KMGT]?)B?", text.upper(), re.ASCII)
    if not found:
        raise ValueError(f"“{text}” is no size such as 500 MB or 2 GB.")
    return int(found[1]) * int(1000 ** " KMGT".index(found[2] or " "))


def _networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(_network(part.strip()) for part in text.split(",") if part.strip())


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"“{text}” is not a network such as 10.1.0.0/16, or an address such as 192.168.7.5.") from None
    if ipaddress.ip_address(text.partition("/")[0]) != network.network_address:
        raise ValueError(f"“{text}” is an address within a network: the network itself is {network}.")
    return network


def _accounts(read: _Reader) -> dict[str, Any]:
    """Return the settings for authentication: local passwords, or a header set by trusted proxies.

    Raise SettingError if a setting is invalid, or if proxy authentication has no trusted proxies.
    """
    settings = {
        "AUTH": read("AUTH", _one_of("local", "proxy"), "local"),
        "AUTH_HEADER": read("AUTH_HEADER", _header, "X-Remote-User"),
        "AUTH_DEFAULT_ROLE": read("AUTH_DEFAULT_ROLE", _one_of("viewer", "editor", "admin"), None),
        "TWO_STEP_SIGN_IN": read("TWO_STEP_SIGN_IN", _one_of("offered", "admins", "everyone"), "offered"),
        "TRUSTED_PROXIES": read("TRUSTED_PROXIES", _networks, ()),
    }
    if settings["AUTH"] == "proxy" and not settings["TRUSTED_PROXIES"]:
        raise SettingError(
            "CONNECTOR_AUTH=proxy cannot be used without CONNECTOR_TRUSTED_PROXIES: the addresses of the proxies "
            "whose word is taken for who is there, such as 127.0.0.1."
        )
    return settings


def _header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", text):
        raise ValueError(f"“{text}” is not the name of a header: letters, digits and hyphens are.")
    return text


def _host(text: str) -> str:
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


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"“{text}” is not the name of a time zone such as Europe/Berlin.") from None


def _system_zone(name: str) -> ZoneInfo:
    """Return the time zone from TZ (`name`), else from /etc/localtime, else UTC."""
    for known in (name.removeprefix(":"), str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]):
        with suppress(ValueError):
            return _zone(known)
    return ZoneInfo("UTC")


def _smtp(text: str) -> tuple[str, str, int]:
    """Return (URL scheme, host, port). The error message leaves out the value, which may contain a password."""
    parts = _parts(text)
    if parts.scheme not in SMTP_PORTS or not parts.hostname or parts.username or parts.path.strip("/"):
        raise ValueError("it has the form smtp+starttls://host:port, smtps://host:port or smtp://host:port.")
    return parts.scheme, parts.hostname, parts.port or SMTP_PORTS[parts.scheme]


def _clamd(text: str) -> str | tuple[str, int]:
    """Return the address of clamd: the path of its socket, or (host, port)."""
    parts = _parts(text)
    length = len(os.fsencode(parts.path))
    if parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/") and length <= LONGEST_SOCKET:
        return parts.path
    if parts.scheme == "tcp" and parts.hostname and not parts.username and not parts.path:
        return parts.hostname, parts.port or 3310
    raise ValueError("it has the form unix:///run/clamav/clamd.ctl or tcp://127.0.0.1:3310.")


def _mailboxes(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found or not all(_MAILBOX.fullmatch(one) for one in found):
        raise ValueError("it takes plain e-mail addresses such as library@example.edu, with commas between them.")
    return found


def _ascii(text: str) -> str:
    """Return ASCII text. The error message leaves out the value, which may be a password."""
    if not text.isascii():
        raise ValueError("plain ASCII characters are all that a mail server takes.")
    return text


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"“{text}” is none of: {', '.join(words)}.")
        return text

    return parse


def _web_address(text: str) -> str:
    """Return a full web address. The error message leaves out the value, since the address of a webhook is secret."""
    parts = _parts(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("it must be a full address that begins with http:// or https://.")
    return text


def _own_address(text: str) -> str:
    """Return a web address to which the paths of pages can be appended."""
    if "?" in text or "#" in text:
        raise ValueError("it must end with the host or a path, such as https://www.example.org/connector: no ? or #.")
    return _web_address(text)


def _one_line(text: str) -> str:
    if not text.isprintable() or not text.isascii():
        raise ValueError("it goes into a header line: plain ASCII text, such as an e-mail address, is needed.")
    return text


def _certificates(text: str) -> str:
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


def _proxy(text: str) -> str:
    """Return the address of an HTTP proxy. The error message leaves out the value, which may contain a password."""
    parts = _parts(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it must begin with http:// or https:// and name a host: http://proxy.example.org:3128.")
    return text


def _key(text: str) -> str:
    """Return a secret key. The error message leaves out the value, which is a secret."""
    if len(text) < LEAST_KEY:
        raise ValueError(f"a secret key has at least {LEAST_KEY} characters that nobody can guess.")
    return text


def _queue(text: str) -> str:
    """Return the URL of the queue. The error message leaves out the value, which may contain a password."""
    if text.startswith("sqlite:///") and text.removeprefix("sqlite:///") not in ("", ":memory:"):
        return text
    if _parts(text).scheme not in ("redis", "rediss") or not _parts(text).hostname:
        raise ValueError("it has the form redis://host:port/0, rediss://host:port/0 or sqlite:///path.")
    return text


def _database(text: str) -> str:
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


def _sqlite(path: Path) -> str:
    """Return the URL of a database file. Escape its path, since SQLAlchemy reads options after a `?`."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def _parts(text: str) -> SplitResult:
    """Return the parts of a URL, all of them empty if the URL or its port is invalid."""
    try:
        parts = urlsplit(text)
        return urlsplit("") if parts.port == 0 else parts
    except ValueError:
        return urlsplit("")
