"""Programs that have an answer already are told so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from connector.accounts import audit
from connector.extensions import db, transaction, utcnow
from connector.models.accounts import AuditEntry
from connector.models.catalogue import ItemSet
from connector.models.jobs import Job, State
from connector.web.api import responses

LONG_AGO = timedelta(hours=3)
PATHS = ["/api/items", "/api/items?q=harbour", "/api/items/1", "/api/item-sets", "/api/jobs/1"]


@pytest.fixture
def settled(program, monkeypatch):
    """Return the program when nothing has changed for hours."""
    monkeypatch.setattr(responses, "STARTED_AT", utcnow() - LONG_AGO)
    with program.app.app_context():
        triggers = db.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
        for name in db.session.scalars(triggers).all():  # they keep entries from being changed
            db.session.execute(db.text(f"DROP TRIGGER {name}"))
        db.session.commit()
        with transaction():
            db.session.execute(update(AuditEntry).values(at=utcnow() - LONG_AGO))
            db.session.execute(update(Job).values(ended_at=utcnow() - LONG_AGO))
    return program


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_that_the_client_has_is_not_sent_again(settled, path):
    first = settled.get(path)

    by_tag = settled.get(path, {"If-None-Match": first.headers["ETag"]})
    by_time = settled.get(path, {"If-Modified-Since": first.headers["Last-Modified"]})

    assert (by_tag.status_code, by_time.status_code) == (304, 304)
    assert (by_tag.data, by_time.data) == (b"", b"")


def test_a_change_by_a_person_makes_the_client_load_again(settled):
    first = settled.get("/api/item-sets")
    with settled.app.app_context(), transaction():
        db.session.execute(update(ItemSet).values(description="changed"))
        audit.note("item set changed")

    by_tag = settled.get("/api/item-sets", {"If-None-Match": first.headers["ETag"]})
    by_time = settled.get("/api/item-sets", {"If-Modified-Since": first.headers["Last-Modified"]})

    assert (by_tag.status_code, by_time.status_code) == (200, 200)
    assert "Last-Modified" not in by_time.headers  # within the minute, another change may follow


def test_while_a_job_runs_no_answer_has_a_time(settled):
    since = settled.get("/api/items").headers["Last-Modified"]
    with settled.app.app_context(), transaction():
        db.session.execute(update(Job).where(Job.id == 3).values(state=State.RUNNING.value, resource="x"))

    answer = settled.get("/api/items", {"If-Modified-Since": since})

    assert answer.status_code == 200
    assert "Last-Modified" not in answer.headers


def test_answers_may_be_kept_only_by_the_program_itself(settled):
    answer = settled.get("/api/items")

    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in answer.headers["Vary"]
