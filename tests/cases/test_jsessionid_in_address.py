"""Addresses of JSPUI and XMLUI pages with a session in them, as servlet containers write them."""

from __future__ import annotations

import pytest

from connector.repositories import discovery
from tests.sample import Repository, SampleRepository, grow


@pytest.mark.parametrize("end", [";jsessionid=0A1B2C3D", "/;jsessionid=0A1B2C3D?show=full", "."])
def test_a_session_in_the_address_is_no_part_of_the_handle(app, end):
    data = Repository()
    with SampleRepository(5, data=data) as sample, app.app_context():
        grow(data, items=1)
        [item] = data.items.values()

        found = discovery.connect(f"{sample.url}/jspui/handle/{item.handle}{end}", "rest", None)

    assert found.scope.handle == item.handle
