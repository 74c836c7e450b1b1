"""The menu of every page."""

from __future__ import annotations

import re

import pytest


def menu(page: str) -> list[str]:
    """Return the entries of the main menu."""
    nav = re.search(r'(?s)<nav aria-label="Main">.*?</nav>', page)[0]
    return re.findall(r"<a [^>]*>([^<]*)</a>", nav)


def test_the_menu_has_at_most_six_entries(client):
    entries = menu(client.get("/items/").text)

    assert len(entries) <= 6
    assert "Users" not in entries


@pytest.mark.parametrize("address", ["/users/", "/audit/", "/destinations/"])
def test_users_audit_trail_and_destinations_are_pages_of_the_administration(client, address):
    page = client.get(address).text

    administration = re.search(r'(?s)<nav class="kinds" aria-label="Administration">.*?</nav>', page)[0]
    assert re.findall(r"<a [^>]*>([^<]*)</a>", administration) == ["Users", "Audit trail", "Destinations"]
    assert re.search(r'<a href="/users/" aria-current="true">Administration</a>', page)
