"""An upgrade gives repositories the keys by which this version finds them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from connector.dspace.endpoint_candidates import base_key
from connector.storage.instance import prepare
from tests.conftest import app_at, let_go
from tests.old_instances import at


@pytest.mark.parametrize(
    "url",
    [
        "https://[2001:db8::1]:8443/server/api",
        "https://[::1]/rest",
        "https://Bücher.example/rest/",
        "https://dspace.example.org./rest",
        "http://Dspace.example.org:80/rest",
        "https://a_b.bücher.example/rest",
    ],
)
def test_an_upgrade_gives_a_repository_the_key_of_its_api(tmp_path, url):
    instance = tmp_path / "old"
    at(instance, "0009")
    with closing(sqlite3.connect(instance / "connector.db")) as connection, connection:
        connection.execute("UPDATE repository SET api_url = ?", (url,))
    app = app_at(instance)
    prepare(app)
    let_go(app)

    with closing(sqlite3.connect(instance / "connector.db")) as connection:
        assert connection.execute("SELECT address_key FROM repository").fetchone() == (base_key(url),)
