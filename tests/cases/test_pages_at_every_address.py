"""A web site answers every address with a page, as the pages of DSpace 9 do. Its API, if it has one, is elsewhere."""

from __future__ import annotations

from collections import Counter

import pytest

from connector.errors import NotDSpaceError
from connector.repositories import discovery, service
from tests.sample import SampleRepository

from .web_site import Reply, web_site


def test_only_addresses_that_tell_the_generation_are_asked_again(app):
    is_refused = pytest.raises(NotDSpaceError, match="There is a web site")
    with web_site(lambda path: Reply()) as site, app.app_context(), is_refused:
        discovery.connect(site.url, "rest", None)

    asked = Counter(site.asked)
    assert asked["/rest/status"] == asked["/server/api"] == 2
    assert asked["/rest/communities?limit=1"] == asked["/oai/request?verb=Identify"] == 1


@pytest.mark.parametrize(("generation", "asked"), [(5, "/rest/status"), (7, "/server/api")])
def test_a_page_that_comes_once_does_not_hide_the_api(app, generation, asked):
    page = Reply()
    with SampleRepository(generation) as sample, app.app_context():
        sample.faults.add(asked, times=1, body=page.body, headers=page.headers)

        found = service.get(discovery.connect(sample.url, "rest", None).repository_id)

        assert (found.generation, found.api_url) == (generation, f"{sample.url}{asked.removesuffix('/status')}")
