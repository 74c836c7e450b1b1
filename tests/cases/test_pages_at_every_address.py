"""A web site answers every address with a page, as the pages of DSpace 9 do. Its API, if it has one, is elsewhere."""

from __future__ import annotations

import pytest

from connector.errors import NotDSpaceError
from connector.repositories import discovery

from .web_site import Reply, web_site


def test_no_address_of_an_api_is_asked_twice(app):
    with web_site(lambda path: Reply()) as site, app.app_context():
        with pytest.raises(NotDSpaceError, match="There is a web site"):
            discovery.connect(f"{site.url}/xmlui/handle/1/2", "rest", None)

        asked = [path for path in site.asked if not path.startswith("/xmlui/handle") and path.strip("/") != "xmlui"]
        assert {"/rest/status", "/server/api", "/oai/request?verb=Identify"} <= set(asked)
        assert len(asked) == len(set(asked))
