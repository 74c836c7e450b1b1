"""Use cases: save the login of a repository encrypted, log in with it, and delete it."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app

from ..accounts import audit
from ..accounts.authorization import require
from ..dspace.login import Login, SourceLogin
from ..encryption import seal, unseal
from ..extensions import db, transaction
from ..http import OutageWait
from ..models.accounts import Role
from ..models.repositories import Repository
from . import service
from .http_factory import open_http, page_outage


def sign_in(repository_id: int, name: str, password: str) -> None:
    """Log in to a repository and save the login, with the password encrypted by the secret key of this app.

    Raise LoginFailedError and the errors of `HttpClient`. Then the saved login, if any, stays unchanged.
    """
    repository = service.get(repository_id)
    server, delay = repository.server, repository.delay or 0
    db.session.rollback()
    http = open_http(server.api_url, page_outage(), delay=delay, connect_timeout=10, read_timeout=15)
    try:
        Login(http, server, SourceLogin(name, password)).enter()
    finally:
        http.close()
    secret = seal(password, current_app.config["SECRET_KEY"])
    with transaction():
        repository = service.get(repository_id)
        repository.login_name, repository.login_secret = name, secret
        audit.note("login at the source", repository.site_url, name=name)


def movable(repository_id: int) -> Repository:
    """Return the repository, which the caller wants to move to another address.

    Raise PermissionDeniedError if it has a saved login and the user is not an administrator, since only administrators
    may set a login.
    """
    repository = service.get(repository_id)
    if repository.login_name is not None:
        require(Role.ADMIN)
    return repository


def sign_out(repository_id: int) -> None:
    """Delete the login of a repository here. No logout is sent, because it would end other sessions of the account."""
    with transaction():
        repository = service.get(repository_id)
        repository.login_name = repository.login_secret = None
        audit.note("login forgotten", repository.site_url)


def saved_login(repository: Repository) -> SourceLogin | None:
    """Return the saved login, or None. Raise InvalidInputError if the secret key has changed."""
    if repository.login_name is None or repository.login_secret is None:
        return None
    whose = f"{repository.login_name} at {repository.label}"
    return SourceLogin(repository.login_name, unseal(repository.login_secret, current_app.config["SECRET_KEY"], whose))


def enter(login: Login, outage: OutageWait) -> None:
    """Log in. Wait for a repository that does not answer. Do not retry if it refuses the login."""
    outage.retry_until_available("login", login.enter)


def is_as_safe(known: str, new: str) -> bool:
    """Return whether a password for one address may be sent to another: the same server, perhaps now with TLS."""
    old, now = urlsplit(known), urlsplit(new)
    gains_tls = (old.scheme, old.port, now.scheme, now.port) == ("http", None, "https", None)
    return old.hostname == now.hostname and (gains_tls or (old.scheme, old.port) == (now.scheme, now.port))
