"""The order in which pages show the values of an item."""

from __future__ import annotations

from connector.catalogue.item_presentation import described


def test_the_place_of_an_article_in_its_journal_is_shown_as_it_is_cited():
    terms = ["dcterms:date", "bibo:pageEnd", "bibo:volume", "bibo:pageStart", "local.note", "bibo:issue"]
    terms += ["dcterms:isPartOf", "dcterms:title"]
    shown, others = described({term: [] for term in terms})

    assert [term for term, _ in shown] == [
        *("dcterms:title", "dcterms:isPartOf", "bibo:volume", "bibo:issue", "bibo:pageStart", "bibo:pageEnd"),
        "dcterms:date",
    ]
    assert [term for term, _ in others] == ["local.note"]
