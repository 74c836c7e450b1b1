"""The audit trail: who did what, when, from where; only ever added to."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy.exc import DatabaseError

from connector.accounts import audit
from connector.accounts.models import Role
from connector.extensions import db, transaction


def test_on_the_command_line_it_is_the_local_operator(office):
    with office.app.app_context():
        audit.record("remap", "A repository", items=3)
        entry = db.session.scalar(audit.listed())

    assert (entry.who, entry.what, entry.about) == ("local operator", "remap", "A repository")
    assert (entry.address, entry.data) == ("command line", {"items": 3})


def test_an_entry_is_there_only_if_what_it_tells_of_is(office):
    with office.app.app_context(), pytest.raises(ZeroDivisionError), transaction():
        audit.note("undo")
        raise ZeroDivisionError

    assert office.trail() == []


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'somebody else'", "DELETE FROM audit"])
def test_the_database_refuses_to_change_or_remove_an_entry(office, statement):
    with office.app.app_context():
        audit.record("sign-in", "Anna")
        with pytest.raises(DatabaseError, match="only added to"), transaction():
            db.session.execute(db.text(statement))

    assert office.trail() == [("local operator", "sign-in", "Anna")]


def test_it_is_listed_newest_first_by_person_and_by_kind(office):
    office.add("Anna", Role.ADMIN)
    with office.app.app_context():
        audit.record("sign-in", "Anna")

        assert [entry.what for entry in db.session.scalars(audit.listed())] == ["sign-in", "password set", "invite"]
        assert [entry.about for entry in db.session.scalars(audit.listed(what="sign-in"))] == ["Anna"]
        assert db.session.scalars(audit.listed(who="Anna")).all() == []
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

    assert len(office.trail()[0][2]) == audit.LONGEST
