"""The three-way merge: only what we changed is sent, and no edit of a person is lost."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, strategies as st

from connector.omeka.resources import DCTERMS, IDENTIFIER, TITLE, Item, Value, literal
from connector.publishing.merge import Sent, is_same, merge, sent_after
from connector.publishing.stored_items import from_json, sent_of, to_json

SUBJECT, CREATOR = f"{DCTERMS}subject", f"{DCTERMS}creator"
NAMES = (TITLE, SUBJECT, CREATOR)


def resource(*texts: tuple[str, str], **members) -> Item:
    return Item(tuple(literal(name, text) for name, text in texts), **members)


def item(*texts: tuple[str, str], **members) -> Item:
    return Item(tuple(literal(name, text) for name, text in texts), id=1, **members)


def sent(*texts: tuple[str, str], **members) -> Sent:
    return Sent(resource(*texts, **members), resource(*texts, **members))


def test_our_change_is_taken_where_nobody_else_changed_the_property():
    merged = merge(resource((TITLE, "new")), sent((TITLE, "old")), item((TITLE, "old"), (SUBJECT, "theirs")))

    assert (merged.item, merged.conflicts) == (item((TITLE, "new"), (SUBJECT, "theirs")), ())


def test_a_change_of_others_stays_where_ours_did_not_change():
    merged = merge(resource((TITLE, "old")), sent((TITLE, "old")), item((TITLE, "edited")))

    assert (merged.item, merged.conflicts) == (item((TITLE, "edited")), ())


def test_a_property_that_both_changed_stays_as_others_left_it_and_is_a_conflict():
    merged = merge(resource((TITLE, "new")), sent((TITLE, "old")), item((TITLE, "edited")))

    assert (merged.item, merged.conflicts) == (item((TITLE, "edited")), (TITLE,))


def test_a_conflict_lasts_until_both_sides_are_equal():
    wanted, before, there = resource((TITLE, "new")), sent((TITLE, "old")), item((TITLE, "edited"))
    after = sent_after(wanted, before, merge(wanted, before, there), there)

    assert merge(wanted, after, there).conflicts == (TITLE,)
    assert merge(wanted, after, item((TITLE, "new"))).conflicts == ()


def test_the_same_change_on_both_sides_is_no_conflict():
    merged = merge(resource((TITLE, "new")), sent((TITLE, "old")), item((TITLE, "new")))

    assert (merged.item, merged.conflicts) == (item((TITLE, "new")), ())


def test_a_value_that_left_the_source_is_removed_unless_others_changed_it():
    wanted = resource((TITLE, "t"))
    before = sent((TITLE, "t"), (SUBJECT, "a"))

    assert merge(wanted, before, item((TITLE, "t"), (SUBJECT, "a"))).item == item((TITLE, "t"))
    assert merge(wanted, before, item((TITLE, "t"), (SUBJECT, "b"))).conflicts == (SUBJECT,)


def test_a_property_that_others_removed_is_not_sent_again():
    before = sent((TITLE, "t"), (SUBJECT, "a"))

    assert merge(before.wanted, before, item((TITLE, "t"))).item == item((TITLE, "t"))


def test_a_value_that_the_site_dropped_is_not_sent_again_each_time():
    wanted = resource((TITLE, "t"), (SUBJECT, "dropped"))
    before = Sent(wanted, resource((TITLE, "t")))

    assert merge(wanted, before, item((TITLE, "t"))).item == item((TITLE, "t"))


def test_visibility_and_class_follow_the_same_rules():
    before = sent((TITLE, "t"), resource_class="a")
    closed = replace(before.wanted, is_public=False)

    assert merge(closed, before, item((TITLE, "t"), resource_class="b")).item == item(
        (TITLE, "t"), resource_class="b", is_public=False
    )
    assert merge(before.wanted, before, item((TITLE, "t"), is_public=False)).item.is_public is False


def test_an_adopted_item_keeps_all_of_its_values_and_gets_our_identifier_and_new_properties():
    wanted = resource((TITLE, "ours"), (SUBJECT, "a"), (IDENTIFIER, "dspace:1"))
    merged = merge(wanted, None, item((TITLE, "theirs"), (IDENTIFIER, "theirs")))

    assert merged.item == item((TITLE, "theirs"), (IDENTIFIER, "theirs"), (IDENTIFIER, "dspace:1"), (SUBJECT, "a"))
    assert merged.conflicts == (TITLE,)


VALUES = st.lists(st.sampled_from("abc"), max_size=3)
RESOURCES = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)).map(
    lambda groups: Item(tuple(literal(name, text) for name, texts in groups.items() for text in texts))
)


def group(values: tuple[Value, ...], name: str) -> tuple[Value, ...]:
    return tuple(value for value in values if value.property == name)


@given(steps=st.lists(st.tuples(RESOURCES, st.none() | RESOURCES), min_size=1, max_size=6))
def test_no_edit_of_a_person_is_ever_lost_and_unedited_properties_follow_the_source(steps):
    first = steps[0][0]
    there = Item(first.values, id=1)
    before = Sent(first, first)
    edited = dict.fromkeys(NAMES, False)
    for wanted, edit in steps:
        if edit is not None:
            for name in NAMES:
                is_changed = group(edit.values, name) != group(there.values, name)
                edited[name] = edited[name] or is_changed
            there = replace(there, values=edit.values)
        merged = merge(wanted, before, there)
        for name in NAMES:
            now = group(merged.item.values, name)
            if edited[name]:
                assert now in (group(there.values, name), group(wanted.values, name))
                if now != group(there.values, name):  # only after the person's values were equal to ours
                    assert group(there.values, name) == group(before.accepted.values, name)
            else:
                assert now == group(wanted.values, name)
        before = sent_after(wanted, before, merged, merged.item)
        there = merged.item


@given(wanted=RESOURCES, accepted=RESOURCES)
def test_what_was_sent_is_read_back_as_it_was_stored(wanted, accepted):
    assert from_json(to_json(wanted)) == wanted
    assert sent_of(to_json(wanted), to_json(accepted)) == Sent(wanted, accepted)
    assert sent_of(None, None) is None


def test_an_adopted_item_keeps_its_visibility_and_class_the_next_time_too():
    wanted = resource((TITLE, "t"), resource_class="ours")
    there = item((TITLE, "t"), is_public=False)
    merged = merge(wanted, None, there)
    after = sent_after(wanted, None, merged, merged.item)

    assert merge(wanted, after, there).item == there


def test_a_record_of_what_was_sent_is_the_same_in_another_order_of_properties():
    one, other = sent((TITLE, "t"), (SUBJECT, "s")), sent((SUBJECT, "s"), (TITLE, "t"))

    assert is_same(one, other)
    assert not is_same(one, sent((TITLE, "t")))
    assert not is_same(one, None)
