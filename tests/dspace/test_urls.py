"""The object that a page shows, read from the path of its address."""

import pytest

from connector.dspace.records import ScopeKind
from connector.dspace.urls import bitstream_at, handle_in, is_uuid, object_of, without_object

UUID = "598251e6-d326-4740-bad9-1d1776a4afb6"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/handle/123456789/7", (None, "123456789/7")),
        ("/jspui/handle/2027.42/41205", (None, "2027.42/41205")),
        ("/xmlui/handle/11858/00-001M-0000/discover", (None, "11858/00-001M-0000")),
        ("/handle/123456789/335.2?show=full", None),
        ("/handle/123456789/335.2", (None, "123456789/335.2")),
        ("/handle/123456789%2F7", (None, "123456789/7")),
        (f"/collections/{UUID}", (ScopeKind.COLLECTION, UUID)),
        (f"/communities/{UUID}/browse/title", (ScopeKind.COMMUNITY, UUID)),
        (f"/items/{UUID}/full", (ScopeKind.ITEM, UUID)),
        (f"/entities/publication/{UUID}", (ScopeKind.ITEM, UUID)),
        (f"/server/api/core/items/{UUID}", (ScopeKind.ITEM, UUID)),
        ("/rest/collections/12", (ScopeKind.COLLECTION, "12")),
        ("/", None),
        ("/home", None),
        ("/collections", None),
        ("/collections/new", None),
        ("/bitstream/handle/123456789/7/photo.jpg", (None, "123456789/7")),
        ("/xmlui/bitstream/handle/123456789/7/photo.jpg", (None, "123456789/7")),
        ("/jspui/bitstream/123456789/7/1/photo.jpg", (None, "123456789/7")),
        ("/bitstream/id/12/photo.jpg", None),
        (f"/bitstreams/{UUID}/download", None),
        (f"/bitstreams/{UUID}", None),
        ("/handle/atmire/444", (None, "atmire/444")),
        ("/handle/10986/36.2", (None, "10986/36.2")),
        ("/handle/20.500.12345/abc.1", (None, "20.500.12345/abc.1")),
        ("/handle/10.1000/S0123(99)00:1", (None, "10.1000/S0123(99)00:1")),
        ("/handle/only-a-prefix", None),
        ("/jspui/handle/123456789/103;jsessionid=0A1B2C3D", (None, "123456789/103")),
        ("/xmlui;jsessionid=0A1B/handle/123456789/103", (None, "123456789/103")),
        ("/handle/123456789/103%E2%80%8B", (None, "123456789/103")),
        ("/handle/123456789/103).", (None, "123456789/103")),
    ],
)
def test_the_path_of_a_page_names_its_object(path, shown):
    assert object_of(path) == shown


@pytest.mark.parametrize(
    ("path", "before"),
    [
        ("/jspui/handle/123456789/7", "/jspui"),
        (f"/repo/items/{UUID}/full", "/repo"),
        ("/handle/123456789/7", ""),
        ("/xmlui;jsessionid=0A1B/handle/123456789/103", "/xmlui"),
        ("/jspui/;jsessionid=0A1B", "/jspui"),
        ("/repository/home/", "/repository/home"),
        ("/", ""),
    ],
)
def test_the_object_is_taken_off_a_path(path, before):
    assert without_object(path) == before


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("123456789/7", "123456789/7"),
        (" hdl:123456789/7 ", "123456789/7"),
        ("info:hdl/20.500.12345/98", "20.500.12345/98"),
        ("https://hdl.handle.net/2027.42/41205", "2027.42/41205"),
        ("https://repository.example/xmlui/handle/123456789/7?show=full", "123456789/7"),
        ("http://repository.example/handle/123456789/335.2", "123456789/335.2"),
        ("demo-uni/104", "demo-uni/104"),
        ("hdl:demo-uni/104", "demo-uni/104"),
        ("see 123456789/7", None),
        ("123456789/7.", "123456789/7"),
        ("https://repository.example/handle/demo-uni/104", "demo-uni/104"),
        ("https://repository.example/xmlui/discover", None),
        (f"https://repository.example/items/{UUID}", None),
        (UUID, None),
        ("7", None),
        ("not a handle", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_a_handle_is_read_in_all_the_forms_people_paste(text, handle):
    assert handle_in(text) == handle


def test_only_whole_uuids_are_uuids():
    assert is_uuid(UUID)
    assert is_uuid(UUID.upper())
    assert not is_uuid(UUID[:-1])
    assert not is_uuid(f"{UUID}/x")


@pytest.mark.parametrize(
    ("address", "uuid"),
    [
        (f"https://x.example/bitstreams/{UUID}/download", UUID),
        (f"http://x.example:8080/ui/bitstreams/{UUID}", UUID),
        (f"https://x.example/bitstreams/{UUID}?download=1", UUID),
        (f"https://x.example/bitstreams/{UUID}0/download", None),
        (f"https://x.example/file?of=/bitstreams/{UUID}", None),
        (f"/bitstreams/{UUID}/download", None),
        ("https://x.example/bitstream/123456789/3/1/a.pdf", None),
        ("", None),
    ],
)
def test_the_address_of_a_file_gives_its_uuid_from_the_path(address, uuid):
    assert bitstream_at(address) == uuid
