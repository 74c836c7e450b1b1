"""The client for DSpace 4 to 6 with recorded answers of a real 6.3 and a real 4.9, including every odd item."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from connector.dspace.records import Failure, Item, MetadataValue, Scope, ScopeKind, SourceState
from connector.errors import NotFoundError, RestrictedError
from tests.dspace.fake_legacy import REPOSITORY, RecordedDSpace, client, walked

SPECIAL, MIXED = "47979495-7385-47f6-8d5f-e244a8f25580", "6cd691b6-44bd-4b26-b76c-f97ce80b99f2"
ODD, SECOND = "3dd6e03e-1488-4500-a483-3b9e1f7be16a", "fd933450-d12c-45b6-8841-51f140fceda2"
MAPPED, PRIVATE = "4ac1b9d1-d122-4d9d-8c63-f44c6425bdff", "25631483-b8fe-4281-b3ab-bc1b410ac99f"
RESTRICTED, WITHDRAWN = "1e49e49f-eeb7-42bf-9d17-be5839e5780d", "a107d5c0-8c1c-40a9-bad9-399f6141fd17"
NOWHERE = "00000000-0000-0000-0000-000000000000"
FACULTY = "094c741d-e8ac-49ce-be25-a64ad645a32d"
LIBRARY = "4a92c4e8-e8a2-4448-9c9e-2bcaa8e25216"


def collection(id: str) -> Scope:
    return Scope(ScopeKind.COLLECTION, id)


def items_of(generation: int, id: str) -> dict[str, Item]:
    """The items of a recorded collection by the last part of their handle."""
    result = walked(client(RecordedDSpace(f"dspace{generation}"), generation), collection(id))
    return {item.handle.split("/")[1]: item for page in result.pages for item in page.items}


def counts(items: dict[str, Item]) -> tuple[int, int, int]:
    """(items, values, files)."""
    return (
        len(items),
        sum(len(item.metadata) for item in items.values()),
        sum(len(i.bitstreams) for i in items.values()),
    )


def texts(item: Item, field: str) -> list[Any]:
    return [value.value for value in item.metadata if value.field == field]


# -- walks


def test_the_special_collection_of_6_is_read_completely_without_items_that_are_not_visible():
    dspace = RecordedDSpace("dspace6")

    result = walked(client(dspace, 6), collection(SPECIAL))

    assert counts({item.id: item for page in result.pages for item in page.items}) == (9, 45, 57)
    assert (result.total, result.not_visible, result.failures) == (12, {SPECIAL: 3}, [])


def test_short_and_empty_pages_are_not_the_end():
    dspace = RecordedDSpace("dspace6")

    result = walked(client(dspace, 6, limit=10), collection(MIXED))

    assert [len(page.items) for page in result.pages] == [10, 10, 0]
    assert (len(result.ids), result.total, result.not_visible) == (20, 40, {MIXED: 20})


def test_complete_brings_the_details_of_light_items():
    reader = client(RecordedDSpace("dspace6"), 6)
    full = [item for page in walked(reader, collection(SPECIAL)).pages for item in page.items]
    light = (replace(item, metadata=None, bitstreams=None) for item in full)

    complete = list(reader.complete(item for item in light if item.name == "Special item x01-nofile"))

    assert [(item.is_complete, len(item.metadata), item.bitstreams) for item in complete] == [(True, 5, ())]


def test_the_odd_metadata_of_6_is_kept_unchanged():
    items = items_of(6, ODD)

    assert counts(items) == (10, 66, 0)
    assert len(texts(items["338"], "dc.contributor.author")) == 5
    assert len(texts(items["340"], "dc.description.abstract")[0]) > 15_000
    assert items["342"].name is None
    assert items["346"].name == "MathML <math><mi>x</mi></math> & H<sub>2</sub>O &lt;already&gt;"
    assert MetadataValue("dc.description", None, "") in items["347"].metadata
    assert MetadataValue("dc.title", "Null value", "en") in items["347"].metadata
    assert MetadataValue("dc.date.available", "2026-11-23T22:35:33Z", None) in items["347"].metadata
    assert items["347"].last_modified == "2026-11-23 22:35:33.642"


def test_the_files_of_6_are_read_with_all_their_properties():
    items = items_of(6, SPECIAL)

    many = Counter(file.bundle for file in items["392"].bitstreams)
    assert many == {"ORIGINAL": 35, "TEXT": 3, "THUMBNAIL": 3, "LICENSE": 1}
    first = items["392"].bitstreams[0]
    assert (first.name, first.description, first.media_type, first.size) == ("f01.txt", "Part 1", "text/plain", 14)
    assert (first.checksum, first.checksum_algorithm) == ("0db19fd20a2ef823f7dac7e8963b587c", "MD5")
    assert first.sequence == 1
    assert [file.size for file in items["393"].bitstreams] == [0]
    assert [file.name for file in items["394"].bitstreams][1:4] == [
        "ünïcode 日本語.txt",
        "100% #1 a+b&c;d.txt",
        "it's ~(x) [y] {z}.txt",
    ]
    assert [(file.name, file.checksum) for file in items["402"].bitstreams] == [
        ("nochecksum.txt", None),
        (None, "1fefdd5a908a1c2c4d5e231ed5146c5d"),
    ]


def test_the_special_collection_of_4_shows_the_private_item_too():
    dspace = RecordedDSpace("dspace4")

    result = walked(client(dspace, 4), collection("6"))

    items = {item.id: item for page in result.pages for item in page.items}
    assert counts(items) == (10, 50, 58)
    assert "338" in items
    assert (result.total, result.not_visible, result.failures) == (12, {"6": 2}, [])


def test_the_odd_metadata_of_4_comes_without_languages():
    items = items_of(4, "3")

    assert counts(items) == (10, 66, 0)
    assert {value.language for item in items.values() for value in item.metadata} == {None}
    assert len(texts(items["338"], "dc.contributor.author")) == 5


def test_half_of_the_mixed_collection_of_4_is_not_visible():
    result = walked(client(RecordedDSpace("dspace4"), 4), collection("4"), light=True)

    assert (len(result.ids), result.total, result.not_visible) == (20, 40, {"4": 20})


def test_missing_and_restricted_items_fail_with_a_plain_reason():
    light = [Item(id, f"1/{id[:1]}", "A title", None) for id in (NOWHERE, RESTRICTED)]

    gone, closed = client(RecordedDSpace("dspace6"), 6).complete(light)

    assert gone == Failure(NOWHERE, "1/0", "A title", "It is no longer there.", is_gone=True)
    reason = "It is not open to the public. It may be restricted or withdrawn."
    details = (f"https://repository.example/rest/items/{RESTRICTED}",)
    assert closed == Failure(RESTRICTED, "1/1", "A title", reason, details)


def test_a_single_item_is_a_walk_of_one_page():
    result = walked(client(RecordedDSpace("dspace6"), 6), Scope(ScopeKind.ITEM, MAPPED), with_collection=True)

    (page,) = result.pages
    assert (page.items[0].id, page.total, page.items[0].collection.id) == (MAPPED, 1, SPECIAL)
    assert walked(client(RecordedDSpace("dspace6"), 6), Scope(ScopeKind.ITEM, MAPPED), cursor=page.cursor).pages == []


@pytest.mark.parametrize(("kind", "id"), [("item", RESTRICTED), ("collection", "487b120d-c566-4548-bc94-66c49ea80418")])
def test_a_scope_that_is_closed_is_an_error_and_no_empty_walk(kind, id):
    with pytest.raises(RestrictedError):
        walked(client(RecordedDSpace("dspace6"), 6), Scope(ScopeKind(kind), id))


# -- communities and collections


def test_the_tree_and_counts_of_6_take_few_requests():
    dspace = RecordedDSpace("dspace6")
    reader = client(dspace, 6)

    communities = {community.id: community for community in reader.communities()}
    collections = {one.id: one for one in reader.collections()}

    assert len(communities) == 31
    assert sum(community.parent_id is None for community in communities.values()) == 3
    assert (communities[FACULTY].item_count, communities[FACULTY].description) == (325, "<p>Welcome</p>")
    assert len(collections) == 30
    assert all(one.parent_id in communities for one in collections.values())
    assert (collections[SPECIAL].item_count, collections[SPECIAL].parent_id) == (12, LIBRARY)
    assert len(dspace.asked) == 12


def test_a_collection_is_read_with_its_licence_and_parent():
    special = client(RecordedDSpace("dspace6"), 6).collection(SPECIAL)

    assert (special.handle, special.parent_id, special.rights) == ("20.500.12345/13", LIBRARY, "© 手稿 / Special items")
    assert special.license.startswith("NOTE: PLACE YOUR OWN LICENSE HERE")


# -- one object


@pytest.mark.parametrize(
    "identifier",
    [
        SPECIAL,
        "20.500.12345/4",
        "hdl:20.500.12345/4",
        "http://hdl.handle.net/20.500.12345/4",
        "https://repository.example/xmlui/handle/20.500.12345/4",
    ],
)
def test_collections_are_found_by_id_and_handle(identifier):
    scope = client(RecordedDSpace("dspace6"), 6).find(ScopeKind.COLLECTION, identifier)

    assert scope.kind == ScopeKind.COLLECTION
    assert scope.handle in {"20.500.12345/4", "20.500.12345/13"}


def test_the_whole_repository_is_found_without_asking():
    dspace = RecordedDSpace("dspace6")

    assert client(dspace, 6).find(ScopeKind.REPOSITORY, "") == Scope(REPOSITORY.kind, "", None, "Lab Repository")
    assert dspace.asked == []


@pytest.mark.parametrize(
    ("generation", "kind", "identifier", "error", "sentence"),
    [
        (6, "collection", NOWHERE, NotFoundError, f"There is no collection “{NOWHERE}” at "),
        (
            6,
            "collection",
            "20.500.12345/1",
            NotFoundError,
            "It is the community “",
        ),
        (6, "item", "nonsense", NotFoundError, "“nonsense” is neither an id nor a handle."),
        (6, "item", RESTRICTED, RestrictedError, "cannot be read. It is not open to the public."),
        (6, "item", "1/2", NotFoundError, "the handle 1/2 in this repository, or it is not open to the public."),
        (
            4,
            "collection",
            "99999999",
            RestrictedError,
            "cannot be read. It does not exist, or access to it is restricted.",
        ),
        (
            4,
            "collection",
            SPECIAL,
            NotFoundError,
            f"“{SPECIAL}” is neither an id nor a handle.",
        ),
        (4, "item", "1/2", NotFoundError, "There is nothing with the handle 1/2 in this repository."),
        (
            4,
            "item",
            "20.500.12345/397",
            RestrictedError,
            "handle 20.500.12345/397 cannot be read. It does not exist, or access to it is restricted.",
        ),
    ],
)
def test_unknown_objects_are_refused_with_a_sentence(generation, kind, identifier, error, sentence):
    with pytest.raises(error) as raised:
        client(RecordedDSpace(f"dspace{generation}"), generation).find(ScopeKind(kind), identifier)

    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/handle/20.500.12345/4", ScopeKind.COLLECTION),
        ("/jspui/handle/20.500.12345/401", ScopeKind.ITEM),
        ("/xmlui/handle/20.500.12345/1", ScopeKind.COMMUNITY),
        (f"/rest/collections/{SPECIAL}", ScopeKind.COLLECTION),
    ],
)
def test_addresses_of_pages_are_resolved_to_their_objects(path, expected):
    assert client(RecordedDSpace("dspace6"), 6).resolve(path).kind == expected


def test_a_page_without_an_object_resolves_to_nothing():
    assert client(RecordedDSpace("dspace6"), 6).resolve("/xmlui/discover") is None


@pytest.mark.parametrize(
    ("item", "scope", "state"),
    [
        (NOWHERE, collection(SPECIAL), SourceState.DELETED),
        (WITHDRAWN, collection(SPECIAL), SourceState.NOT_PUBLIC),
        (PRIVATE, collection(SPECIAL), SourceState.NOT_PUBLIC),
        (PRIVATE, collection(SECOND), SourceState.MOVED),
        (MAPPED, Scope(ScopeKind.COMMUNITY, FACULTY), SourceState.MOVED),
        (PRIVATE, Scope(ScopeKind.COMMUNITY, LIBRARY), SourceState.NOT_PUBLIC),
        (PRIVATE, REPOSITORY, SourceState.NOT_PUBLIC),
    ],
)
def test_the_states_of_items_that_are_no_longer_visible_differ(item, scope, state):
    assert client(RecordedDSpace("dspace6"), 6).item_state(item, scope) == state


def test_an_item_whose_id_belongs_to_another_item_now_is_deleted():
    dspace = client(RecordedDSpace("dspace6"), 6)

    assert dspace.item_state(PRIVATE, REPOSITORY, "20.500.12345/999") == SourceState.DELETED
    assert dspace.item_state(PRIVATE, REPOSITORY, "20.500.12345/400") == SourceState.NOT_PUBLIC


def test_a_file_is_fetched_by_its_id():
    dspace, pieces = RecordedDSpace("dspace4"), []

    download = client(dspace, 4).download("213", pieces.append)

    assert (dspace.asked, pieces, download.size) == (["/rest/bitstreams/213/retrieve"], [b"percent\n"], 8)
