"""The endpoint typed is the name space of DSpace (/repository/server), without the /api that is always below it."""

from __future__ import annotations

import pytest

from connector.repositories import discovery, service
from tests.dspace.fake_hal import payload

from .web_site import NOT_FOUND, as_json, web_site

PATH = "/repository/server/api"


def answer(path: str):
    return as_json(payload("root")) if path == PATH else NOT_FOUND


@pytest.mark.parametrize("endpoint", ["repository/server", "/repository/server/", "repository/server/api"])
def test_the_api_below_a_name_space_is_found(app, endpoint):
    with web_site(answer) as site, app.app_context():
        found = discovery.connect(site.url, endpoint, None)

        assert service.get(found.repository_id).api_url == f"{site.url}{PATH}"


@pytest.mark.parametrize("path", ["/repository/server", PATH])
def test_the_endpoint_can_be_a_full_address(app, path):
    with web_site(answer, "127.0.0.2") as api, app.app_context():
        found = discovery.connect("http://127.0.0.1:9", f"{api.url}{path}", None)

        assert service.get(found.repository_id).api_url == f"{api.url}{PATH}"
