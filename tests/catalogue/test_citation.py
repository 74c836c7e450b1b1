"""Citations of items, read back by other programs."""

from __future__ import annotations

import json

import pytest
import rispy
from pybtex.database import parse_string

from connector.catalogue import citation

LINK = "https://hdl.handle.net/1/2"
ARTICLE = {
    "dcterms:title": ["Herring & salt: 50 % {of} $5_a \\input{x}"],
    "dcterms:creator": ["Müller, Änne, 1830-1894", "World Health Organization"],
    "dcterms:type": ["Still Image", "Article"],
    "dcterms:issued": ["1994-03", "2020"],
    "dcterms:isPartOf": ["Journal of Harbours"],
    "dcterms:publisher": ["Quay Press"],
    "bibo:volume": ["7"],
    "bibo:pageStart": ["11"],
    "bibo:pageEnd": ["19"],
    "bibo:doi": ["https://doi.org/10.5555/ab_c"],
}


def cited(**others: list[str]) -> dict:
    """The citation of the article with other values."""
    texts = ARTICLE | {name.replace("_", ":"): texts for name, texts in others.items()}
    values = {term: [{"value": text, "language": None} for text in texts] for term, texts in texts.items() if texts}
    return citation.csl(values, "item-7", LINK)


def test_csl_json_has_the_names_dates_and_numbers_of_the_item():
    [found] = json.loads(citation.csl_json(cited()))

    assert found == {
        "id": "item-7",
        "type": "article-journal",
        "title": ARTICLE["dcterms:title"][0],
        "author": [{"family": "Müller", "given": "Änne"}, {"literal": "World Health Organization"}],
        "issued": {"date-parts": [[1994, 3]]},
        "container-title": "Journal of Harbours",
        "publisher": "Quay Press",
        "volume": "7",
        "page": "11-19",
        "DOI": "10.5555/ab_c",
        "URL": LINK,
    }


def test_bibtex_is_read_back_by_another_parser():
    entry = parse_string(citation.bibtex(cited()), "bibtex").entries["item-7"]

    assert entry.type == "article"
    assert entry.fields["title"] == r"Herring \& salt: 50 \% (of) \$5\_a \textbackslash input(x)"
    assert [str(person) for person in entry.persons["author"]] == ["Müller, Änne", "{World Health Organization}"]
    assert (entry.fields["year"], entry.fields["month"], entry.fields["pages"]) == ("1994", "03", "11--19")
    assert entry.fields["journal"] == "Journal of Harbours"


def test_ris_is_read_back_by_a_parser_and_begins_with_the_type():
    text = citation.ris(cited())
    [found] = rispy.loads(text)

    assert text.startswith("TY  - JOUR\n")
    assert found["authors"] == ["Müller, Änne", "World Health Organization"]
    assert (found["year"], found["start_page"], found["end_page"]) == ("1994", "11", "19")
    assert found["doi"] == "10.5555/ab_c"


def test_addresses_in_bibtex_have_no_escaped_characters():
    found = citation.csl(
        {"bibo:doi": [{"value": "10.5555/ab_c%2", "language": None}]}, "a", "https://x.org/a_b?c=1&d=#e~{"
    )
    entry = parse_string(citation.bibtex(found), "bibtex").entries["a"]

    assert entry.fields["doi"] == "10.5555/ab_c%2"
    assert entry.fields["url"] == "https://x.org/a_b?c=1&d=#e~%7B"


@pytest.mark.parametrize(
    ("type", "entry_type"),
    [("Master thesis", "mastersthesis"), ("text::thesis::doctoral thesis", "phdthesis"), ("Thesis", "phdthesis")],
)
def test_a_thesis_is_cited_as_what_it_is(type, entry_type):
    found = cited(dcterms_type=[type])
    entry = parse_string(citation.bibtex(found), "bibtex").entries["item-7"]
    [reference] = rispy.loads(citation.ris(found))
    genre = type.split("::")[-1]

    assert (found["type"], found["genre"]) == ("thesis", genre)
    assert (entry.type, entry.fields["type"], entry.fields["school"]) == (entry_type, genre, "Quay Press")
    assert (reference["type_of_reference"], reference["type_of_work"]) == ("THES", genre)


@pytest.mark.parametrize("name", ["Smith, John, Jr.", "Smith, John, Jr., 1830-1894"])
def test_a_suffix_is_not_taken_for_a_first_name(name):
    found = cited(dcterms_creator=[name])
    [person] = parse_string(citation.bibtex(found), "bibtex").entries["item-7"].persons["author"]

    assert found["author"] == [{"family": "Smith", "given": "John", "suffix": "Jr."}]
    assert (person.last_names, person.lineage_names, person.first_names) == (["Smith"], ["Jr."], ["John"])
    assert rispy.loads(citation.ris(found))[0]["authors"] == ["Smith, John, Jr."]


def test_pages_with_hyphens_keep_their_start_and_end():
    found = cited(bibo_pageStart=["A-1"], bibo_pageEnd=["A-5"])
    [reference] = rispy.loads(citation.ris(found))

    assert parse_string(citation.bibtex(found), "bibtex").entries["item-7"].fields["pages"] == "A-1--A-5"
    assert (reference["start_page"], reference["end_page"]) == ("A-1", "A-5")


@pytest.mark.parametrize("title", ["a { b", "a } b", "\\", "{", "line\nER  - \nTY  - BOOK", "\u202eright to left"])
def test_any_title_leaves_one_valid_reference(title):
    found = cited(dcterms_title=[title])

    assert list(parse_string(citation.bibtex(found), "bibtex").entries) == ["item-7"]
    assert len(rispy.loads(citation.ris(found))) == 1


def test_an_item_without_values_is_a_document_with_its_address():
    found = citation.csl({}, "item-7", LINK)

    assert found == {"id": "item-7", "type": "document", "URL": LINK}
    assert parse_string(citation.bibtex(found), "bibtex").entries["item-7"].type == "misc"
    assert "UR  - " + LINK in citation.ris(found)


@pytest.mark.parametrize("text", ["[s.d.]", "19941", "ca. 1900"])
def test_a_date_in_words_stays_in_words(text):
    assert cited(dcterms_issued=[text])["issued"] == {"literal": text}
