"""Addresses are understood as people type them."""

from __future__ import annotations

import pytest

from connector.dspace.endpoint_candidates import address_of
from connector.dspace.typed_addresses import address_spellings, clean_address
from connector.errors import InvalidInputError


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("  https://repository.example.edu/home \n", "https://repository.example.edu/home"),
        ("<https://repository.example.edu>", "https://repository.example.edu"),
        ("“repository.example.edu”", "repository.example.edu"),
        ("repository.example.edu/handle/123456789/7", "repository.example.edu/handle/123456789/7"),
        ("https://repository.example.edu/handle/123456789/7.", "https://repository.example.edu/handle/123456789/7"),
        ("www.repository.example.edu", "www.repository.example.edu"),
        ("localhost:8080/server", "localhost:8080/server"),
        ("dspace:8080", "dspace:8080"),
        ("192.0.2.7/xmlui", "192.0.2.7/xmlui"),
        ("bücherei.example", "bücherei.example"),
        ("repository\u200b.example.edu", "repository.example.edu"),
    ],
)
def test_what_people_type_becomes_an_address(typed, address):
    assert clean_address(typed) == address


@pytest.mark.parametrize(
    "typed",
    ["", "repository", "123456789/7", "10.1000/182", "ftp://x.example", "a b.example", "mailto:a@b.example", "http://"],
)
def test_text_that_is_no_address_is_refused(typed):
    with pytest.raises(InvalidInputError, match="Enter the address of the repository"):
        clean_address(typed)


@pytest.mark.parametrize(
    ("address", "spellings"),
    [
        ("https://a.example", [["https://a.example"]]),
        ("a.example/home", [["https://a.example/home", "http://a.example/home"]]),
        ("http://www.a.example", [["http://www.a.example"], ["http://a.example"]]),
        (
            "www.a.example",
            [["https://www.a.example", "http://www.a.example"], ["https://a.example", "http://a.example"]],
        ),
    ],
)
def test_https_comes_before_http_and_the_name_without_www_last(address, spellings):
    assert address_spellings(address) == spellings


@pytest.mark.parametrize(
    ("path", "prefixes"),
    [
        ("/home", ["", "/home"]),
        ("/jspui/simple-search", ["/jspui", "", "/jspui/simple-search"]),
        ("/xmlui/discover", ["/xmlui", "", "/xmlui/discover"]),
        ("/repo/browse/title", ["/repo", "", "/repo/browse/title"]),
        ("/search", ["", "/search"]),
        ("/repo", ["/repo", ""]),
    ],
)
def test_the_page_of_a_search_or_list_is_looked_at_last(path, prefixes):
    assert list(address_of(f"https://a.example{path}?query=x").prefixes()) == prefixes
