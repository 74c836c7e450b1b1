"""Found words are marked in the texts of an item."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from connector.catalogue.found_words import AFTER, BEFORE, excerpt, marked
from connector.models.catalogue import CatalogueItem
from connector.word_search import search_terms


def in_brackets(text: str, query: str) -> str:
    return "".join(f"[{part}]" if is_found else part for part, is_found in marked(text, search_terms(query)))


def item(title: str | None, **values: str) -> CatalogueItem:
    """An item with one value of each of these terms of Dublin Core."""
    mapped = {f"dcterms:{name}": [{"value": value, "language": None}] for name, value in values.items()}
    return CatalogueItem(title=title, mapped_values=mapped, source_metadata=[])


def excerpt_of(found: CatalogueItem, query: str, with_restricted: bool = True) -> tuple[str, str] | None:
    part = excerpt(found, search_terms(query), with_restricted)
    return part and (part[0], "".join(f"[{text}]" if is_found else text for text, is_found in part[1]))


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Herring boats", "BOAT", "Herring [boat]s"),
        ("Die Straße und STRASSE", "strasse", "Die [Straße] und [STRASSE]"),
        ("Cafe\u0301 caf\u00e9", "CAFÉ", "[Cafe\u0301] [caf\u00e9]"),
        ("Alte Häfen, Łódź, أَحْمَد", "hafen lodz احمد", "Alte [Häfen], [Łódź], [أَحْمَد]"),
        ("Harbours, inner harbours, anharbour", "harb*", "[Harb]ours, inner [harb]ours, anharbour"),
        ("The EU and Europe", "eu", "The [EU] and Europe"),
        ("日本語の港", "日本 港", "[日本]語の[港]"),
        ("الميناء القديم", "القديم", "الميناء [القديم]"),
        ("one  two", '"one two"', "one  two"),
        ("one two", '-one "two"', "one [two]"),
        ("overlapping", "over overlap", "[overlap]ping"),
        ("nothing", "", "nothing"),
        ("", "word", ""),
    ],
)
def test_found_words_are_marked(text, query, expected):
    assert in_brackets(text, query) == expected


@given(st.text(), st.text(max_size=20))
def test_marks_change_no_character(text, query):
    terms = [term for term in search_terms(query.replace("*", "")) if term.text]

    assert "".join(part for part, _ in marked(text, terms)) == text


def test_an_excerpt_shows_the_first_value_with_a_word_that_the_title_lacks():
    found = item(
        "Boats", abstract="Long ago " * 40 + "herring came with boats. " + "And so on " * 40, subject="Herring"
    )

    label, text = excerpt_of(found, "herring boats")

    assert label == "Abstract"
    assert text.startswith("…") and text.endswith("…")
    assert "[herring] came with [boats]" in text
    assert len(text) < BEFORE + AFTER + 10


def test_a_title_or_creator_with_all_words_needs_no_excerpt():
    assert excerpt_of(item("Herring boats", creator="Strand", abstract="Herring"), "herring strand -cod") is None


def test_an_excerpt_of_a_long_word_is_cut():
    assert len(excerpt_of(item("T", abstract="x" * 5000 + "herring" + "x" * 5000), "herring")[1]) < BEFORE + AFTER + 10


def test_an_excerpt_never_shows_restricted_values_to_viewers():
    found = item("Boats", abstract="herring")
    found.mapped_values["dcterms:abstract"][0]["restricted"] = True

    assert excerpt_of(found, "herring") == ("Abstract", "[herring]")
    assert excerpt_of(found, "herring", with_restricted=False) is None
