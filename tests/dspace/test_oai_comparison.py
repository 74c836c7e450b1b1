"""The comparison of items that were read over OAI-PMH and over REST."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from connector.dspace.oai_comparison import Agreement, compare
from connector.dspace.records import Bitstream, FileAccess, Item, MetadataValue

FILE = Bitstream("f1", "ORIGINAL", "a.pdf", None, "application/pdf", 3, "0" * 32, "MD5", 1)
OTHER = structs.replace(FILE, id="f2", name="b.pdf", sequence=2)


def item(number: int = 1, *values: MetadataValue, **more) -> Item:
    title = MetadataValue("dc.title", f"Item {number}")
    return Item(
        f"123/{number}",
        name=f"Item {number}",
        handle=f"123/{number}",
        metadata=(title, *values),
        bitstreams=(FILE,),
        last_modified="2026-01-01T00:00:00Z",
        **more,
    )


def with_subjects(number: int, *texts: str, language: str | None = None) -> Item:
    return item(number, *(MetadataValue("dc.subject", text, language) for text in texts))


def equal(number: int) -> list[tuple[Item, Item]]:
    return [(item(each), item(each)) for each in range(2, 2 + number)]


def test_equal_items_agree():
    assert compare(equal(3)) == Agreement()


def test_values_that_are_escaped_once_too_often_are_unescaped():
    over_oai, over_rest = with_subjects(1, "a &amp; b", "&lt;i&gt;"), with_subjects(1, "a & b", "<i>")

    found = compare([(over_oai, over_rest), *equal(3)])

    assert found == Agreement(is_double=True)
    assert found.plain(over_oai) == over_rest
    assert not found.needs_rest(over_oai)
    assert found.needs_rest(with_subjects(5, "a < b"))  # an escaping index cannot contain it


def test_an_entity_that_people_typed_is_left_and_its_item_read_over_rest():
    typed = with_subjects(1, "a &amp; b")

    found = compare([(typed, typed), *equal(3)])

    assert found == Agreement()
    assert found.plain(typed) == typed
    assert found.needs_rest(typed)


def test_one_typed_entity_disproves_that_all_are_escaped_twice():
    escaped, typed = (with_subjects(1, "a &amp; b"), with_subjects(1, "a & b")), with_subjects(2, "c &amp; d")

    assert not compare([escaped, (typed, typed)]).is_double


@pytest.mark.parametrize(
    "over_rest",
    [
        with_subjects(1, "b", "a"),
        with_subjects(1, "a", "b ", language="en"),
        item(1, MetadataValue("dc.subject", "a", authority="x", confidence=600), MetadataValue("dc.subject", "b")),
    ],
    ids=["order", "text and language", "authority"],
)
def test_items_with_a_field_that_differs_are_read_over_rest(over_rest):
    found = compare([(with_subjects(1, "a", "b"), over_rest), *equal(3)])

    assert found == Agreement(fields=frozenset({"dc.subject"}))
    assert found.needs_rest(with_subjects(5, "a"))
    assert not found.needs_rest(item(5))


def test_a_field_that_differs_in_more_than_a_third_of_the_items_switches_oai_off():
    pairs = [(with_subjects(1, "a"), with_subjects(1, "b")), (with_subjects(2, "a"), with_subjects(2, "a"))]

    assert compare([*pairs, *equal(4)]).reason == ""
    assert compare([*pairs, *equal(3)]).reason == "Values of these fields differ: dc.subject."


def test_values_that_are_left_out_switch_oai_off():
    found = compare([(item(1), with_subjects(1, "a")), *equal(9)])

    assert found.reason == "OAI-PMH leaves out values of dc.subject."


def test_another_name_is_a_difference_of_the_title():
    found = compare([(item(1), replace(item(1), name="Another")), *equal(3)])

    assert found.fields == {"dc.title"}


def test_files_of_closed_bundles_are_no_difference_and_one_stale_list_neither():
    more = replace(item(1), bitstreams=(FILE, OTHER))
    marked = replace(item(2), bitstreams=(structs.replace(FILE, access=FileAccess(is_open=True)),))
    stale = replace(item(3), bitstreams=(structs.replace(FILE, name="old.pdf"),))

    assert compare([(more, item(1)), (item(2), marked), (stale, item(3))]) == Agreement()


def test_two_lists_of_files_that_differ_switch_oai_off():
    stale = [(replace(item(each), bitstreams=()), item(each)) for each in (1, 2)]

    assert compare(stale).reason == "The lists of files differ, for example those of 123/1."


@pytest.mark.parametrize(
    "partial",
    [
        item(1, MetadataValue("dspace.entity.type", "Publication")),
        item(1, MetadataValue("relation.isAuthorOfPublication", "x")),
        item(1, *(MetadataValue("dc.subject", language, language) for language in ("de", "de", "en"))),
    ],
    ids=["entity", "relation", "languages"],
)
def test_items_whose_record_is_not_complete_are_read_over_rest_and_not_compared(partial):
    found = compare([(partial, item(1)), *equal(1)])

    assert found == Agreement()
    assert found.needs_rest(partial)
