"""The address that was pasted is the permanent one, at a resolver that redirects to the repository."""

from __future__ import annotations

import pytest

from connector.errors import AddressNotAllowedError
from connector.repositories import discovery
from tests.sample import Repository, SampleRepository, grow

from .web_site import redirect, web_site


@pytest.mark.parametrize("generation", [6, 9])
def test_the_redirect_of_a_resolver_leads_to_the_item(app, generation):
    data = Repository()
    with SampleRepository(generation, data=data) as sample:
        grow(data, items=1)
        [item] = data.items.values()
        with web_site(lambda path: redirect(f"{sample.url}/handle{path}"), host="127.0.0.2") as resolver:
            with app.app_context():
                found = discovery.connect(f"{resolver.url}/{item.handle}", "rest", None)

            assert found.scope.handle == item.handle
            assert resolver.asked == [f"/{item.handle}"]


def test_redirects_to_refused_addresses_are_not_followed(app):
    elsewhere = redirect("http://169.254.169.254/handle/1/2")
    with web_site(lambda path: elsewhere) as resolver, app.app_context(), pytest.raises(AddressNotAllowedError):
        discovery.connect(f"{resolver.url}/123456789/1", "rest", None)
