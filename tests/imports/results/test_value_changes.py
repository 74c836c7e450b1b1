"""The changed words of values, marked in place."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from connector.imports.results.value_changes import Part, compare_texts, compare_values

LONG = " ".join(f"word{number}" for number in range(200))


def entry(value, language=None):
    return {"value": value, "language": language, "authority": None, "confidence": None}


def marked(parts: list[Part]) -> str:
    """Return the text with changed parts in brackets."""
    return "".join("…" if part.is_folded else f"[{part.text}]" if part.is_changed else part.text for part in parts)


@pytest.mark.parametrize(
    ("before", "after", "old", "new"),
    [
        ("The old harbour", "The new harbour", "The [old] harbour", "The [new] harbour"),
        ("One", "One two", "One", "One[ two]"),
        ("", "New", "", "[New]"),
        ("港湾写真集", "港湾絵画集", "港湾[写真]集", "港湾[絵画]集"),
        ("قديم الميناء", "جديد الميناء", "[قديم] الميناء", "[جديد] الميناء"),
    ],
)
def test_changed_words_are_marked_in_place(before, after, old, new):
    assert tuple(map(marked, compare_texts(before, after))) == (old, new)


def test_long_unchanged_passages_are_folded_around_a_change():
    old, new = compare_texts(LONG, LONG.replace("word100 ", "another "))

    context = " ".join(f"word{number}" for number in range(92, 100))
    after = " ".join(f"word{number}" for number in range(101, 109))
    assert marked(old) == f"…{context} [word100] {after}…"
    assert marked(new) == f"…{context} [another] {after}…"


def test_equal_values_of_a_field_are_counted_and_left_out():
    authors = [entry(f"Author {number}") for number in range(200)]
    changed = [*authors[:50], entry("Author fifty"), *authors[51:], entry("One more")]

    old, new = compare_values(authors, changed)

    assert [value.left_out or marked(value.parts) for value in old] == [50, "Author [50]", 149]
    assert [value.left_out or marked(value.parts) for value in new] == [50, "Author [fifty]", 149, "[One more]"]


def test_a_change_of_the_language_alone_marks_no_word():
    old, new = compare_values([entry("Title", "de")], [entry("Title", "en")])

    assert [marked(value.parts) for value in (*old, *new)] == ["Title", "Title"]
    assert new[0].entry["language"] == "en"


def test_a_missing_value_has_no_marked_parts():
    old, new = compare_values([entry(None)], [entry("Title")])

    assert (list(old[0].parts), marked(new[0].parts)) == ([], "[Title]")


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_is_lost_in_short_texts(before, after):
    old, new = compare_texts(before, after)

    if not any(part.is_folded for part in (*old, *new)):
        assert ("".join(part.text for part in old), "".join(part.text for part in new)) == (before, after)


def test_very_long_texts_are_marked_as_a_whole_between_their_common_ends():
    before = " ".join(["start", *("a" if number % 2 else "b" for number in range(5000)), "end"])
    after = " ".join(["start", *("c" if number % 2 else "d" for number in range(5000)), "end"])

    old, new = compare_texts(before, after)

    assert [part.is_changed for part in old] == [part.is_changed for part in new] == [False, True, False]
