"""The audit trail: who did what, when and from which address. Entries are added, never changed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

from flask import has_request_context, request
from sqlalchemy import Select, insert, select

from ..actor import NOBODY, current_actor
from ..extensions import db, transaction, utcnow
from ..models.accounts import AuditEntry
from ..pagination import Order
from ..text import csv_lines, csv_safe

log = logging.getLogger(__name__)
UNKNOWN = "an unknown name"  # replaces the name typed at a failed sign-in, which may be a password
COLUMNS = ("at", "who", "what", "about", "address", "data")
APART = timedelta(minutes=1)  # between equal refusals, so that a flood of them does not fill the table
TOO_MANY = 429
NEWEST_FIRST = Order((AuditEntry.id,), is_descending=True)
MAX_ABOUT_CHARACTERS = 500  # it may hold names typed by users or sent by repositories


def note(what: str, about: str = "", **data: Any) -> None:
    """Add an entry in the current transaction, so that the entry and the action commit together."""
    values = {
        "at": utcnow(),
        "who": current_actor(),
        "what": what,
        "about": about[:MAX_ABOUT_CHARACTERS],
        "address": _address(),
    }
    db.session.execute(insert(AuditEntry).values(**values, data=data))


def record(what: str, about: str = "", **data: Any) -> None:
    """Add an entry in a transaction of its own."""
    with transaction():
        note(what, about, **data)


def note_refusal(status: int) -> None:
    """Record a refused request: always in the log, in the trail once a minute for each user and page.

    For visitors who are not signed in, the trail only records rate limiting (status 429).
    """
    who, page = current_actor(), f"{request.method} {request.url_rule}"
    log.warning("Refused with %s: %s at %s asked for %s", status, who, _address(), page)
    if who == NOBODY and status != TOO_MANY:
        return
    same = (AuditEntry.who == who, AuditEntry.what == "refused", AuditEntry.about == page)
    if db.session.scalar(select(AuditEntry.id).where(*same, AuditEntry.at > utcnow() - APART).limit(1)) is None:
        record("refused", page, status=status)


def entries(who: str = "", what: str = "") -> Select[Any]:
    """Return a SELECT of the entries, newest first, optionally only of one user or one kind."""
    query = NEWEST_FIRST.sort(select(AuditEntry))
    if who:
        query = query.where(AuditEntry.who == who)
    return query.where(AuditEntry.what == what) if what else query


def kinds() -> list[str]:
    """Return the kinds of actions in the trail, sorted, without duplicates."""
    return list(db.session.scalars(select(AuditEntry.what).distinct().order_by(AuditEntry.what)))


def people() -> list[str]:
    """Return the names of the users in the trail, sorted, without duplicates."""
    return list(db.session.scalars(select(AuditEntry.who).distinct().order_by(AuditEntry.who)))


def as_csv(who: str = "", what: str = "") -> Iterator[str]:
    """Yield the lines of the entries that `entries` selects as CSV under COLUMNS. Times are in UTC, `data` is JSON."""
    selected = db.session.scalars(entries(who, what).execution_options(yield_per=500))
    yield from csv_lines(chain([COLUMNS], map(_cells, selected)))


def _cells(entry: AuditEntry) -> list[str]:
    texts = (entry.who, entry.what, entry.about, entry.address, json.dumps(entry.data, ensure_ascii=False))
    return [f"{entry.at:%Y-%m-%dT%H:%M:%S}Z", *map(csv_safe, texts)]


def _address() -> str:
    return request.remote_addr or "" if has_request_context() else "command line"
