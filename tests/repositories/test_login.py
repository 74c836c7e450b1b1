"""The login at a repository: checked before it is stored, encrypted at rest, and used by every page."""

from __future__ import annotations

import json
import re

import pytest

from connector.accounts.authorization import allows
from connector.dspace import Found
from connector.dspace.records import ScopeKind, Server
from connector.errors import (
    InvalidInputError,
    LoginFailedError,
    NotFoundError,
    OutageLimitError,
    RestrictedError,
    ServerError,
    TransientError,
)
from connector.extensions import db
from connector.http import OutageWait
from connector.models.repositories import Repository
from connector.repositories import connections, credentials, discovery, service
from connector.web.repositories.connection_forms import LoginForm
from tests.pages import FRAGMENT, buttons, words
from tests.sample import SampleRepository
from tests.sample.login import NAME, PASSWORD

OPTIONS, LOGIN, FORGET = "/repositories/1/", "/repositories/1/login", "/repositories/1/login/forget"
GIVEN = {"login_name": NAME, "password": PASSWORD}


@pytest.fixture
def connected(client, sample):
    """A client that has connected to the sample, which has forgotten what it was asked for that."""
    client.post("/repositories/", data={"url": sample.url, "endpoint": "rest", "limit": ""})
    sample.reset()
    return client


def kept(app) -> tuple[str | None, str | None]:
    with app.app_context():
        repository = db.session.get(Repository, 1)
        return repository.login_name, repository.login_secret


@pytest.mark.parametrize("generation", [5, 6, 7, 9, 10])
def test_a_login_opens_restricted_items(app, generation):
    with SampleRepository(generation) as sample, app.app_context():
        id = discovery.connect(sample.url, "rest", None).repository_id
        handle = sample.data.named("Closed stacks").handle
        sample.data.restrict(sample.data.named("No file"))
        closed = sample.data.named("No file").handle
        with pytest.raises((NotFoundError, RestrictedError), match=r"not open|nothing with the handle"):
            discovery.find(id, ScopeKind.ITEM, closed)

        credentials.sign_in(id, NAME, PASSWORD)

        assert discovery.find(id, ScopeKind.COLLECTION, handle).scope.name == "Closed stacks"
        assert discovery.find(id, ScopeKind.ITEM, closed).scope.name == "No file"


def test_a_refused_login_is_not_stored_and_the_earlier_login_stays(app, connected, sample):
    with app.app_context():
        with pytest.raises(LoginFailedError, match="does not accept this name and password"):
            credentials.sign_in(1, NAME, "wrong")
        assert kept(app) == (None, None)
        credentials.sign_in(1, NAME, PASSWORD)
        before = kept(app)

        with pytest.raises(LoginFailedError):
            credentials.sign_in(1, "other@example.org", PASSWORD)

        assert kept(app) == before
        assert sample.logins.asked == 3


def test_the_password_is_kept_sealed(app, connected):
    connected.post(LOGIN, data=GIVEN)

    name, secret = kept(app)

    assert name == NAME
    assert PASSWORD not in secret
    with app.app_context():
        assert connections.open_connection(db.session.get(Repository, 1)).login is not None


def test_without_a_login_a_connection_has_no_public_client(app, connected):
    with app.app_context(), connections.connection_to(db.session.get(Repository, 1)) as connection:
        assert (connection.login, connection.public) == (None, None)


def test_the_public_client_stays_signed_out(app):
    """On 6 the login is a cookie, which a door of its own does not have."""
    with SampleRepository(6) as sample, app.app_context():
        id = discovery.connect(sample.url, "rest", None).repository_id
        restricted = sample.data.named("Restricted item").uuid
        credentials.sign_in(id, NAME, PASSWORD)

        with connections.connection_to(service.get(id)) as connection:
            assert connection.client.find(ScopeKind.ITEM, restricted).name == "Restricted item"
            with pytest.raises(RestrictedError):
                connection.public.client.find(ScopeKind.ITEM, restricted)


def test_both_clients_share_one_maximum_outage_and_each_wait_is_counted_once(app, connected):
    connected.post(LOGIN, data=GIVEN)
    with app.app_context():
        outage = OutageWait(pause=lambda seconds: False)
        connection = connections.open_connection(db.session.get(Repository, 1), new_outage=lambda: outage)

        connection.public.outage.wait("file", TransientError("busy"))
        connection.close()

    assert connection.public.outage is connection.outage is outage
    assert connection.traffic()["waits"] == 1


def test_no_transaction_is_open_while_a_login_is_entered(app, connected, sample):
    connected.post(LOGIN, data=GIVEN)
    seen = []
    with app.app_context():
        repository, pool = db.session.get(Repository, 1), db.engine.pool
        sample.faults.add(lambda target: seen.append(pool.checkedout()), times=None)

        discovery.find(1, ScopeKind.COLLECTION, sample.data.named("Closed stacks").handle)
        connections.open_connection(repository).close()

    assert len(seen) >= 5
    assert set(seen) == {0}


def test_a_client_that_signs_out_is_anonymous_again(app, connected, sample):
    connected.post(LOGIN, data=GIVEN)

    page = connected.post(FORGET, follow_redirects=True)

    assert kept(app) == (None, None)
    assert "The login was deleted" in words(page)
    assert "signs in as" not in words(page).lower()
    with app.app_context(), pytest.raises(RestrictedError):
        discovery.find(1, ScopeKind.ITEM, sample.data.named("Restricted item").uuid)


def test_the_page_shows_the_login_name_and_never_the_password(connected):
    page = connected.post(LOGIN, data=GIVEN, follow_redirects=True)
    first = connected.get("/repositories/")

    assert f"Imports now sign in as {NAME} ." in words(page)
    assert f"Signs in as {NAME} ." in words(page)
    assert f"signs in as {NAME}" in words(first)
    for shown in (page, first, connected.post(LOGIN, data=GIVEN | {"login_name": ""})):
        assert PASSWORD not in shown.get_data(as_text=True)
        assert "open &amp; sesame" not in shown.get_data(as_text=True)


def test_the_form_keeps_browsers_from_filling_in_another_password(connected):
    page = connected.get(OPTIONS).get_data(as_text=True)

    (password,) = re.findall(r'<input [^>]*name="password"[^>]*>', page)
    assert 'autocomplete="new-password"' in password
    assert 'type="password"' in password
    assert 'value=""' in password


def test_a_wrong_password_is_reported_at_the_field(connected, sample):
    page = connected.post(LOGIN, data=GIVEN | {"password": "a canary"})

    assert page.status_code == 422
    assert "The repository does not accept this name and password." in words(page)
    assert f'value="{NAME}"' in page.get_data(as_text=True)
    assert "a canary" not in page.get_data(as_text=True)
    assert "<details open>" in page.get_data(as_text=True)
    assert sample.logins.asked == 1


@pytest.mark.parametrize("missing", ["login_name", "password"])
def test_name_and_password_are_both_needed(connected, sample, missing):
    page = connected.post(LOGIN, data=GIVEN | {missing: ""})

    assert page.status_code == 422
    assert f"Type the {missing.removeprefix('login_')}." in words(page)
    assert sample.requests == []


def test_an_unreachable_repository_is_reported_at_the_field(app, connected, sample):
    sample.faults.add("/authn/", times=None, status=404)

    page = connected.post(LOGIN, data=GIVEN)

    assert page.status_code == 422
    assert "has nothing at this address." in words(page)
    assert kept(app) == (None, None)


def test_dspace_4_offers_no_login(app, client):
    with SampleRepository(4) as sample:
        client.post("/repositories/", data={"url": sample.url, "endpoint": "rest", "limit": ""})

        page = client.get(OPTIONS)
        tried = client.post(LOGIN, data=GIVEN)

    assert "has no login for programs" in words(page)
    assert b'name="password"' not in page.data
    assert tried.status_code == 422


def test_a_login_shows_closed_collections_in_the_list_at_once(connected):
    before = connected.get("/repositories/1/collections", headers=FRAGMENT)
    connected.post(LOGIN, data=GIVEN)
    after = connected.get("/repositories/1/collections", headers=FRAGMENT)

    assert len(buttons(after, "scope")) == len(buttons(before, "scope")) + 1
    assert "Closed stacks" in words(after)


@pytest.fixture
def connected_with_old_password(connected, sample):
    """The password has changed at the repository since it was kept."""
    connected.post(LOGIN, data=GIVEN)
    sample.faults.add(lambda target: target.endswith("/authn/login"), times=None, status=401)
    return connected


@pytest.mark.parametrize("name", ["collections", "communities"])
def test_a_list_says_that_the_login_is_refused(connected_with_old_password, name):
    page = connected_with_old_password.get(f"/repositories/1/{name}", headers=FRAGMENT)

    assert page.status_code == 200
    assert "The repository does not accept this name and password." in words(page)


@pytest.mark.parametrize("more", [{}, {"estimate": "y"}], ids=["import", "estimate"])
def test_an_import_says_that_the_login_is_refused(connected_with_old_password, more):
    page = connected_with_old_password.post(OPTIONS, data={"scope": "repository:", "item_set": "", **more})

    assert page.status_code == 422
    assert "The repository does not accept this name and password." in words(page)


def test_another_secret_key_asks_to_type_the_password_again(app, connected):
    connected.post(LOGIN, data=GIVEN)
    app.config["SECRET_KEY"] = "another"
    connected = app.test_client()  # whose cookie is signed with that one

    started = connected.post(OPTIONS, data={"scope": "repository:", "item_set": ""})
    listed = connected.get("/repositories/1/collections", headers=FRAGMENT)

    assert started.status_code == 422
    for page in (started, listed):
        assert f"The password of {NAME} at Aldermouth Sample Repository cannot be decrypted" in words(page)


def test_an_unhandled_refused_login_is_shown_as_an_input_error(app):
    @app.get("/refused")
    @allows(None)
    def refused():
        raise LoginFailedError("The repository does not accept this name and password.")

    page = app.test_client().get("/refused")

    assert page.status_code == 422
    assert "does not accept this name and password" in words(page)


@pytest.mark.parametrize(
    ("moved_to", "stays"),
    [
        ("http://repo.example.org", True),
        ("https://repo.example.org", True),
        ("http://other.example.org", False),
        ("http://repo.example.org:8080", False),
    ],
)
def test_a_password_does_not_travel_to_another_server(app, moved_to, stays):
    with app.app_context():
        known = found_at("http://repo.example.org")
        id = discovery._remember(known, None, None)[0].id
        repository = db.session.get(Repository, id)
        repository.login_name, repository.login_secret = NAME, "sealed"

        _, forgotten = discovery._remember(found_at(moved_to), None, id)

        assert forgotten is not stays
        assert (repository.login_name, repository.login_secret) == ((NAME, "sealed") if stays else (None, None))


def test_a_password_given_under_tls_does_not_travel_without(app):
    with app.app_context():
        repository, _ = discovery._remember(found_at("https://repo.example.org"), None, None)
        repository.login_name, repository.login_secret = NAME, "sealed"

        discovery._remember(found_at("http://repo.example.org"), None, None)

        assert repository.login_name is None


class Slow:
    """A login that a repository in trouble lets in at the third try."""

    tried = 0

    def enter(self) -> None:
        self.tried += 1
        if self.tried < 3:
            raise ServerError("The repository has a bad hour.")


def test_a_repository_that_fails_for_a_while_is_waited_for():
    waited, login = [], Slow()

    credentials.enter(login, OutageWait(60, pause=lambda seconds: waited.append(seconds)))

    assert login.tried == 3
    assert [usual <= seconds <= usual * 1.25 for usual, seconds in zip((5, 10), waited, strict=True)] == [True] * 2


def test_the_wait_for_a_failing_repository_ends_with_the_maximum_outage():
    with pytest.raises(OutageLimitError, match="bad hour"):
        credentials.enter(Slow(), OutageWait(0))


def found_at(site: str) -> Found:
    server = Server(site, f"{site}/server/api", 9, "9.3")
    return Found(server, None, (server.api_url,))


class TestCommand:
    """`flask login`."""

    @pytest.fixture
    def flask(self, app, connected):
        with app.app_context():
            yield app.test_cli_runner()

    def test_the_password_is_the_first_line_of_stdin(self, app, flask):
        done = flask.invoke(args=["login", "1", NAME], input=f"{PASSWORD}\nmore\n")

        assert (done.exit_code, done.output) == (0, f"Imports sign in at Aldermouth Sample Repository as {NAME}.\n")
        assert kept(app)[0] == NAME

    def test_a_repository_at_an_address_that_is_not_known_is_connected(self, app, sample):
        with app.app_context():
            done = app.test_cli_runner().invoke(args=["login", sample.url, NAME], input=PASSWORD)

            assert (done.exit_code, kept(app)[0]) == (0, NAME)

    def test_json_output_contains_the_login_name(self, flask):
        done = flask.invoke(args=["login", "1", NAME, "--json"], input=PASSWORD)

        assert json.loads(done.output) == {"login": NAME}

    def test_the_option_forget_deletes_the_login(self, app, flask):
        flask.invoke(args=["login", "1", NAME], input=PASSWORD)

        done = flask.invoke(args=["login", "1", "--forget"])

        assert (done.exit_code, kept(app)) == (0, (None, None))

    @pytest.mark.parametrize(
        ("arguments", "given", "sentence"),
        [
            (["1", NAME], "wrong\n", "does not accept this name and password"),
            (["1", NAME], "", "first line of stdin"),
            (["1"], PASSWORD, "Give a name to sign in with, or --forget."),
            (["1", NAME, "--forget"], PASSWORD, "Give a name to sign in with, or --forget."),
            (["nowhere", NAME], PASSWORD, "names no repository"),
        ],
    )
    def test_invalid_requests_print_a_sentence_and_exit_with_2(self, app, flask, arguments, given, sentence):
        done = flask.invoke(args=["login", *arguments], input=given)

        assert done.exit_code == 2
        assert sentence in done.output
        assert kept(app) == (None, None)


def test_a_password_that_cannot_be_read_any_more_names_its_repository(app, connected):
    connected.post(LOGIN, data=GIVEN)
    app.config["SECRET_KEY"] = "another"

    with app.app_context(), pytest.raises(InvalidInputError, match=f"{NAME} at Aldermouth Sample Repository"):
        connections.open_connection(db.session.get(Repository, 1))


def test_a_refused_login_is_shown_at_the_password_field(app):
    with app.test_request_context(method="POST"):
        form = LoginForm()
        form.refuse(LoginFailedError("The repository does not accept this name and password."))

        assert list(form.password.errors) == ["The repository does not accept this name and password."]
        assert not form.login_name.errors
