"""Reads and validates all settings from the environment. No other module reads the environment."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import setting_parsers as parse

ROOT = Path(__file__).resolve().parent
DEFAULT_MAX_OUTAGE_SECONDS = 86_400
COMMAND_LINE_MAX_OUTAGE_SECONDS = 900
DEFAULT_CONCURRENT_REQUESTS = 4  # requests to one repository at once
DEFAULT_RESPONSE_BYTES = 32 * 2**20
DEFAULT_FILE_BYTES = 50 * 2**30
DEFAULT_MIN_FREE_DISK = 10**9  # bytes
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
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
        "SQLALCHEMY_DATABASE_URI": read("DATABASE_URL", parse.database, parse.sqlite(instance / "connector.db")),
        "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True},  # otherwise errors would log them
        "QUEUE_URL": read("QUEUE_URL", parse.queue, f"sqlite:///{instance / 'queue.db'}"),
        "SECRET_KEY": read("SECRET_KEY", parse.key, None),
        "HOST": read("HOST", parse.host, "127.0.0.1"),
        "PORT": read("PORT", parse.integer(0, 65_535), 5000),
        "PROXY_HOPS": read("PROXY_HOPS", parse.integer(0, 9), 0),
        "METRICS_NETWORKS": read("METRICS_NETWORKS", parse.networks, LOOPBACK),
        "LOG_FORMAT": log_style(environ),
        "CONTACT": read("CONTACT", parse.one_line, ""),
        "ALLOWED_NETWORKS": read("ALLOWED_NETWORKS", parse.networks, ()),
        "MAX_OUTAGE_SECONDS": read("MAX_OUTAGE_SECONDS", parse.integer(0, 10**9), None),
        "MAX_CONCURRENT_REQUESTS": read("MAX_CONCURRENT_REQUESTS", parse.integer(1, 16), DEFAULT_CONCURRENT_REQUESTS),
        "MAX_FILE_BYTES": read("MAX_FILE_BYTES", parse.integer(1, 2**62), DEFAULT_FILE_BYTES),
        "MAX_RESPONSE_BYTES": read("MAX_RESPONSE_BYTES", parse.integer(2**20, 2**30), DEFAULT_RESPONSE_BYTES),
        "CLAMD_URL": read("CLAMD_URL", parse.clamd, None),
        "MIN_FREE_DISK": read("MIN_FREE_DISK", parse.size, DEFAULT_MIN_FREE_DISK),
        "MAX_MISSING_PERCENT": read("MAX_MISSING_PERCENT", parse.integer(0, 100), 20),
        "MISSING_LEAST": read("MISSING_LEAST", parse.integer(1, 10**6), 3),
        "RECHECK_RUNS": read("RECHECK_RUNS", parse.integer(0, 365), 7),
        "UNDO_HISTORY_RUNS": read("UNDO_HISTORY_RUNS", parse.integer(0, 10**6), 30),
        "UNDO_HISTORY_DAYS": read("UNDO_HISTORY_DAYS", parse.integer(0, 10**5), 0),
        "CA_BUNDLE": read("CA_BUNDLE", parse.certificates, None),
        "PROXY": read("PROXY", parse.proxy, None),
        "TIMEZONE": read("TIMEZONE", parse.zone, None) or parse.system_zone(environ.get("TZ", "")),
        "URL": read("URL", parse.own_address, None),
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
    return read("LOG_FORMAT", parse.one_of("plain", "json"), "plain")


def _notifications(read: _Reader) -> dict[str, Any]:
    """Return the settings for notifications. `SMTP`: None, or (URL scheme, host, port).

    Raise SettingError if a setting is invalid or incomplete.
    """
    settings: dict[str, Any] = {
        "SMTP": read("SMTP", parse.smtp, None),
        "SMTP_USER": read("SMTP_USER", parse.ascii_text, None),
        "SMTP_PASSWORD": read("SMTP_PASSWORD", parse.ascii_text, None),
        "NOTIFY_FROM": read("NOTIFY_FROM", parse.mailboxes, (None,))[0],
        "NOTIFY_TO": read("NOTIFY_TO", parse.mailboxes, ()),
        "NOTIFY": read("NOTIFY", parse.one_of("problems", "always", "never"), "problems"),
        "NOTIFY_WEBHOOK": read("NOTIFY_WEBHOOK", parse.web_address, None),
    }
    if any(settings[name] for name in ("SMTP", "SMTP_USER", "NOTIFY_FROM", "NOTIFY_TO")):
        for name in ("SMTP", "NOTIFY_FROM", "NOTIFY_TO"):
            if not settings[name]:
                raise SettingError(f"CONNECTOR_{name} is missing: notifications by e-mail need it.")
    if bool(settings["SMTP_USER"]) != bool(settings["SMTP_PASSWORD"]):
        raise SettingError("CONNECTOR_SMTP_USER and CONNECTOR_SMTP_PASSWORD are given together or not at all.")
    if settings["SMTP_USER"] and settings["SMTP"][0] == "smtp" and not parse.is_here(settings["SMTP"][1]):
        raise SettingError("CONNECTOR_SMTP must begin with smtps:// or smtp+starttls://: a password is sent with it.")
    return settings


def _accounts(read: _Reader) -> dict[str, Any]:
    """Return the settings for authentication: local passwords, or a header set by trusted proxies.

    Raise SettingError if a setting is invalid, or if proxy authentication has no trusted proxies.
    """
    settings = {
        "AUTH": read("AUTH", parse.one_of("local", "proxy"), "local"),
        "AUTH_HEADER": read("AUTH_HEADER", parse.header, "X-Remote-User"),
        "AUTH_DEFAULT_ROLE": read("AUTH_DEFAULT_ROLE", parse.one_of("viewer", "editor", "admin"), None),
        "TWO_STEP_SIGN_IN": read("TWO_STEP_SIGN_IN", parse.one_of("offered", "admins", "everyone"), "offered"),
        "TRUSTED_PROXIES": read("TRUSTED_PROXIES", parse.networks, ()),
    }
    if settings["AUTH"] == "proxy" and not settings["TRUSTED_PROXIES"]:
        raise SettingError(
            "CONNECTOR_AUTH=proxy needs CONNECTOR_TRUSTED_PROXIES: the addresses of the proxies that name the "
            "signed-in person, for example 127.0.0.1."
        )
    return settings


class _Reader:
    def __init__(self, environ: Mapping[str, str]):
        self._environ = environ

    def __call__(self, name: str, parser: Callable[[str], T], default: D) -> T | D:
        for variable in (f"CONNECTOR_{name}", f"CONNECTOR_{OLD_NAMES.get(name, name)}"):
            text = self._environ.get(variable, "").strip()
            if text:
                try:
                    return parser(text)
                except ValueError as error:
                    raise SettingError(f"{variable} cannot be used: {error}") from error
        return default
