"""Links to the original, at addresses that a browser can open."""

import pytest

from connector.catalogue.source_links import file_link, handle_link, page_link, safe_href, scope_link
from connector.dspace.records import ScopeKind, Server

SITE = "https://repo.example.org/xmlui"
ID = "9226cb2f-b567-422f-9d2c-9a514b026f06"


def uris(*texts: str | None, field: str = "dc.identifier.uri") -> list[dict]:
    return [{"field": field, "value": text, "language": None, "authority": None, "confidence": None} for text in texts]


@pytest.mark.parametrize(
    "url",
    [
        "http://hdl.handle.net/20.500.12345/339",
        "https://repo.example.org/handle/20.500.12345/339",
        "http://127.0.0.1:4000/handle/20.500.12345/339",
        "https://repo.example.org/handle/20.500.12345%2F339",
        "https://repo.example.org/handle/20.500.12345/339/?locale=de#top",
    ],
)
def test_the_handle_link_is_the_address_that_ends_in_the_handle(url):
    assert handle_link("20.500.12345/339", uris("https://doi.org/10.5555/1", url)) == url


def test_case_and_encoding_of_the_handle_do_not_matter():
    assert handle_link("1/a(b)", uris("https://hdl.handle.net/1/A%28B%29")) == "https://hdl.handle.net/1/A%28B%29"


def test_the_first_of_several_addresses_with_the_handle_is_used():
    assert (
        handle_link("1/2", uris("http://hdl.handle.net/1/2", "https://hdl.handle.net/1/2"))
        == "http://hdl.handle.net/1/2"
    )


def test_a_version_has_the_address_of_its_own_handle():
    versions = uris("https://hdl.handle.net/1/335", "https://hdl.handle.net/1/335.2")

    assert handle_link("1/335.2", versions) == "https://hdl.handle.net/1/335.2"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "1/2",
        "hdl:1/2",
        "ftp://x/1/2",
        "javascript:x/1/2",
        "https://hdl.handle.net/11/2",
        "https://hdl.handle.net/1/23",
        "https://x/?to=/1/2",
        "https:///1/2",
        "http://[/1/2",
        "https://x/ /1/2",
    ],
)
def test_only_web_addresses_of_the_handle_become_the_handle_link(text):
    assert handle_link("1/2", uris(text)) is None


def test_only_the_identifier_field_holds_the_handle_link():
    assert handle_link("1/2", uris("https://hdl.handle.net/1/2", field="dc.relation.uri")) is None


@pytest.mark.parametrize("handle", [None, ""])
def test_an_item_without_a_handle_has_no_handle_link(handle):
    assert handle_link(handle, uris("https://hdl.handle.net/")) is None


@pytest.mark.parametrize(
    ("ui_url", "base"),
    [
        ("https://repo.example.org", "https://repo.example.org"),
        ("https://REPO.example.org:8443/ui/", "https://REPO.example.org:8443/ui"),
        ("https://www.example.net/repo", "https://www.example.net/repo"),
        ("http://93.184.216.34", "http://93.184.216.34"),
        ("http://[2606:2800:220:1::1]", "http://[2606:2800:220:1::1]"),
        (None, SITE),
        ("", SITE),
        ("http://localhost:4000", SITE),
        ("http://dspace:4000", SITE),
        ("http://dspace.local", SITE),
        ("http://dspace.localhost", SITE),
        ("http://internal.invalid:8080", SITE),
        ("http://DSpace.Internal.", SITE),
        ("http://127.0.0.1:4000", SITE),
        ("http://10.1.2.3", SITE),
        ("http://192.168.1.9", SITE),
        ("http://[::1]:4000", SITE),
        ("http://[fe80::1]", SITE),
        ("ftp://repo.example.org", SITE),
        ("repo.example.org", SITE),
        ("javascript:alert(1)", SITE),
        ("https://", SITE),
        ("http://[", SITE),
    ],
)
def test_the_ui_address_is_used_only_where_a_browser_can_use_it(ui_url, base):
    assert page_link(Server(SITE, "", 9, "", None, ui_url), ID, "1/2") == f"{base}/items/{ID}"


def test_an_inner_ui_address_is_used_where_the_site_itself_was_reached_there():
    assert (
        page_link(Server("http://127.0.0.1:8080", "", 7, "", None, "http://127.0.0.1:4000"), ID, None)
        == f"http://127.0.0.1:4000/items/{ID}"
    )


def test_page_links_of_dspace_6_use_its_user_interface_if_it_is_known():
    link = page_link(Server("https://repo.example.org", "", 6, "", None, "https://repo.example.org/jspui"), ID, "1/2")

    assert link == "https://repo.example.org/jspui/handle/1/2"


@pytest.mark.parametrize("generation", [4, 5, 6])
def test_up_to_6_the_page_is_found_by_handle_at_the_site(generation):
    assert page_link(Server(SITE, "", generation, "", None, None), "12", "1/2") == f"{SITE}/handle/1/2"
    assert page_link(Server(SITE, "", generation, "", None, None), "12", None) == SITE


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        (ScopeKind.COLLECTION, f"{SITE}/collections/{ID}"),
        (ScopeKind.COMMUNITY, f"{SITE}/communities/{ID}"),
        (ScopeKind.ITEM, f"{SITE}/items/{ID}"),
    ],
)
def test_each_scope_has_its_page(kind, page):
    assert scope_link(Server(SITE, "", 10, "", None, None), kind, ID, "1/2") == page
    assert scope_link(Server(SITE, "", 6, "", None, None), kind, ID, "1/2") == f"{SITE}/handle/1/2"


@pytest.mark.parametrize("generation", [6, 10])
def test_the_page_of_a_repository_is_its_front_page(generation):
    assert scope_link(Server(SITE, "", generation, "", None, None), ScopeKind.REPOSITORY, "", "123456789/0") == SITE


def test_ids_and_handles_cannot_leave_their_place_in_the_address():
    assert page_link(Server(SITE, "", 7, "", None, None), '../x?"', None) == f"{SITE}/items/..%2Fx%3F%22"
    assert page_link(Server(SITE, "", 6, "", None, None), "1", '1/a b#c"\ud800') == f"{SITE}/handle/1/a%20b%23c%22%3F"


@pytest.mark.parametrize(
    ("url", "href"),
    [
        ("https://example.org/a?b=c&d=e#f", "https://example.org/a?b=c&d=e#f"),
        ("HTTP://example.org", "HTTP://example.org"),
        ("hdl:20.500.12345/339", "https://hdl.handle.net/20.500.12345/339"),
        ("DOI:10.5555/LAB.(2020)1<2>#3", "https://doi.org/10.5555/LAB.(2020)1%3C2%3E%233"),
        ("doi:10.5555/a%2Fb", "https://doi.org/10.5555/a%2Fb"),
    ],
)
def test_safe_addresses_may_be_linked(url, href):
    assert safe_href(url) == href


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "//example.org",
        "/items/1",
        "https:",
        "http:example.org",
        "https://[",
        "http://a b/",
        "http://a/\ud83d",
        "hdl:",
        "doi: 10.5555/1",
        "urn:isbn:1",
    ],
)
def test_unsafe_addresses_may_not_be_linked(url):
    assert safe_href(url) is None


@pytest.mark.parametrize(
    ("generation", "file", "link"),
    [
        (9, (ID, "1/2", 3, "a b.pdf"), f"{SITE}/bitstreams/{ID}/download"),
        (6, ("17", "1/2", 3, "a b?.pdf"), f"{SITE}/bitstream/1/2/3/a%20b%3F.pdf"),
        (6, ("17", "1/2", None, "a.pdf"), f"{SITE}/handle/1/2"),
        (6, ("17", None, 3, "a.pdf"), SITE),
    ],
)
def test_the_link_of_a_file_leads_to_its_original_or_else_to_its_item(generation, file, link):
    server = Server(SITE, f"{SITE}/api", generation, f"{generation}.0")

    assert file_link(server, *file) == link
