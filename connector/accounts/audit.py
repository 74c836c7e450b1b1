"""The audit trail: who did what, when, from where. Entries are only ever added."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import has_request_context, request
from sqlalchemy import Select, insert, select

from ..actor import NOBODY, current_actor
from ..extensions import db, transaction, utcnow
from ..models.accounts import AuditEntry
from ..pagination import Order
from ..text import csv_safe

log = logging.getLogger(__name__)
UNKNOWN = "an unknown name"  # what somebody typed who is refused: it may be a password
COLUMNS = ("at", "who", "what", "about", "address", "data")
APART = timedelta(minutes=1)  # so that a flood of refusals does not fill the table
TOO_MANY = 429
NEWEST_FIRST = Order((AuditEntry.id,), is_descending=True)
LONGEST = 500  # characters of what an entry is about; names come from people and repositories


def note(what: str, about: str = "", **data: Any) -> None:
    """Add an entry inside the transaction of what it tells of: either both are there or none."""
    values = {"at": utcnow(), "who": current_actor(), "what": what, "about": about[:LONGEST], "address": _address()}
    db.session.execute(insert(AuditEntry).values(**values, data=data))


def record(what: str, about: str = "", **data: Any) -> None:
    """Add an entry by itself."""
    with transaction():
        note(what, about, **data)


def refused(status: int) -> None:
    """Tell of a request that was refused: the log always, the trail once a minute for each person and kind of page.

    Of people who are not signed in, the trail takes only that they were slowed down (429).
    """
    who, page = current_actor(), f"{request.method} {request.url_rule}"
    log.warning("Refused with %s: %s at %s asked for %s", status, who, _address(), page)
    if who == NOBODY and status != TOO_MANY:
        return
    same = (AuditEntry.who == who, AuditEntry.what == "refused", AuditEntry.about == page)
    if db.session.scalar(select(AuditEntry.id).where(*same, AuditEntry.at > utcnow() - APART).limit(1)) is None:
        record("refused", page, status=status)


def listed(who: str = "", what: str = "") -> Select[Any]:
    """A SELECT of the entries, newest first: all, or those of this person, or of this kind."""
    query = NEWEST_FIRST.sort(select(AuditEntry))
    if who:
        query = query.where(AuditEntry.who == who)
    return query.where(AuditEntry.what == what) if what else query


def kinds() -> list[str]:
    """What was done so far, each once, by name."""
    return list(db.session.scalars(select(AuditEntry.what).distinct().order_by(AuditEntry.what)))


def people() -> list[str]:
    """Who did something so far, each once, by name."""
    return list(db.session.scalars(select(AuditEntry.who).distinct().order_by(AuditEntry.who)))


def as_csv(who: str = "", what: str = "") -> Iterator[str]:
    """The same entries as CSV under COLUMNS, some rows at a time; times in UTC, `data` as JSON."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for entry in db.session.scalars(listed(who, what).execution_options(yield_per=500)):
        texts = (entry.who, entry.what, entry.about, entry.address, json.dumps(entry.data, ensure_ascii=False))
        writer.writerow([f"{entry.at:%Y-%m-%dT%H:%M:%S}Z", *map(csv_safe, texts)])
        yield file.getvalue()
        file.seek(0)
        file.truncate()
    yield file.getvalue()


def _address() -> str:
    return request.remote_addr or "" if has_request_context() else "command line"
