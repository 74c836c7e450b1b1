"""The login guard of an import: data that was read while a login had expired is read again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connector.dspace.records import Item, Scope, ScopeKind
from connector.errors import LoginFailedError, RestrictedError, ServerError
from connector.http import OutageWait
from connector.repositories.login_guard import LoginGuard, SessionExpiredError

SCOPE = Scope(ScopeKind.REPOSITORY)


class FakeLogin:
    """A login whose next checks find what `finds` says: True still in, False renewed, or an error."""

    def __init__(self, *finds: bool | Exception):
        self.finds = list(finds)

    def check(self) -> bool:
        found = self.finds.pop(0) if self.finds else True
        if isinstance(found, Exception):
            raise found
        return found


def access(*finds: bool | Exception, waited: list[float] | None = None) -> LoginGuard:
    outage = OutageWait(60, pause=(waited if waited is not None else []).append)
    connection = SimpleNamespace(client=None, public=None, login=FakeLogin(*finds), outage=outage)
    return LoginGuard(connection, "reader@example.org")


def anonymous() -> LoginGuard:
    return LoginGuard(SimpleNamespace(client=None, public=None, login=None, outage=OutageWait(0)), None)


class Reader:
    """Something to read, that notes how often it was; the first times it raises these errors."""

    def __init__(self, *errors: Exception):
        self.errors, self.times = list(errors), 0

    def __call__(self) -> int:
        self.times += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.times


def test_results_read_with_a_valid_login_are_read_once():
    assert access().read_with_valid_login(Reader()) == 1


def test_results_read_with_an_expired_login_are_read_again():
    assert access(False).read_with_valid_login(Reader()) == 2


def test_a_refusal_with_a_valid_login_is_final():
    read = Reader(RestrictedError("closed"), RestrictedError("closed"))

    with pytest.raises(RestrictedError):
        access().read_with_valid_login(read)

    assert read.times == 1


def test_a_refusal_after_the_login_expired_is_repeated():
    assert access(False).retry_after_expired_login(Reader(RestrictedError("closed"))) == 2


def test_results_read_before_another_thread_renewed_the_login_are_read_again():
    way = access(False)

    def read() -> None:
        way.retry_after_expired_login(Reader(RestrictedError("a file")))  # finds the login lapsed, and renews it
        way.confirm()

    with pytest.raises(SessionExpiredError):
        read()
    assert way.read_with_valid_login(Reader()) == 1


def test_a_refusal_before_another_thread_renewed_the_login_is_repeated():
    way = access(False)
    times = []

    def read() -> str:
        times.append(1)
        if len(times) == 1:
            way.retry_after_expired_login(
                Reader(RestrictedError("another file"))
            )  # as another thread would, it renews the login
            raise RestrictedError("closed")
        return "read"

    assert way.retry_after_expired_login(read) == "read"


def test_reading_waits_for_a_repository_that_cannot_confirm_the_login():
    waited: list[float] = []

    assert access(ServerError("a bad hour"), waited=waited).read_with_valid_login(Reader()) == 1

    [seconds] = waited
    assert 5 <= seconds <= 5 * 1.25


def test_a_refused_login_ends_the_import():
    with pytest.raises(LoginFailedError):
        access(False, LoginFailedError("no")).read_with_valid_login(Reader())


def test_without_a_login_no_request_confirms_it():
    way = anonymous()

    items = [Item(id, None, None, None) for id in "ab"]

    assert way.read_with_valid_login(Reader()) == 1
    assert way.open_items(SCOPE, items) == {item.id: item for item in items}
    with pytest.raises(RestrictedError):
        way.retry_after_expired_login(Reader(RestrictedError("closed")))
