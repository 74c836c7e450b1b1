"""The records made from recorded answers of a DSpace 9.3, value by value and file by file."""

from __future__ import annotations

import pytest

from connector.dspace.hal_records import collection_of, item_of, list_page, search_page
from connector.dspace.json_members import optional, required
from connector.dspace.records import Bitstream, Item, MetadataValue
from connector.errors import BadResponseError

from .fake_hal import SCOPE, FakeHal, client_of, nothing_seen, payload, recorded

URL = "https://repository.example/server/api/core/items/1"


def read(*names: str) -> dict[str, Item]:
    """The complete items of recorded pages by name."""
    pages = client_of(FakeHal(recorded(*names))).walk(SCOPE, seen=nothing_seen)
    return {item.name: item for page in pages for item in page.items}


def files_of(name: str) -> list[Bitstream]:
    return list(read("special")[name].bitstreams)


@pytest.mark.parametrize(
    ("name", "items", "values", "files", "originals"),
    [
        ("special", 15, 75, 70, 63),
        ("articles", 45, 360, 105, 60),
        ("odd", 4, 46, 0, 0),
        ("persons", 3, 22, 0, 0),
        ("publications", 1, 12, 0, 0),
        ("mapped", 1, 5, 0, 0),
    ],
)
def test_every_value_and_every_file_of_a_recorded_collection_arrives(name, items, values, files, originals):
    found = [item for page in client_of(FakeHal(recorded(name))).walk(SCOPE, seen=nothing_seen) for item in page.items]

    bitstreams = [bitstream for item in found for bitstream in item.bitstreams]
    assert len(found) == items
    assert sum(len(item.metadata) for item in found) == values
    assert len(bitstreams) == files
    assert sum(bitstream.bundle == "ORIGINAL" for bitstream in bitstreams) == originals


def test_values_keep_the_order_of_the_server_with_language_authority_and_confidence():
    found = recorded("odd")[0] | {
        "metadata": {
            "dc.subject": [
                {"value": "b", "language": "en", "authority": None, "confidence": -1, "place": 0},
                {"value": "", "language": "", "authority": "auth", "confidence": 600, "place": 1},
            ],
            "dc.contributor.author": [
                {"value": "a", "language": None, "authority": None, "confidence": -1, "place": 0}
            ],
        }
    }

    assert item_of(found, URL).metadata == (
        MetadataValue("dc.subject", "b", "en", None, -1),
        MetadataValue("dc.subject", "", "", "auth", 600),
        MetadataValue("dc.contributor.author", "a", None, None, -1),
    )


def test_an_item_without_title_has_no_name():
    assert None in read("odd")


def test_the_text_of_odd_items_is_kept_unchanged():
    recorded_values = [
        value["value"] for item in recorded("odd") for values in item["metadata"].values() for value in values
    ]

    assert [value.value for item in read("odd").values() for value in item.metadata] == recorded_values
    assert any(len(value) > 1000 or "<" in value for value in recorded_values)


def test_virtual_values_of_an_entity_keep_their_authority():
    [publication] = read("publications").values()

    virtual = [value for value in publication.metadata if (value.authority or "").startswith("virtual::")]
    assert {value.field for value in virtual} >= {"relation.isAuthorOfPublication"}


def test_an_embargoed_file_is_listed_beside_the_open_one_with_size_and_checksum():
    files = files_of("Item with an embargoed file and an open file")

    assert len(files) == 2
    assert all(file.size and file.checksum and file.checksum_algorithm == "MD5" for file in files)


def test_an_empty_file_is_listed():
    assert [(file.size, file.checksum) for file in files_of("Item with a 0-byte file")] == [
        (0, "d41d8cd98f00b204e9800998ecf8427e")
    ]


def test_a_closed_bundle_shows_no_files_and_is_no_error():
    assert files_of("Open item with a closed bundle") == []


def test_thirty_five_files_come_in_their_order():
    assert [file.name for file in files_of("Item with 35 files")] == [f"part-{number:02}.txt" for number in range(35)]


def test_files_of_all_bundles_come_with_the_name_of_their_bundle():
    files = files_of("Item with LICENSE, TEXT, THUMBNAIL and custom bundles")

    assert {"ORIGINAL", "LICENSE", "TEXT", "THUMBNAIL"} < {file.bundle for file in files}


def test_odd_file_names_are_kept_unchanged():
    names = [file.name for file in files_of("Item with strange file names")]

    odd = {"é à ü 中文 عربي.txt", "percent 100% #1 & more?.txt", "slash/inside\\back.txt"}
    assert odd | {"quotes \"double\" and 'single'.txt"} < set(names)


def test_a_file_has_the_media_type_of_its_format_and_its_place():
    [first, *_] = files_of("Item with strange file names")

    assert (first.name, first.media_type, first.sequence, first.size) == (
        "my file with spaces.pdf",
        "application/pdf",
        1,
        28,
    )


def test_a_file_may_lack_everything_but_its_id():
    item = recorded("special")[3]
    bundle = item["_embedded"]["bundles"]["_embedded"]["bundles"][0]
    bundle["_embedded"]["bitstreams"]["_embedded"]["bitstreams"] = [
        {"uuid": "f1", "name": None, "metadata": {}, "checkSum": {"checkSumAlgorithm": None, "value": None}}
    ]

    [page] = client_of(FakeHal([item])).walk(SCOPE, seen=nothing_seen)

    assert page.items[0].bitstreams == (Bitstream("f1", "ORIGINAL", None),)


def test_checksums_are_in_lower_case_and_descriptions_kept():
    item = recorded("special")[3]
    bundle = item["_embedded"]["bundles"]["_embedded"]["bundles"][0]
    [file, *_] = bundle["_embedded"]["bitstreams"]["_embedded"]["bitstreams"]
    file["checkSum"]["value"] = "D41D8CD98F00B204E9800998ECF8427E"
    file["metadata"]["dc.description"] = [{"value": "A <b>scan</b>"}]

    [page] = client_of(FakeHal([item])).walk(SCOPE, seen=nothing_seen)

    assert page.items[0].bitstreams[0].checksum == "d41d8cd98f00b204e9800998ecf8427e"
    assert page.items[0].bitstreams[0].description == "A <b>scan</b>"


def test_a_collection_has_its_texts_and_no_count_where_the_server_does_not_count():
    collection = collection_of(payload("collection-theses"), URL)

    assert (collection.name, collection.handle) == ("Theses", "123456789/7")
    assert collection.description == "<p>All <em>PhD</em> theses</p>"
    assert collection.abstract == "Theses & dissertations"
    assert collection.license == "License text"
    assert collection.rights == ""
    assert collection.parent_id == "1082e42c-3af4-447b-92a4-732ff02d4b84"
    assert collection.item_count is None


def test_the_item_count_of_a_collection_is_read():
    assert collection_of(payload("collection-theses") | {"archivedItemsCount": 230}, URL).item_count == 230


@pytest.mark.parametrize("answer", [None, [], "text", {}, {"_embedded": {}}, {"_embedded": {"searchResult": {}}}])
def test_an_answer_of_another_shape_is_never_an_empty_list(answer):
    with pytest.raises(BadResponseError, match="core/items/1"):
        search_page(answer, URL)


def test_a_missing_member_is_named_with_the_url():
    with pytest.raises(BadResponseError, match=r"core/items/1.*“uuid” is missing"):
        required({"id": "x"}, "uuid", str, URL)


def test_a_member_of_another_type_is_refused_even_where_it_is_optional():
    with pytest.raises(BadResponseError, match="“handle”"):
        optional({"handle": 7}, "handle", str, URL)


def test_a_list_asked_for_beyond_its_end_has_no_rows():
    beyond = {"page": {"number": 2, "size": 20, "totalPages": 2, "totalElements": 35}}

    assert list_page(beyond, "bitstreams", URL).rows == []


def test_a_list_without_rows_before_its_end_is_an_error():
    with pytest.raises(BadResponseError, match="_embedded"):
        list_page({"page": {"number": 0, "size": 20, "totalPages": 2, "totalElements": 35}}, "bitstreams", URL)
