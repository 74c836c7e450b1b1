"""Each start warns of connections to other servers that are configured without TLS."""

from __future__ import annotations

import itertools
import shutil

import pytest

from config import load
from connector.tls_warnings import settings_without_tls
from tests.command_line import CommandLine

MAIL = {"CONNECTOR_NOTIFY_FROM": "a@example.org", "CONNECTOR_NOTIFY_TO": "b@example.org"}


def told(**settings: str) -> list[str]:
    """What is told with these settings."""
    environment = {f"CONNECTOR_{name}": value for name, value in settings.items()}
    return settings_without_tls(load(environment | (MAIL if "SMTP" in settings else {})))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://user:secret@db.example.org/connector"),
        ("DATABASE_URL", "postgresql://user:secret@db.example.org/connector?sslmode=prefer"),
        ("DATABASE_URL", "postgresql:///connector?host=db.example.org"),
        ("DATABASE_URL", "postgresql:///connector?host=localhost,db.example.org"),
        ("DATABASE_URL", "postgresql:///connector?host=db.example.org:5433"),
        ("DATABASE_URL", "postgresql://localhost/connector?hostaddr=192.0.2.7"),
        ("DATABASE_URL", "postgresql:///connector?host=/run/postgresql&host=db.example.org"),
        ("QUEUE_URL", "redis://:secret@192.0.2.7:6379/0"),
        ("CLAMD_URL", "tcp://scanner.example.org:3310"),
        ("SMTP", "smtp://mail.example.org"),
        ("NOTIFY_WEBHOOK", "http://chat.example.org/hook/secret"),
    ],
)
def test_connections_to_other_machines_without_tls_are_reported_by_setting(name, value):
    assert told(**{name: value}) == [f"CONNECTOR_{name}"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://user:secret@db.example.org/connector?sslmode=verify-full"),
        ("DATABASE_URL", "postgresql://user:secret@127.0.0.1/connector"),
        ("DATABASE_URL", "postgresql:///connector"),
        ("DATABASE_URL", "postgresql:///connector?host=/run/postgresql"),
        ("DATABASE_URL", "postgresql:///connector?host=localhost:5433"),
        ("DATABASE_URL", "postgresql://db.example.org/connector?hostaddr=127.0.0.1"),
        ("DATABASE_URL", "postgresql://[::1]:5433/connector"),
        ("DATABASE_URL", "postgresql://db.example.org/connector?host=/run/postgresql"),
        ("QUEUE_URL", "rediss://:secret@192.0.2.7:6379/0"),
        ("QUEUE_URL", "redis://localhost:6379/0"),
        ("CLAMD_URL", "tcp://127.0.0.1:3310"),
        ("CLAMD_URL", "unix:///run/clamav/clamd.ctl"),
        ("SMTP", "smtp+starttls://mail.example.org"),
        ("SMTP", "smtps://mail.example.org"),
        ("SMTP", "smtp://localhost"),
        ("NOTIFY_WEBHOOK", "https://chat.example.org/hook/secret"),
        ("NOTIFY_WEBHOOK", "http://[::1]/hook"),
    ],
)
def test_connections_with_tls_or_on_this_machine_are_not_reported(name, value):
    assert told(**{name: value}) == []


@pytest.mark.parametrize("command", ["up", "worker"])
def test_tls_warnings_are_logged_at_start_without_values(command, tmp_path, new_instance):
    flask = CommandLine(shutil.copytree(new_instance, tmp_path / "instance"))

    server = flask.start(command, CONNECTOR_PORT="0", CONNECTOR_NOTIFY_WEBHOOK="http://192.0.2.1/hook/secret")
    try:
        told = list(itertools.takewhile(lambda line: "(Ctrl-C ends it)" not in line, server.stderr))
    finally:
        server.terminate()
        server.communicate()

    assert "CONNECTOR_NOTIFY_WEBHOOK leads to another machine without TLS" in told[-1]
    assert "secret" not in told[-1]


def test_the_default_settings_cause_no_tls_warning():
    assert told() == []
