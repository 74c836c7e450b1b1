"""A DSpace 7 and later with single sign-on only, and one that refuses logins for want of a CSRF token."""

from __future__ import annotations

import pytest

from connector.errors import LoginFailedError
from connector.repositories import credentials, discovery
from tests.sample import SampleRepository

WAYS = 'shibboleth realm="DSpace REST API", location="https://idp.example.org/Login?target=x", oidc realm="x"'


def refused(app, **answer) -> str:
    """Log in at a repository whose login answers so; return the sentence."""
    with SampleRepository(9) as sample, app.app_context():
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        sample.faults.add("/authn/login", None, **answer)
        with pytest.raises(LoginFailedError) as raised:
            credentials.sign_in(repository_id, "librarian@example.org", "secret-password")
        return str(raised.value)


def test_single_sign_on_without_passwords_is_named(app):
    sentence = refused(app, status=401, headers={"WWW-Authenticate": WAYS})

    assert sentence.startswith("This repository has no login with name and password, only single sign-on ")
    assert "(shibboleth, oidc)" in sentence


def test_a_login_without_its_token_is_no_wrong_password(app):
    assert "forged requests (CSRF)" in refused(app, status=403, body="{}")


def test_a_wrong_password_is_reported_as_wrong(app):
    ways = f'{WAYS}, password realm="DSpace REST API"'

    assert refused(app, status=401, headers={"WWW-Authenticate": ways}) == (
        "The repository does not accept this name and password."
    )
