"""Every setting, read from the environment, refused aloud when malformed. Only this file reads the environment."""

from __future__ import annotations

import ipaddress
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent
DEFAULT_PATIENCE = 86_400
COMMAND_LINE_PATIENCE = 900
DEFAULT_PACE = 4  # requests to one repository at once
DEFAULT_FILE_LIMIT = 50 * 2**30
T = TypeVar("T")


class SettingError(Exception):
    """A setting that cannot be used; the sentence names it."""


def load(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Flask's configuration from the CONNECTOR_ variables. Touches no disk. Raises SettingError."""
    read = _Reader(environ)
    instance = Path(environ.get("CONNECTOR_INSTANCE") or ROOT / "instance").resolve()
    return {
        "INSTANCE": instance,
        "SQLALCHEMY_DATABASE_URI": _database(environ.get("CONNECTOR_DATABASE_URL"), instance / "connector.db"),
        "QUEUE_URL": read("QUEUE_URL", _queue, f"sqlite:///{instance / 'queue.db'}"),
        "SECRET_KEY": environ.get("CONNECTOR_SECRET_KEY") or None,
        "HOST": read("HOST", _loopback, "127.0.0.1"),
        "PORT": read("PORT", _whole(0, 65_535), 5000),
        "CONTACT": read("CONTACT", _one_line, ""),
        "ALLOW_NETWORKS": read("ALLOW_NETWORKS", _networks, ()),
        "PATIENCE": read("PATIENCE", _whole(0, 10**9), None),
        "PACE": read("PACE", _whole(1, 16), DEFAULT_PACE),
        "FILE_LIMIT": read("FILE_LIMIT", _whole(1, 2**62), DEFAULT_FILE_LIMIT),
        "MISSING_PERCENT": read("MISSING_PERCENT", _whole(0, 100), 20),
        "CA_BUNDLE": read("CA_BUNDLE", _file, None),
        "PROXY": read("PROXY", _proxy, None),
        "WTF_CSRF_TIME_LIMIT": None,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": 1_000_000,
        "MAX_FORM_MEMORY_SIZE": 1_000_000,
    }


def secret_key(instance: Path) -> str:
    """The secret key of this instance, made once and kept in it with mode 600. Safe when two begin at once."""
    path = instance / "secret_key"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=instance) as file:  # which has mode 600
            file.write(secrets.token_hex(32))
            file.flush()
            with suppress(FileExistsError):  # linked whole or not at all, so that nobody reads half a key
                os.link(file.name, path)
    key = path.read_text().strip()
    if len(key) < 32:
        raise SettingError(f"The secret key in {path} is damaged: remove the file, and everybody signs in anew.")
    return key


class _Reader:
    def __init__(self, environ: Mapping[str, str]):
        self._environ = environ

    def __call__(self, name: str, parse: Callable[[str], T], default: Any) -> Any:
        text = self._environ.get(f"CONNECTOR_{name}", "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            raise SettingError(f"CONNECTOR_{name} cannot be used: {error}") from error


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() else -1
        if not least <= number <= most:
            raise ValueError(f"“{text}” is not a whole number from {least} to {most}.")
        return number

    return parse


def _networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def _loopback(text: str) -> str:
    """Until accounts exist, nobody but this machine may reach the app."""
    if text == "localhost" or _is_loopback(text):
        return text
    raise ValueError(
        f"“{text}” is not a loopback address. The app has no accounts yet, so whoever reaches it may do everything: "
        "it listens on this machine only (127.0.0.1, ::1 or localhost)."
    )


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _one_line(text: str) -> str:
    if not text.isprintable() or not text.isascii():
        raise ValueError("it goes into a header line: plain ASCII text, such as an e-mail address, is needed.")
    return text


def _file(text: str) -> str:
    if not Path(text).is_file():
        raise ValueError(f"there is no file “{text}”.")
    return text


def _proxy(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("it must begin with http:// or https://.")
    return text


def _queue(text: str) -> str:
    if not text.startswith(("sqlite:///", "redis://", "rediss://")):
        raise ValueError("it must begin with sqlite:///, redis:// or rediss://.")
    return text


def _database(url: str | None, default: Path) -> str:
    """`postgresql://` means psycopg 3, the driver that SQLAlchemy 2.1 uses for it."""
    return url or f"sqlite:///{default}"
