"""The pages of a DSpace 7 are at one host, its API at another, which /assets/config.json of the pages names."""

from __future__ import annotations

import pytest

from connector.dspace.records import ScopeKind
from connector.errors import AddressNotAllowedError, NotDSpaceError
from connector.repositories import discovery, service
from tests.sample import Repository, SampleRepository, grow

from .web_site import NOT_FOUND, Reply, as_json, web_site


def pages(base_url: object):
    """Return the answers of pages that are configured with an API at this base."""

    def answer(path: str) -> Reply:
        if path == "/assets/config.json":
            return as_json({"ui": {"host": "localhost"}, "rest": {"baseUrl": base_url}})
        return NOT_FOUND if path.startswith(("/server", "/rest", "/api", "/RESTapi")) else Reply()

    return answer


@pytest.mark.parametrize("below", ["/server", "/server/", "/server/api"])
def test_the_api_that_the_pages_name_is_found(app, below):
    data = Repository()
    with SampleRepository(9, data=data) as sample, web_site(pages(sample.url + below), "127.0.0.2") as ui:
        grow(data, items=1)
        [item] = data.items.values()
        with app.app_context():
            found = discovery.connect(f"{ui.url}/items/{item.uuid}", "rest", None)

            assert (found.scope.kind, found.scope.id) == (ScopeKind.ITEM, item.uuid)
            assert service.get(found.repository_id).api_url == f"{sample.url}/server/api"


def test_an_api_at_a_refused_address_is_not_used(app):
    inner = pages("http://169.254.169.254/server")
    with web_site(inner) as ui, app.app_context(), pytest.raises(AddressNotAllowedError):
        discovery.connect(ui.url, "rest", None)


@pytest.mark.parametrize("base_url", [None, 7, "", "/server", "ftp://127.0.0.1/server", "http://[", ["http://a"]])
def test_pages_that_name_no_api_are_reported_like_any_other_web_site(app, base_url):
    with web_site(pages(base_url)) as ui, app.app_context(), pytest.raises(NotDSpaceError, match="There is a web site"):
        discovery.connect(ui.url, "rest", None)
