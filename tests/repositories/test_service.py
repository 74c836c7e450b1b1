"""Repositories are found by number, name or address."""

from __future__ import annotations

import pytest

from connector.errors import InvalidInputError
from connector.extensions import db, transaction
from connector.models.repositories import Repository
from connector.repositories import service

NAMES = ["Archive: Maps", "Maps [old]", "[Maps]", "https://[Maps"]


@pytest.fixture(autouse=True)
def known_repositories(app):
    with app.app_context():
        with transaction():
            for number, name in enumerate(NAMES):
                site = f"https://r{number}.example.org"
                values = {"address_key": f"r{number}.example.org/rest", "site_url": site, "api_url": f"{site}/rest"}
                db.session.add(Repository(name=name, endpoint="rest", generation=6, version="6.3", **values))
        yield


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_no_address_finds_its_repository(name):
    assert service.find_repository(name).name == name


@pytest.mark.parametrize("text", ["r1.example.org", "https://R1.example.org/rest/"])
def test_an_address_finds_its_repository(text):
    assert service.find_repository(text).name == NAMES[1]


@pytest.mark.parametrize("text", ["No: such", "[No]", "https://[no"])
def test_an_unknown_name_that_is_no_address_is_refused(text):
    with pytest.raises(InvalidInputError, match="names no repository"):
        service.find_repository(text)
