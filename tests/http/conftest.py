"""Fixtures of the tests of the HTTP client."""

import pytest

from .sites import Site


@pytest.fixture
def site():
    sites = []

    def open_site(answer, **options):
        sites.append(Site(answer, **options))
        return sites[-1]

    yield open_site
    for one in sites:
        one.close()
