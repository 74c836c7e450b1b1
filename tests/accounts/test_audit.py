"""The audit trail: who did what, when and from where. Entries are only added."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.exc import DatabaseError

from config import load
from connector import create_app
from connector.accounts import audit
from connector.extensions import db, transaction
from connector.models.accounts import AuditEntry, Role
from connector.storage.instance import prepare
from tests.pages import words

from .conftest import sign_in


def test_commands_are_recorded_for_the_local_operator(office):
    with office.app.app_context():
        audit.record("remap", "A repository", items=3)
        entry = db.session.scalar(audit.entries())

    assert (entry.who, entry.what, entry.about) == ("local operator", "remap", "A repository")
    assert (entry.address, entry.data) == ("command line", {"items": 3})


def test_an_audit_entry_is_stored_only_with_its_action(office):
    with office.app.app_context(), pytest.raises(ZeroDivisionError), transaction():
        audit.note("undo")
        raise ZeroDivisionError

    assert office.trail() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET who = 'somebody else'",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT id, at, 'somebody else', what, about, address, data FROM audit",
    ],
)
def test_the_database_refuses_to_change_or_remove_an_entry(office, statement):
    with office.app.app_context():
        audit.record("sign-in", "Anna")
        with pytest.raises(DatabaseError, match="only added to"), transaction():
            db.session.execute(db.text(statement))

    assert office.trail() == [("local operator", "sign-in", "Anna")]


def test_postgresql_refuses_to_change_or_remove_an_entry(postgresql, tmp_path):
    statements = [
        "UPDATE audit SET who = 'somebody else'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "INSERT INTO audit SELECT * FROM audit ON CONFLICT (id) DO UPDATE SET who = 'somebody else'",
    ]
    app = create_app(load({"CONNECTOR_INSTANCE": str(tmp_path), "CONNECTOR_DATABASE_URL": postgresql}))
    prepare(app)
    with app.app_context():
        try:
            audit.record("sign-in", "Anna")
            for statement in statements:
                with pytest.raises(DatabaseError, match="only added to"), transaction():
                    db.session.execute(db.text(statement))
            assert set(db.session.scalars(db.select(AuditEntry.who))) == {"local operator"}
        finally:
            db.session.remove()
            db.engine.dispose()


def test_the_audit_trail_is_listed_newest_first_by_person_and_kind(office):
    office.add("Anna", Role.ADMIN)
    with office.app.app_context():
        audit.record("sign-in", "Anna")

        assert [entry.what for entry in db.session.scalars(audit.entries())] == ["sign-in", "password set", "invite"]
        assert [entry.about for entry in db.session.scalars(audit.entries(what="sign-in"))] == ["Anna"]
        assert db.session.scalars(audit.entries(who="Anna")).all() == []
        assert (audit.people(), audit.kinds()) == (["local operator"], ["invite", "password set", "sign-in"])


def test_the_csv_of_the_audit_trail_is_complete_and_safe_in_spreadsheets(office):
    with office.app.app_context():
        audit.record("connect", "=HYPERLINK(1)", url="https://repo.example.org/ä")
        rows = list(csv.reader(io.StringIO("".join(audit.as_csv()))))

    assert rows[0] == list(audit.COLUMNS)
    assert rows[1][1:] == [
        "local operator",
        "connect",
        "'=HYPERLINK(1)",
        "command line",
        '{"url": "https://repo.example.org/ä"}',
    ]


def test_long_names_are_shortened_in_the_audit_trail(office):
    with office.app.app_context():
        audit.record("connect", "x" * 10_000)

    assert len(office.trail()[0][2]) == audit.MAX_ABOUT_CHARACTERS


def test_a_refusal_is_recorded_once_a_minute_and_logged_with_user_and_address(office, caplog, monkeypatch):
    office.add("Anna")
    browser = office.enter("Anna", REMOTE_ADDR="192.0.2.7")

    for path in ("/users/", "/users/", "/audit/"):
        assert browser.get(path).status_code == 403
    refused = ("Anna", "refused", "GET /users/")

    assert office.trail()[-2:] == [refused, ("Anna", "refused", "GET /audit/")]
    assert caplog.text.count("Refused with 403: Anna at 192.0.2.7 asked for GET /users/") == 2
    monkeypatch.setattr(audit, "APART", timedelta(0))  # as if a minute had passed: entries cannot be made older
    browser.get("/users/")
    assert office.trail()[-1] == refused


def test_throttling_is_recorded_once_for_many_names(office):
    for number in range(13):
        sign_in(office.browser(), f"Name {number}")

    assert [entry for entry in office.trail() if entry[1] == "refused"] == [("nobody", "refused", "POST /sign-in")]


def test_anonymous_requests_are_only_logged(office, caplog):
    office.app.config["AUTH"] = "proxy"

    assert office.browser(REMOTE_ADDR="192.0.2.7").get("/users/").status_code == 403

    assert office.trail() == []
    assert "nobody at 192.0.2.7 asked for GET /users/" in caplog.text


def test_times_of_the_audit_trail_are_local_on_the_page_and_utc_in_csv(office):
    office.app.config["TIMEZONE"] = ZoneInfo("Asia/Tokyo")
    office.add("Anna", Role.ADMIN)
    browser = office.enter("Anna")

    page, rows = words(browser.get("/audit/")), list(csv.reader(io.StringIO(browser.get("/audit.csv").text)))

    assert rows[1][2] == "sign-in"
    at = datetime.fromisoformat(rows[1][0]).astimezone(ZoneInfo("Asia/Tokyo"))
    assert f"When Who What About From {at.day} {at:%b %Y, %H:%M} Anna Sign-in" in page


def test_entries_without_a_user_say_so_and_can_be_filtered(office):
    office.add("Anna", Role.ADMIN)
    sign_in(office.browser(), "Anna", "wrong")
    browser = office.enter("Anna")

    page = browser.get("/audit/?who=nobody")

    assert '<option value="nobody" selected dir="auto">Not signed in</option>' in page.text
    assert "Not signed in Sign-in refused Anna" in words(page)
    assert "Anna Sign-in " not in words(page)
