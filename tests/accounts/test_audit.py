"""The audit trail: who did what, when, from where; only ever added to."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
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


def test_on_the_command_line_it_is_the_local_operator(office):
    with office.app.app_context():
        audit.record("remap", "A repository", items=3)
        entry = db.session.scalar(audit.entries())

    assert (entry.who, entry.what, entry.about) == ("local operator", "remap", "A repository")
    assert (entry.address, entry.data) == ("command line", {"items": 3})


def test_an_entry_is_there_only_if_what_it_tells_of_is(office):
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


def test_so_does_postgresql(postgresql, tmp_path):
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


def test_it_is_listed_newest_first_by_person_and_by_kind(office):
    office.add("Anna", Role.ADMIN)
    with office.app.app_context():
        audit.record("sign-in", "Anna")

        assert [entry.what for entry in db.session.scalars(audit.entries())] == ["sign-in", "password set", "invite"]
        assert [entry.about for entry in db.session.scalars(audit.entries(what="sign-in"))] == ["Anna"]
        assert db.session.scalars(audit.entries(who="Anna")).all() == []
        assert (audit.people(), audit.kinds()) == (["local operator"], ["invite", "password set", "sign-in"])


def test_as_csv_it_is_whole_and_safe_in_a_spreadsheet(office):
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


def test_what_a_long_name_says_of_itself_is_cut(office):
    with office.app.app_context():
        audit.record("connect", "x" * 10_000)

    assert len(office.trail()[0][2]) == audit.MAX_ABOUT_CHARACTERS


def test_a_refusal_is_in_the_trail_with_its_page_once_a_minute_and_in_the_log_with_who_and_where(
    office, caplog, monkeypatch
):
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


def test_that_somebody_is_slowed_down_is_in_the_trail_once_whoever_it_is(office):
    for number in range(13):
        sign_in(office.browser(), f"Name {number}")

    assert [entry for entry in office.trail() if entry[1] == "refused"] == [("nobody", "refused", "POST /sign-in")]


def test_who_is_not_signed_in_fills_only_the_log(office, caplog):
    office.app.config["AUTH"] = "proxy"

    assert office.browser(REMOTE_ADDR="192.0.2.7").get("/users/").status_code == 403

    assert office.trail() == []
    assert "nobody at 192.0.2.7 asked for GET /users/" in caplog.text


def test_on_its_page_the_times_are_those_of_the_csv_whatever_the_zone(office):
    office.app.config["TIMEZONE"] = ZoneInfo("Asia/Tokyo")
    office.add("Anna", Role.ADMIN)
    browser = office.enter("Anna")

    page, rows = words(browser.get("/audit/")), list(csv.reader(io.StringIO(browser.get("/audit.csv").text)))

    assert rows[1][2] == "sign-in"
    assert f"When (UTC) Who What About From {rows[1][0].replace('T', ' ').rstrip('Z')} Anna sign-in" in page
