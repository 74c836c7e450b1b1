"""Finds the servers in the settings that are reached without TLS, so that others could read the traffic.

This may be acceptable in a closed network, so the app warns at the start instead of refusing it (ASVS 5.0, 12.3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import make_url

from setting_parsers import is_here

# Values of libpq's sslmode that require encryption. The others may fall back to none (PostgreSQL manual, 32.19).
ENCRYPTED = {"require", "verify-ca", "verify-full"}


def settings_without_tls(config: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings for connections to another machine without TLS."""
    found = {
        "CONNECTOR_DATABASE_URL": _is_open_database(config["SQLALCHEMY_DATABASE_URI"]),
        "CONNECTOR_QUEUE_URL": _is_open(config["QUEUE_URL"], "redis"),
        "CONNECTOR_CLAMD_URL": _is_open_scanner(config["CLAMD_URL"]),
        "CONNECTOR_SMTP": _is_open_mail(config["SMTP"]),
        "CONNECTOR_NOTIFY_WEBHOOK": _is_open(config["NOTIFY_WEBHOOK"], "http"),
    }
    return [name for name, is_so in found.items() if is_so]


def _is_open(url: str | None, scheme: str) -> bool:
    parts = urlsplit(url or "")
    return parts.scheme == scheme and not is_here(parts.hostname or "")


def _is_open_mail(smtp: tuple[str, str, int] | None) -> bool:
    return smtp is not None and smtp[0] == "smtp" and not is_here(smtp[1])


def _is_open_scanner(address: str | tuple[str, int] | None) -> bool:
    return isinstance(address, tuple) and not is_here(address[0])


def _is_open_database(text: str) -> bool:
    url = make_url(text)
    named = url.query.get("hostaddr") or url.query.get("host") or url.host or ""  # the first one that is set counts
    hosts = named.split(",") if isinstance(named, str) else named  # tried in order
    is_far = any(host and not _is_near(host) for host in hosts)
    return is_far and url.query.get("sslmode") not in ENCRYPTED


def _is_near(host: str) -> bool:
    name, _, port = host.partition(":")
    return is_here(host) or (is_here(name) and port.isdecimal()) or host.startswith("/")  # the folder of a Unix socket
