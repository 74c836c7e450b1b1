"""Use cases: keep the login at a repository sealed, enter with it, forget it."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app

from ..accounts import audit
from ..accounts.authorization import require
from ..dspace.login import Account, Login
from ..encryption import seal, unseal
from ..extensions import db, transaction
from ..http import OutageWait
from ..models.accounts import Role
from ..models.repositories import Repository
from . import service
from .http_factory import open_http, page_outage


def sign_in(repository_id: int, name: str, password: str) -> None:
    """Keep a login for a repository, once it has let us in: the password sealed with the secret key of this app.

    Raises LoginFailedError and what `HttpClient` raises; then the login kept before, if any, is still the one that is
    kept.
    """
    repository = service.get(repository_id)
    server, delay = repository.server, repository.delay or 0
    db.session.rollback()
    http = open_http(server.api_url, page_outage(), delay=delay, connect_timeout=10, read_timeout=15)
    try:
        Login(http, server, Account(name, password)).enter()
    finally:
        http.close()
    secret = seal(password, current_app.config["SECRET_KEY"])
    with transaction():
        repository = service.get(repository_id)
        repository.login_name, repository.login_secret = name, secret
        audit.note("login at the source", repository.site_url, name=name)


def to_be_moved(repository_id: int) -> Repository:
    """The repository. Raises PermissionDeniedError where a login is kept, unless an administrator asks, who may set
    one."""
    repository = service.get(repository_id)
    if repository.login_name is not None:
        require(Role.ADMIN)
    return repository


def sign_out(repository_id: int) -> None:
    """Forget the login of a repository. The repository is not told: that would end other sessions of the account."""
    with transaction():
        repository = service.get(repository_id)
        repository.login_name = repository.login_secret = None
        audit.note("login forgotten", repository.site_url)


def kept(repository: Repository) -> Account | None:
    """The login that is kept, if any. Raises InvalidInputError where the secret key is another one now."""
    if repository.login_name is None or repository.login_secret is None:
        return None
    whose = f"{repository.login_name} at {repository.label}"
    return Account(repository.login_name, unseal(repository.login_secret, current_app.config["SECRET_KEY"], whose))


def enter(login: Login, outage: OutageWait) -> None:
    """Log in; a repository that does not answer is waited for, one that refuses is not asked again."""
    outage.retry_until_available("login", login.enter)


def is_as_safe(known: str, new: str) -> bool:
    """Whether a password that was given for one address may travel to another: the same server, now with TLS or not."""
    old, now = urlsplit(known), urlsplit(new)
    gains_tls = (old.scheme, old.port, now.scheme, now.port) == ("http", None, "https", None)
    return old.hostname == now.hostname and (gains_tls or (old.scheme, old.port) == (now.scheme, now.port))
