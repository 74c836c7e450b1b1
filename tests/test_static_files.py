"""Browsers keep static files for a year, since their addresses change with their content."""

from __future__ import annotations

import gzip
import re

import pytest

FOR_A_YEAR = "public, max-age=31536000, immutable"


def addresses(client) -> list[str]:
    """The static files that a page loads."""
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get("/account/").text)


def test_each_static_file_of_a_page_is_kept_for_a_year(client):
    found = addresses(client)

    assert len(found) >= 4
    assert all(re.search(r"\.[0-9a-f]{16}\.\w+$", address) for address in found)
    for address in found:
        answer = client.get(address, buffered=True)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, FOR_A_YEAR), address


@pytest.mark.parametrize("name", ["style.css", "style.0123456789abcdef.css"])
def test_a_static_file_is_not_kept_under_a_name_without_its_hash(client, name):
    answer = client.get(f"/static/{name}", buffered=True)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")


def test_the_address_of_a_static_file_changes_with_its_content(app, client, tmp_path):
    app.static_folder = str(tmp_path)
    style = tmp_path / "style.css"
    style.write_text("a {}")
    first = addresses(client)
    style.write_text("b {}")

    assert set(addresses(client)) - set(first) != set()


def test_a_static_file_that_does_not_exist_has_no_hash(app):
    with app.test_request_context():
        assert app.url_for("static", filename="none.css") == "/static/none.css"
        assert app.url_for("static", filename="../config.py") == "/static/../config.py"


def test_texts_are_compressed_for_browsers_that_accept_it(client):
    for address in addresses(client):
        plain = client.get(address, buffered=True)
        answer = client.get(address, buffered=True, headers={"Accept-Encoding": "gzip"})

        assert "Content-Encoding" not in plain.headers
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.data) == plain.data
        assert plain.headers["Vary"] == answer.headers["Vary"] == "Accept-Encoding"  # not Cookie, which often changes
        known = {"If-None-Match": answer.headers["ETag"], "Accept-Encoding": "gzip"}
        assert client.get(address, headers=known, buffered=True).status_code == 304


def test_a_page_loads_less_than_50_kb_of_static_files(client):
    zipped = {"buffered": True, "headers": {"Accept-Encoding": "gzip"}}

    assert sum(len(client.get(address, **zipped).data) for address in addresses(client)) < 50_000
