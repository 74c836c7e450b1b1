"""The API of a DSpace 4 to 6 answers with redirects that lead nowhere, while its pages work."""

from __future__ import annotations

import pytest

from connector.errors import NotDSpaceError, RepositoryError, RequestRejectedError, RestrictedError, UnreachableError
from connector.repositories import discovery
from tests.ports import free_port

from .web_site import Reply, redirect, web_site

LOGIN = Reply(200, b"<html><title>University</title><form method=post><input type=password></form></html>")


def refused(app, answer) -> tuple[RepositoryError, str]:
    """Connect to a site that answers so, below a path of its own; return the error and the address of the site."""
    with web_site(lambda path: answer(site, path)) as site, app.app_context():
        with pytest.raises(RepositoryError) as raised:
            discovery.connect(f"{site.url}/xmlui/", "rest", None)
        return raised.value, site.url


def test_a_redirect_to_a_port_that_nothing_answers_is_named(app):
    port = free_port()

    def answer(site, path):
        return redirect(f"https://127.0.0.1:{port}{path}") if path.startswith("/rest") else Reply()

    error, url = refused(app, answer)

    assert isinstance(error, UnreachableError)
    assert str(error).startswith(f"{url}/rest/status is redirected to https://127.0.0.1:{port}/rest/status. ")
    assert "no web server answers there" in str(error)


def test_a_redirect_without_an_end_is_named(app):
    error, url = refused(app, lambda site, path: redirect(site.url + path) if path.startswith("/rest") else Reply())

    assert isinstance(error, RequestRejectedError)
    assert str(error).startswith(f"{url}/rest/status is redirected without an end. The administrator ")


def test_a_login_page_is_named(app):
    def answer(site, path):
        if path.startswith("/idp"):
            return LOGIN
        return redirect(f"{site.url}/idp/profile?SAMLRequest=abc") if path.startswith("/rest") else Reply()

    error, url = refused(app, answer)

    assert isinstance(error, RestrictedError)
    assert str(error).startswith(f"{url}/rest/status is redirected to a login page at {url}. Ask its administrator ")


def test_a_site_that_has_moved_is_named_with_its_new_address(app):
    def answer(site, path):
        return Reply() if path.startswith("/new") else redirect(f"{site.url}/new/")

    error, url = refused(app, answer)

    assert isinstance(error, NotDSpaceError)
    assert f"is redirected to {url}/new. That is no REST API of a DSpace. If the repository has moved, " in str(error)
