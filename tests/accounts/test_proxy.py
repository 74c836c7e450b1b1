"""CONNECTOR_AUTH=proxy: a header names the user, and is trusted only from the configured proxies."""

from __future__ import annotations

import ipaddress
import unicodedata
from datetime import timedelta

import pytest
from sqlalchemy import event
from werkzeug.middleware.proxy_fix import ProxyFix

from config import SettingError, load
from connector.accounts import user_management
from connector.accounts.sessions import Person
from connector.errors import InvalidInputError
from connector.extensions import db, transaction, utcnow
from connector.models.accounts import Account, Role
from tests.pages import FRAGMENT, words

PROXY = "10.1.2.3"


@pytest.fixture
def office(office):
    office.app.config.update(AUTH="proxy", TRUSTED_PROXIES=(ipaddress.ip_network("10.1.2.0/24"),))
    return office


def ask(office, path="/account/", name="Anna", peer=PROXY, **headers):
    named = {"X-Remote-User": name} if name is not None else {}
    return office.browser(REMOTE_ADDR=peer).get(path, headers={**named, **headers})


def invite(office, name="Anna", role=Role.EDITOR):
    with office.app.app_context():
        user_management.add(name, role)
        return user_management.find_account(name).id


def test_the_user_named_by_the_proxy_has_the_role_of_the_account(office):
    invite(office)

    page = ask(office, name="anna")

    assert page.status_code == 200
    assert "Anna Your role: editor" in words(page)
    assert "Sign out" not in words(page)
    assert ask(office, "/users/").status_code == 403


def test_a_visit_is_recorded_once_an_hour(office):
    account_id = invite(office)
    noted = []
    for ago in (0, 59, 61):
        with office.app.app_context(), transaction():
            before = db.session.get(Account, account_id).signed_in
            if before:
                db.session.get(Account, account_id).signed_in = before - timedelta(minutes=ago)
            noted.append(user_management.find_account("Anna").state)
        ask(office)
        noted.append(office.account("Anna").signed_in > utcnow() - timedelta(minutes=1))

    assert noted == ["invited", True, "active", False, "active", True]


def test_a_header_from_elsewhere_is_ignored_and_logged(office, caplog):
    invite(office)

    answer = ask(office, peer="192.0.2.66")

    assert answer.status_code == 403
    assert "did not say who you are" in words(answer)
    assert "192.0.2.66" in caplog.text
    assert "Anna" not in caplog.text


def test_an_address_in_a_header_does_not_make_a_proxy(office):
    invite(office)
    office.app.wsgi_app = ProxyFix(office.app.wsgi_app)

    assert ask(office, peer="192.0.2.66", **{"X-Forwarded-For": PROXY}).status_code == 403
    assert ask(office, peer=PROXY, **{"X-Forwarded-For": "192.0.2.66"}).status_code == 200


@pytest.mark.parametrize("peer", ["", "unix:", "10.1.3.3", "::ffff:192.0.2.1"])
def test_requests_from_an_unlisted_proxy_are_refused(office, peer):
    invite(office)

    assert ask(office, peer=peer).status_code == 403


def test_a_name_beyond_ascii_is_read_as_utf_8_and_refused_in_any_other_encoding(office):
    invite(office, "Jörg Müller")
    invite(office, "Niccolà")  # whose last byte alone would be a space

    assert "Jörg Müller Your role" in words(ask(office, name="Jörg Müller".encode().decode("latin-1")))
    assert "Niccolà Your role" in words(ask(office, name="Niccolà".encode().decode("latin-1")))
    refused = ask(office, name="Jörg Müller")

    assert refused.status_code == 403
    assert "another encoding than UTF-8" in words(refused)


def test_unknown_names_are_refused(office):
    answer = ask(office, name="Stranger")

    assert answer.status_code == 403
    assert "You are signed in as Stranger, but have no account here" in words(answer)


def test_new_users_get_the_configured_role_and_keep_later_roles(office):
    office.app.config["AUTH_DEFAULT_ROLE"] = "viewer"

    assert "Newcomer Your role: viewer" in words(ask(office, name="Newcomer"))
    with office.app.app_context():
        user_management.set_role(user_management.find_account("newcomer").id, Role.EDITOR)
        db.session.rollback()

    assert "Newcomer Your role: editor" in words(ask(office, name="NEWCOMER"))
    assert ("nobody", "account made", "Newcomer") in office.trail()


def as_sent(name):
    """The name as a web server hands it on, byte by byte."""
    return name.encode().decode("latin-1")


@pytest.mark.parametrize(
    ("theirs", "name"),
    [
        ("Strauß", "strauss"),
        ("strauss", "Strauß"),
        ("Anna", "Ａｎｎａ"),
        ("Anna Berg", "Anna\u00a0Berg"),
        ("田中 太郎", "田中\u3000太郎"),
        ("fiona", "ﬁona"),
        ("Smith", "ſmith"),
        ("x2", "x²"),
    ],
)
@pytest.mark.parametrize("default", [None, "viewer"])
def test_a_name_that_only_resembles_an_account_is_refused(office, caplog, theirs, name, default):
    office.app.config["AUTH_DEFAULT_ROLE"] = default
    invite(office, theirs, Role.ADMIN)

    answers = [ask(office, "/users/", name=as_sent(name)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [403, 403]
    said = f"You are known as {' '.join(name.split())}, which is too like the name of an account here and not the same."
    assert said in words(answers[0])
    [record] = [record for record in caplog.records if "too like" in record.getMessage()]
    assert (record.levelname, record.getMessage()) == (
        "WARNING",
        f"The proxy {PROXY} names {name!r}, which is too like the name {theirs!r} here: refused. "
        "If both are one person: flask user respell.",
    )
    with office.app.app_context():
        assert [account.signed_in for account in db.session.scalars(db.select(Account))] == [None]


@pytest.mark.parametrize(
    ("theirs", "name"), [("Strauß", "STRAUẞ"), ("Jörg", "jo\u0308rg"), ("ÅSA", "a\u030asa"), ("ǰan", "J\u030can")]
)
def test_names_that_differ_in_case_or_unicode_form_are_the_same(office, theirs, name):
    invite(office, theirs)

    assert f"{theirs} Your role: editor" in words(ask(office, name=as_sent(name)))


TOLD_APART = ["田中\u3000太郎", "ﬁnn", "ｱﾝﾅ", "Ａｎｎａ", "x²", "Anna\u00a0Berg"]


@pytest.mark.parametrize("name", TOLD_APART)
@pytest.mark.parametrize("default", [None, "viewer"])
def test_a_name_with_a_plainer_unicode_form_is_accepted_only_as_the_proxy_sends_it(office, name, default):
    office.app.config["AUTH_DEFAULT_ROLE"] = default
    if default is None:
        invite(office, name, Role.VIEWER)

    answers = [ask(office, name=as_sent(name)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert f"{' '.join(name.split())} Your role: viewer" in words(answers[0])
    assert office.account(name).name == name
    assert ask(office, name=as_sent(unicodedata.normalize("NFKC", name))).status_code == 403


@pytest.mark.parametrize("name", ["ｎｏｂｏｄｙ", "local\u3000operator", "a，b", "\u3164", "Anna\u200b"])
def test_forbidden_names_are_refused_in_wide_letters_and_other_spaces(office, name):
    office.app.config["AUTH_DEFAULT_ROLE"] = "admin"

    assert ask(office, name=as_sent(name)).status_code == 403
    with office.app.app_context(), pytest.raises(InvalidInputError):
        user_management.add(name, Role.VIEWER)


@pytest.mark.parametrize("default", [None, "viewer"])
@pytest.mark.parametrize("name", ["anna\u00a0", "\u3000anna"])
def test_a_name_with_a_space_around_it_is_refused_with_that_reason_and_makes_no_account(office, name, default):
    office.app.config["AUTH_DEFAULT_ROLE"] = default

    answer = ask(office, name=as_sent(name))

    assert answer.status_code == 403
    assert "sends your name with a space around it that nobody sees" in words(answer)
    assert office.trail() == []


@pytest.mark.parametrize(
    ("kept", "name"), [("田中 太郎", "田中\u3000太郎"), ("finn", "ﬁnn"), ("Strauss", "Strauß"), ("Anna", "Ａｎｎａ")]
)
def test_an_account_in_another_spelling_works_after_it_is_respelt(office, kept, name):
    account_id = invite(office, kept)
    assert ask(office, name=as_sent(name)).status_code == 403

    with office.app.app_context():
        user_management.respell(name)

    assert f"{' '.join(name.split())} Your role: editor" in words(ask(office, name=as_sent(name)))
    assert ask(office, name=as_sent(kept)).status_code == 403
    account = office.account(name)
    assert account.id == account_id
    assert Person(account.id, account.name, Role.EDITOR).owns(kept)
    assert ("local operator", "spelling", kept) in office.trail()


def statuses_of_two_at_once(office, name: str, meanwhile: str) -> tuple[int, int]:
    """Of the request of one person, and of another that is answered after the first has looked for an account."""
    came: list[int | None] = []

    def ask_meanwhile(connection, cursor, statement, *_):
        if "FROM account" in statement and not came:
            came.append(None)  # its own look is not meant
            came[0] = ask(office, name=meanwhile).status_code

    with office.app.app_context():
        engine = db.engine
    event.listen(engine, "after_cursor_execute", ask_meanwhile)
    try:
        return ask(office, name=name).status_code, came[0]
    finally:
        event.remove(engine, "after_cursor_execute", ask_meanwhile)


@pytest.mark.parametrize(("meanwhile", "status"), [("Strauß", 200), ("STRAUß", 200), ("strauss", 403)])
def test_two_concurrent_first_requests_succeed_if_their_names_are_identical(office, meanwhile, status):
    office.app.config["AUTH_DEFAULT_ROLE"] = "viewer"

    assert statuses_of_two_at_once(office, as_sent("Strauß"), as_sent(meanwhile)) == (status, 200)


def test_the_name_that_apache_sends_for_anonymous_is_anonymous(office):
    office.app.config["AUTH_DEFAULT_ROLE"] = "editor"

    answer = ask(office, name="(null)")

    assert answer.status_code == 403
    assert "did not say who you are" in words(answer)
    assert office.trail() == []


@pytest.mark.parametrize("name", ["local operator", "a,b", "x" * 200])
def test_a_forbidden_name_is_refused_with_the_reason(office, name):
    office.app.config["AUTH_DEFAULT_ROLE"] = "admin"

    assert ask(office, name=name).status_code == 403


def test_a_disabled_account_is_refused(office):
    anna = invite(office)
    invite(office, "Boss", Role.ADMIN)
    with office.app.app_context():
        user_management.disable(anna)

    assert ask(office).status_code == 403


def test_without_a_name_pages_and_fragments_are_refused(office):
    assert ask(office, name=None).status_code == 403
    assert ask(office, name="  ").status_code == 403
    assert ask(office, "/jobs/3/row", name=None, **FRAGMENT).status_code == 403


def test_an_earlier_session_is_invalid_behind_a_proxy(office):
    office.app.config["AUTH"] = "local"
    office.add("Anna")
    browser = office.enter("Anna")
    office.app.config["AUTH"] = "proxy"

    assert browser.get("/account/").status_code == 403


def test_there_is_no_sign_in_page_and_no_first_link(office):
    assert office.browser().get("/sign-in").status_code == 404
    assert office.browser().post("/sign-in", data={"name": "Anna", "password": "x"}).status_code == 404
    with office.app.app_context():
        assert not user_management.needs_first_admin()


def test_there_is_no_sign_out_behind_a_proxy_that_signs_in(office):
    invite(office)
    browser = office.browser(REMOTE_ADDR=PROXY, HTTP_X_REMOTE_USER="Anna")

    assert browser.post("/sign-out").status_code == 404

    assert "sign-out" not in [what for _, what, _ in office.trail()]


def test_the_last_admin_cannot_be_removed_behind_a_proxy(office):
    boss = invite(office, "Boss", Role.ADMIN)
    browser = office.browser(REMOTE_ADDR=PROXY)

    answer = browser.post(f"/users/{boss}/disable", headers={"X-Remote-User": "Boss"})

    assert answer.status_code == 409


def test_the_header_can_have_another_name(office):
    office.app.config["AUTH_HEADER"] = "Remote-User"
    invite(office)

    assert ask(office, name=None, **{"Remote-User": "Anna"}).status_code == 200
    assert ask(office).status_code == 403


def test_proxy_settings_are_read_and_invalid_ones_refused():
    settings = load(
        {
            "CONNECTOR_AUTH": "proxy",
            "CONNECTOR_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8",
            "CONNECTOR_AUTH_DEFAULT_ROLE": "viewer",
        }
    )
    assert (settings["AUTH"], settings["AUTH_HEADER"], settings["AUTH_DEFAULT_ROLE"]) == (
        "proxy",
        "X-Remote-User",
        "viewer",
    )
    assert settings["TRUSTED_PROXIES"] == tuple(map(ipaddress.ip_network, ("127.0.0.1/32", "10.0.0.0/8")))
    assert (load({})["AUTH"], load({})["AUTH_DEFAULT_ROLE"], load({})["TRUSTED_PROXIES"]) == ("local", None, ())


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"AUTH": "proxy"}, "CONNECTOR_TRUSTED_PROXIES"),
        ({"AUTH": "ldap"}, "local, proxy"),
        ({"AUTH_HEADER": "X Remote"}, "name of a header"),
        ({"AUTH_HEADER": "X_Remote_User"}, "name of a header"),
        ({"AUTH_DEFAULT_ROLE": "owner"}, "viewer, editor, admin"),
        ({"TRUSTED_PROXIES": "my proxy"}, "my proxy"),
    ],
)
def test_an_invalid_proxy_setting_is_refused(environ, says):
    with pytest.raises(SettingError, match=says):
        load({f"CONNECTOR_{name}": value for name, value in environ.items()})
