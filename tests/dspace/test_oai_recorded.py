"""Items read over OAI-PMH from answers recorded from a DSpace 9.3, compared with its REST API."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from connector.dspace.oai_xml import handle_of
from connector.dspace.records import Item, MetadataValue

from .fake_hal import SCOPE, FakeHal, client_of, nothing_seen, recorded
from .recorded_oai import collection, oai_client, read, site_of, text_of

ANSWERS = {"special": ("records-special", 10), "odd": ("records-odd", 9), "publications": ("records-publications", 13)}
U_FFFF = "noncharacter \uffff end"  # not in XML, so the value over OAI-PMH lacks it


def over_rest(name: str) -> dict[str, Item]:
    pages = client_of(FakeHal(recorded(name))).walk(SCOPE, seen=nothing_seen)
    return {item.handle: item for page in pages for item in page.items}


def over_oai(http, name: str) -> dict[str, Item]:
    answer, number = ANSWERS[name]
    # A few values prove nothing, so the first records of the repository are those of a larger collection.
    texts = {"set=": text_of(answer), "": text_of("records-all")}
    with site_of(lambda query: next(text for part, text in texts.items() if part in query)) as site:
        items, failures = read(oai_client(http, site.url), collection(number))
    assert failures == []
    return {item.id: item for item in items}


def comparable(item: Item) -> Item:
    """Return an item without what only one of both interfaces gives: id, access, and a confidence without authority."""
    values = tuple(
        structs.replace(value, confidence=value.confidence if value.authority else None) for value in item.metadata
    )
    files = tuple(structs.replace(file, access=None) for file in item.bitstreams)
    return replace(item, id="", metadata=values, bitstreams=files, first_access=None, collection=None)


@pytest.mark.parametrize(("name", "number", "lost"), [("special", 5, set()), ("odd", 4, {"123456789/315"})])
def test_recorded_items_are_equal_over_oai_and_rest_in_every_value_and_file(http, name, number, lost):
    rest, oai = over_rest(name), over_oai(http, name)

    # Some items were changed between the two recordings.
    same = {handle for handle in rest.keys() & oai.keys() if rest[handle].last_modified == oai[handle].last_modified}
    assert len(same) == number
    assert {handle for handle in same if comparable(oai[handle]) != comparable(rest[handle])} == lost


def test_only_a_character_that_xml_cannot_hold_differs_from_rest(http):
    rest, oai = over_rest("odd")["123456789/315"], over_oai(http, "odd")["123456789/315"]

    differing = [
        (there.value, here.value)
        for there, here in zip(rest.metadata, oai.metadata, strict=True)
        if there.value != here.value
    ]
    assert differing == [(U_FFFF, "noncharacter  end")]


def test_authorities_and_confidences_belong_to_the_value_before_them(http):
    publication = over_oai(http, "publications")["123456789/351"]

    authors = [value for value in publication.metadata if value.field == "dc.contributor.author"]
    assert authors == [
        MetadataValue("dc.contributor.author", "Plain, First", None, None, -1),
        MetadataValue("dc.contributor.author", "Plain, Second", None, None, -1),
        MetadataValue("dc.contributor.author", "Person2, Real", None, "virtual::1", -1),
        MetadataValue("dc.contributor.author", "Person0, Real", None, "virtual::2", -1),
    ]


def test_a_recorded_dim_record_has_the_values_of_the_xoai_record_and_no_files(http):
    with site_of(lambda query: text_of("record-dim")) as site:
        dim = oai_client(http, site.url)._api.record("oai:127.0.0.1:123456789/315")

    assert (dim.metadata, dim.bitstreams) == (over_oai(http, "odd")["123456789/315"].metadata, None)
    assert dim.last_modified == "2026-11-23T22:48:41Z"


def test_withdrawn_and_private_items_are_not_read(http):
    oai = over_oai(http, "special")

    assert "123456789/329" not in oai  # withdrawn
    assert "123456789/330" not in oai  # private


def test_recorded_sets_are_the_communities_and_collections_with_their_tree(http):
    texts = {"ListSets": text_of("sets"), "ListIdentifiers": text_of("identifiers-special")}
    with site_of(lambda query: next(text for verb, text in texts.items() if verb in query)) as site:
        client = oai_client(http, site.url)
        communities = {one.id: one for one in client.communities()}
        collections = {one.id: one for one in client.collections()}

    assert len(communities) == 6
    assert communities["123456789/1"].name == "Faculty of Sciences & Engineering"
    assert collections["123456789/10"].parent_id == "123456789/6"
    assert communities["123456789/6"].parent_id == "123456789/2"
    assert communities["123456789/2"].parent_id is None
    shown = [part for part in text_of("identifiers-special").split("<header")[1:] if "deleted" not in part]
    assert collections["123456789/10"].item_count == len(shown)


def test_the_handle_of_a_set_keeps_further_underscores():
    assert handle_of("col_10.5555_a_b") == "10.5555/a_b"
