"""Items of the catalogue as items of Omeka S: terms, languages, addresses, classes and visibility."""

from types import SimpleNamespace

import pytest

from connector.dspace.records import SourceState
from connector.omeka.resources import BIBO, DCTERMS, IDENTIFIER, TITLE, URI, literal, uri
from connector.publishing.mapping import ItemRules, identifier_of, mapped

THESIS = f"{BIBO}Thesis"
SUBJECT = f"{DCTERMS}subject"
RULES = ItemRules(True, 7, {"thesis": THESIS}, frozenset({TITLE, SUBJECT, URI, IDENTIFIER}))
ID = "dspace:example.org/server/api/1"
LINK = "https://hdl.handle.net/1/2"


def item(values, **members):
    standard = {"source_state": SourceState.PRESENT, "is_restricted": False, "is_hidden": False, "link": LINK}
    return SimpleNamespace(mapped_values=values, **standard | members)


def test_values_have_their_terms_languages_and_order_and_the_item_its_link_and_identifier():
    values = {
        "dcterms:title": [{"value": "Häfen", "language": "de"}],
        "dcterms:subject": [{"value": "b", "language": None}, {"value": "a", "language": "*"}],
    }

    assert mapped(item(values), ID, RULES).values == (
        literal(TITLE, "Häfen", "de"),
        literal(SUBJECT, "b"),
        literal(SUBJECT, "a"),
        uri(URI, LINK),
        literal(IDENTIFIER, ID),
    )


def test_a_link_that_the_metadata_has_is_not_repeated():
    values = {"bibo:uri": [{"uri": LINK, "label": None}, {"value": "see there", "language": None}]}

    assert mapped(item(values), ID, RULES).values[:-1] == (uri(URI, LINK), literal(URI, "see there"))


def test_fields_without_a_term_and_terms_that_the_site_lacks_are_left_out():
    values = {name: [{"value": "x", "language": None}] for name in ("local.note", "dcterms:creator", "other:title")}

    assert mapped(item(values), ID, RULES).values == (uri(URI, LINK), literal(IDENTIFIER, ID))


@pytest.mark.parametrize("text", [" ", "\u00a0", "\n"])
def test_blank_values_are_left_out(text):
    assert mapped(item({"dcterms:title": [{"value": text, "language": None}]}), ID, RULES).values[0] == uri(URI, LINK)


def test_half_a_surrogate_pair_and_a_language_that_is_too_long_do_not_lose_the_item():
    values = {"dcterms:title": [{"value": "a\ud800b", "language": "x" * 256}]}

    assert mapped(item(values), ID, RULES).values[0] == literal(TITLE, "a?b")


def test_line_ends_are_sent_as_the_edit_form_of_omeka_writes_them():
    values = {"dcterms:title": [{"value": "a\r\n\r\nb\rc\nd", "language": None}]}

    assert mapped(item(values), ID, RULES).values[0] == literal(TITLE, "a\n\nb\nc\nd")


def test_a_restricted_value_is_private():
    values = {"dcterms:title": [{"value": "secret", "language": None, "restricted": True}]}

    assert mapped(item(values), ID, RULES).values[0] == literal(TITLE, "secret", is_public=False)


@pytest.mark.parametrize(
    "members", [{"is_restricted": True}, {"is_hidden": True}, {"source_state": SourceState.WITHDRAWN}]
)
def test_an_item_that_is_not_open_is_private(members):
    assert mapped(item({}, **members), ID, RULES).is_public is False
    assert mapped(item({}), ID, RULES).is_public is True


def test_the_type_gives_the_class():
    values = {"dcterms:type": [{"value": "Text", "language": None}, {"value": "Thesis ", "language": None}]}

    assert mapped(item(values), ID, RULES).resource_class == THESIS
    assert (mapped(item({}), ID, RULES).resource_class, mapped(item({}), ID, RULES).template) == (None, 7)


def test_the_identifier_names_the_repository_and_the_item():
    assert identifier_of("example.org/server/api", "1") == ID
