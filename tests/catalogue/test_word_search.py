"""Searches find the texts that have all their words."""

import re
import sqlite3
from contextlib import closing, suppress

import pytest
from hypothesis import given, strategies as st

from connector.errors import InvalidInputError
from connector.word_search import MOST_CHARACTERS, MOST_WORDS, Term, search_terms, search_text


def literal(text: str) -> dict:
    return {"value": text, "language": None}


def found(query: str, text: str) -> bool:
    """Whether SQLite finds the search in the text, as the item list asks it."""

    def has(term: Term) -> bool:
        like = [db.execute(r"SELECT ? LIKE ? ESCAPE '\'", (text, pattern)).fetchone()[0] for pattern in term.patterns]
        is_there = all(like) and (not term.is_prefix or re.search(term.expression, text) is not None)
        return is_there != term.is_excluded

    with closing(sqlite3.connect(":memory:")) as db:
        return all(map(has, search_terms(query)))


def test_title_values_uris_labels_and_file_names_are_searched_one_a_line():
    values = {
        "dcterms:creator": [literal("Łukasz, Anna"), literal("Žižek")],
        "bibo:uri": [{"uri": "https://hdl.handle.net/1/2", "label": "The Page"}, {"uri": "hdl:1/2", "label": None}],
    }

    assert search_text("Die Aufsätze", values, ["Thesis.PDF", None]).split("\n") == [
        "",
        "die aufsatze",
        "lukasz, anna",
        "zizek",
        "https://hdl.handle.net/1/2",
        "the page",
        "hdl:1/2",
        "thesis.pdf",
        "1",
        "2",
        "",
    ]


def test_a_text_met_twice_is_kept_once_and_an_untitled_item_has_no_empty_line():
    assert search_text(None, {"dcterms:title": [literal("T")], "local.t": [literal("t"), literal(" ")]}, []) == "\nt\n"


def test_line_ends_inside_a_value_are_spaces():
    assert search_text("one\r\ntwo\u2028three\t four", {}, []) == "\none two three four\n"


def test_characters_that_databases_cannot_store_are_searched_as_they_are_shown():
    text = search_text("nul\x00 half\ud83d", {}, ["\udc00"])

    assert text == "\nnul\ufffd half\ufffd\n\ufffd\n"
    text.encode("utf-8")


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("STRASSE", "Die Straße"),
        ("caf\u00e9", "Cafe\u0301"),
        ("cafe\u0301", "CAF\u00c9"),
        ("hafen", "Alte Häfen"),
        ("Häfen", "Hafen"),
        ("lukasz ORE", "Łukasz, Øre"),
        ("احمد", "أَحْمَد"),
        ("е", "Ё"),
        ("ΟΔΟΣ", "οδος"),
        ("\u03b1\u0345\u0301", "\u1fb4"),
        ("日本", "日本語の題名"),
        ("題", "日本語の題名"),
        ("題名", "日本語の題名"),
        ("第7", "第7章"),
        ("7", "第7章"),
        ("มี", "ไม่มีเรือ"),
        ("한국", "한국의 항구"),
        ("eu", "The EU"),
        ("EU", "(EU-wide)"),
        ("of", "7\nof\n8"),
        ("of 7", "7 of 8"),
        ("c#", "(C#)"),
        ("a.", "Smith, A. B."),
        ("ß", "SS"),
        ("& 7", "7 & 8"),
        ('"n f"', "man for man"),
        ("second first", "first and second"),
        ('"and second"', "first and\nsecond"),
        ('"first  and', "first and second"),
        ("100%", "100% cotton"),
        ("a_b", "a_b"),
        (r"c:\dir", r"C:\dir"),
        ("harb*", "The harbours"),
        ("HARB**", "inner-harbour"),
        ("第*", "新第7章"),
        ("日本*", "新日本語"),
        ("*", "anything"),
        ("man -woman", "man"),
        ('man -"man for"', "man of men"),
        ("man -wom*", "a man in clowom"),
        ("well-known", "well-known"),
        ("- 5", "- 5"),
        ("", "anything"),
        (' "" ', "anything"),
    ],
)
def test_a_search_finds_texts_with_all_its_words(query, title):
    assert found(query, search_text(title, {}, []))


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("が", "か"),
        ('"second first"', "first second"),
        ("first third", "first second"),
        ("100%", "100 cotton"),
        ("a_b", "axb"),
        (r"a\b", "ab"),
        ('"a b"', "a\tx b"),
        ("eu", "Europe"),
        ("7", "1975"),
        ("a_", "a_b"),
        ("7", "第75章"),
        ("本日", "日本語の題名"),
        ("c#", "C, 7#"),
        ("a.", "data."),
        ("&", "7 and 8"),
        ("arb*", "harbours"),
        ("ship -harb*", "ship in harbours"),
        ('man -"for man"', "man for man"),
        ("-man", "man"),
        ("ship -of", "ship of"),
    ],
)
def test_a_search_skips_texts_that_lack_a_word(query, title):
    assert not found(query, search_text(title, {}, []))


def test_words_and_phrases_become_one_pattern_each():
    terms = search_terms('  Word "a  Phrase" word 5%_\\ of 日本')

    assert [pattern for term in terms for pattern in term.patterns] == [
        *("%word%", "%a phrase%", r"%5\%\_\\%", "%\nof\n%", "%\n日本\n%")
    ]


def test_a_phrase_does_not_run_over_two_values():
    text = search_text("one", {"dcterms:subject": [literal("two")]}, [])

    assert not found('"one two"', text)


@given(st.text())
def test_every_text_is_found_by_its_own_words(text):
    words = text.replace('"', " ").split()[:MOST_WORDS]

    assert found(" ".join(f'"{word}"' for word in words), search_text(text, {}, []))


@given(st.text(st.characters(codec="utf-8") | st.sampled_from('"-* \\%')))
def test_every_search_is_accepted_or_refused_with_a_reason(query):
    with suppress(InvalidInputError):
        found(query, "\nany text\n")


@pytest.mark.parametrize("query", ["x" * (MOST_CHARACTERS + 1), "x " * (MOST_WORDS + 1)])
def test_a_search_that_is_too_long_is_refused(query):
    with pytest.raises(InvalidInputError, match=r"The search .* Use at most"):
        search_terms(query)


@pytest.mark.parametrize("query", ["ha*", "-c#*", "ships h**"])
def test_a_prefix_of_one_or_two_characters_is_refused(query):
    with pytest.raises(InvalidInputError, match=r"at least three characters before “\*”"):
        search_terms(query)


def test_a_search_as_long_as_allowed_is_accepted():
    words = [f"word{number}".ljust(MOST_CHARACTERS // MOST_WORDS - 1, "x") for number in range(MOST_WORDS)]

    assert [term.text for term in search_terms(" ".join(words))] == words
