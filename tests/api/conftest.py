"""A program that reads the stocked catalogue with an access token."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.accounts import access_tokens, user_management
from tests import signed_in


class Program:
    """A program with an access token of the admin of the tests. It keeps no cookies."""

    def __init__(self, app: Flask, token: str):
        self.app, self.token = app, token
        app.test_client_class = FlaskClient
        self.client = app.test_client(use_cookies=False)

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> TestResponse:
        """The answer to a request with the token."""
        sent = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        return self.client.open(path, method=method, headers=sent)

    def read(self, path: str) -> Any:
        """The JSON at an address."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json


def token_of(app: Flask, name: str = signed_in.NAME, called: str = "harvester") -> str:
    """A new access token of this account."""
    with app.app_context():
        return access_tokens.create(user_management.find_account(name).id, called)


@pytest.fixture
def program(stocked_app: Flask) -> Program:
    """A program that reads the stocked catalogue."""
    return Program(stocked_app, token_of(stocked_app))
