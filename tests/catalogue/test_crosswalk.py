"""The crosswalk, compared with the table of the module and recorded metadata. No value is lost."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from connector.catalogue.crosswalk import BIBO, DCTERMS, CrosswalkRules, crosswalk, ignored_by, term_label, terms_of

PAYLOADS = Path(__file__).parent.parent / "payloads" / "crosswalk"

# What mapKeyToTerm of DspaceConnector 1.6.1 does with the fields a DSpace is installed with.
MODULE_TARGETS = {
    "dc.contributor": "dcterms:contributor",
    "dc.contributor.advisor": "dcterms:contributor",
    "dc.contributor.author": "dcterms:creator",
    "dc.contributor.editor": "dcterms:contributor",
    "dc.contributor.illustrator": "dcterms:contributor",
    "dc.contributor.other": "dcterms:contributor",
    "dc.contributor.translator": "dcterms:contributor",
    "dc.coverage.spatial": "dcterms:spatial",
    "dc.coverage.temporal": "dcterms:temporal",
    "dc.creator": "dcterms:creator",
    "dc.date": "dcterms:date",
    "dc.date.accessioned": "dcterms:date",
    "dc.date.available": "dcterms:available",
    "dc.date.copyright": "dcterms:date",
    "dc.date.created": "dcterms:created",
    "dc.date.issued": "dcterms:issued",
    "dc.date.submitted": "dcterms:date",
    "dc.date.updated": "dcterms:date",
    "dc.description": "dcterms:description",
    "dc.description.abstract": "dcterms:abstract",
    "dc.description.provenance": "dcterms:provenance",
    "dc.description.sponsorship": "dcterms:description",
    "dc.description.statementofresponsibility": "dcterms:description",
    "dc.description.tableofcontents": "dcterms:description",
    "dc.description.uri": "bibo:uri",
    "dc.description.version": "dcterms:description",
    "dc.format": "dcterms:format",
    "dc.format.extent": "dcterms:extent",
    "dc.format.medium": "dcterms:medium",
    "dc.format.mimetype": "dcterms:format",
    "dc.identifier": "dcterms:identifier",
    "dc.identifier.citation": "dcterms:identifier",
    "dc.identifier.doi": "dcterms:identifier",
    "dc.identifier.govdoc": "dcterms:identifier",
    "dc.identifier.isbn": "dcterms:identifier",
    "dc.identifier.ismn": "dcterms:identifier",
    "dc.identifier.issn": "dcterms:identifier",
    "dc.identifier.other": "dcterms:identifier",
    "dc.identifier.sici": "dcterms:identifier",
    "dc.identifier.slug": "dcterms:identifier",
    "dc.identifier.uri": "bibo:uri",
    "dc.language": "dcterms:language",
    "dc.language.iso": "dcterms:language",
    "dc.provenance": "dcterms:provenance",
    "dc.publisher": "dcterms:publisher",
    "dc.relation": "dcterms:relation",
    "dc.relation.haspart": "dcterms:relation",
    "dc.relation.hasversion": "dcterms:relation",
    "dc.relation.isPartOf": "dcterms:isPartOf",
    "dc.relation.isbasedon": "dcterms:relation",
    "dc.relation.isformatof": "dcterms:relation",
    "dc.relation.ispartof": "dcterms:relation",
    "dc.relation.ispartofseries": "dcterms:relation",
    "dc.relation.isreferencedby": "dcterms:relation",
    "dc.relation.isreplacedby": "dcterms:relation",
    "dc.relation.isversionof": "dcterms:relation",
    "dc.relation.references": "dcterms:references",
    "dc.relation.replaces": "dcterms:replaces",
    "dc.relation.requires": "dcterms:requires",
    "dc.relation.uri": "bibo:uri",
    "dc.rights": "dcterms:rights",
    "dc.rights.holder": "dcterms:rights",
    "dc.rights.license": "dcterms:license",
    "dc.rights.uri": "bibo:uri",
    "dc.source": "dcterms:source",
    "dc.source.uri": "bibo:uri",
    "dc.subject": "dcterms:subject",
    "dc.subject.classification": "dcterms:subject",
    "dc.subject.ddc": "dcterms:subject",
    "dc.subject.lcc": "dcterms:subject",
    "dc.subject.lcsh": "dcterms:subject",
    "dc.subject.mesh": "dcterms:subject",
    "dc.subject.other": "dcterms:subject",
    "dc.title": "dcterms:title",
    "dc.title.alternative": "dcterms:alternative",
    "dc.type": "dcterms:type",
}

FINER_BESIDES = {
    "dc.contributor.editor": "bibo:editor",
    "dc.contributor.translator": "bibo:translator",
    "dc.date.copyright": "dcterms:dateCopyrighted",
    "dc.date.submitted": "dcterms:dateSubmitted",
    "dc.date.updated": "dcterms:modified",
    "dc.description.tableofcontents": "dcterms:tableOfContents",
    "dc.identifier.citation": "dcterms:bibliographicCitation",
    "dc.identifier.doi": "bibo:doi",
    "dc.identifier.isbn": "bibo:isbn",
    "dc.identifier.issn": "bibo:issn",
    "dc.identifier.sici": "bibo:sici",
    "dc.relation.haspart": "dcterms:hasPart",
    "dc.relation.hasversion": "dcterms:hasVersion",
    "dc.relation.isbasedon": "dcterms:source",
    "dc.relation.isformatof": "dcterms:isFormatOf",
    "dc.relation.ispartof": "dcterms:isPartOf",
    "dc.relation.ispartofseries": "dcterms:isPartOf",
    "dc.relation.isreferencedby": "dcterms:isReferencedBy",
    "dc.relation.isreplacedby": "dcterms:isReplacedBy",
    "dc.relation.isversionof": "dcterms:isVersionOf",
    "dc.relation.uri": "dcterms:relation",
    "dc.rights.holder": "dcterms:rightsHolder",
    "dc.rights.uri": "dcterms:rights",
    "dc.source.uri": "dcterms:source",
}


def recorded(name: str) -> list[dict]:
    """The metadata of an item of a real DSpace 6.3 or 9.3, as `source_metadata` keeps it."""
    return json.loads((PAYLOADS / f"{name}.json").read_text("utf-8"))


def value(field: str, text: str | None, language: str | None = None) -> dict:
    return {"field": field, "value": text, "language": language, "authority": None, "confidence": None}


@pytest.mark.parametrize(("field", "term"), MODULE_TARGETS.items())
def test_every_field_goes_first_where_the_module_sent_it(field, term):
    assert terms_of(field)[0] == term


@pytest.mark.parametrize(("field", "term"), FINER_BESIDES.items())
def test_a_field_is_mapped_to_its_finer_term_and_to_the_term_of_the_module(field, term):
    assert terms_of(field)[1:] == (term,)


@pytest.mark.parametrize("field", [field for field in MODULE_TARGETS if field not in FINER_BESIDES])
def test_a_field_without_a_finer_term_is_mapped_to_one_term(field):
    assert len(terms_of(field)) == 1


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("dc.relation.IsPartOf", ("dcterms:relation", "dcterms:isPartOf")),
        ("dc.Title", ("dcterms:title",)),
        ("DC.SUBJECT.LCSH", ("dcterms:subject",)),
        ("dc.contributor.Author", ("dcterms:contributor", "dcterms:creator")),
        ("dc.Identifier.URI", ("bibo:uri",)),
        ("dc.rights.URI", ("dcterms:rights", "bibo:uri")),
        ("DCTERMS.ispartof", ("dcterms:isPartOf",)),
        ("Bibo.PAGESTART", ("bibo:pageStart",)),
    ],
)
def test_fields_in_upper_or_lower_case_have_the_same_terms(field, terms):
    assert terms_of(field) == terms


@pytest.mark.parametrize("name", DCTERMS)
def test_each_dublin_core_term_is_reached_by_its_schema_and_by_dc(name):
    assert terms_of(f"dcterms.{name}") == terms_of(f"dc.{name}") == terms_of(f"dc.other.{name}") == (f"dcterms:{name}",)


@pytest.mark.parametrize("name", BIBO)
def test_each_bibo_term_is_reached_by_its_schema(name):
    assert terms_of(f"bibo.{name}") == (f"bibo:{name}",)


def test_the_vocabularies_have_as_many_terms_as_omeka_installs():
    assert (len(DCTERMS), len(BIBO)) == (55, 67)


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("dc.citation.volume", ("bibo:volume",)),
        ("dc.citation.spage", ("bibo:pageStart",)),
        ("dc.issn", ("bibo:issn",)),
        ("dc.degree", ("bibo:degree",)),
        ("dcterms.identifier.local", ("dcterms:identifier",)),
    ],
)
def test_a_field_that_the_module_dropped_is_mapped_if_its_name_is_a_term(field, terms):
    assert terms_of(field) == terms


@pytest.mark.parametrize(
    "field",
    [
        "local.shelfmark",
        "dspace.entity.type",
        "person.familyName",
        "relation.isAuthorOfPublication.latestForDiscovery",
        "thesis.degree.name",
        "dc.degree.grantor",
        "dc.unheardof",
        "dcterms.unheardof",
        "dc.a.b.c",
        "dc",
        "dc.",
        "",
    ],
)
def test_a_field_without_a_term_stays_under_its_own_name(field):
    assert crosswalk([value(field, "x")]) == {field: [{"value": "x", "language": None}]}


def test_every_title_comes_across_in_order_with_its_language():
    titles = crosswalk(recorded("6.3-languages"))["dcterms:title"]

    assert titles == [
        {"value": "English title", "language": "en"},
        {"value": "Deutscher Titel", "language": "de"},
        {"value": "日本語の題名", "language": "ja"},
        {"value": "No language title", "language": ""},
        {"value": "Star", "language": "*"},
        {"value": "Empty", "language": ""},
    ]


def test_local_fields_of_two_and_three_parts_are_kept():
    values = crosswalk(recorded("6.3-local-fields"))

    assert values["local.callnumber"] == [{"value": "QA 76.9 .D3", "language": ""}]
    assert [entry["value"] for entry in values["local.shelf.mark"]] == ["Bay 3 / 12", "Bay 3 / 13"]


def test_addresses_become_uris_under_the_term_of_their_field():
    values = crosswalk(recorded("6.3-addresses"))

    assert values["bibo:uri"] == [
        {"uri": "http://hdl.handle.net/20.500.12345/344", "label": None},
        {"uri": "https://example.org/a?b=c&d=e#f", "label": None},
        {"uri": "http://creativecommons.org/licenses/by/4.0/", "label": None},
    ]
    assert values["dcterms:relation"] == [{"value": "https://example.org/a?b=c&d=e#f", "language": ""}]
    assert values["dcterms:rights"] == [{"value": "http://creativecommons.org/licenses/by/4.0/", "language": ""}]


def test_texts_are_not_trimmed_or_changed():
    assert crosswalk(recorded("6.3-addresses"))["dcterms:description"][0]["value"] == "tab\tand\nnewline"
    assert crosswalk([value("dc.title", "  x ")])["dcterms:title"][0]["value"] == "  x "


def test_the_crosswalk_keeps_control_characters():
    text = crosswalk(recorded("6.3-control-characters"))["dcterms:description"][0]["value"]

    assert text.startswith("a\x0bb\x1bc\x01d\ufffee")


def test_a_null_value_is_not_mapped():
    assert "dcterms:description" not in crosswalk(recorded("6.3-null-value"))


def test_an_empty_text_gives_no_value_and_the_others_stay():
    subjects = crosswalk(recorded("9.3-empties"))["dcterms:subject"]

    assert [entry["value"] for entry in subjects] == ["-", "N/A", "a||b", "x::y"]


def test_an_entity_keeps_its_virtual_authors_and_its_relations():
    values = crosswalk(recorded("9.3-entity"))

    authors = [entry["value"] for entry in values["dcterms:creator"]]
    assert authors == ["Plain, First", "Plain, Second", "Person2, Real", "Person0, Real"]
    assert len(values["relation.isAuthorOfPublication"]) == 2
    assert values["dspace.entity.type"] == [{"value": "Publication", "language": None}]


def test_the_same_value_twice_stays_twice():
    assert len(crosswalk([value("dc.subject", "x"), value("dc.subject", "x")])["dcterms:subject"]) == 2


def test_metadata_without_languages_as_of_dspace_4_is_read():
    assert crosswalk([{"field": "dc.title", "value": "T"}]) == {"dcterms:title": [{"value": "T", "language": None}]}


@pytest.mark.parametrize(
    "text",
    [
        "https://hdl.handle.net/1/2",
        "HTTP://x",
        "hdl:1/2",
        "doi:10.5555/LAB.(2020)1<2>",
        "urn:nbn:de:101:1-2",
        "ark:/1/2",
    ],
)
def test_a_value_of_bibo_uri_becomes_a_uri(text):
    assert crosswalk([value("dc.identifier.uri", text)]) == {"bibo:uri": [{"uri": text, "label": None}]}


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "see page 3",
        "10.5555/1",
        "http://",
        "https:///x",
        " http://x/",
        "http://a b",
    ],
)
def test_values_that_are_no_safe_uri_stay_text(text):
    assert crosswalk([value("dc.identifier.uri", text, "en")]) == {"bibo:uri": [{"value": text, "language": "en"}]}


def test_labels_of_terms_are_written_in_one_style_and_fields_without_a_term_keep_their_names():
    assert [term_label(term) for term in ("dcterms:isPartOf", "dcterms:created", "bibo:uri", "local.shelf.mark")] == [
        "Is Part Of",
        "Date Created",
        "URI",
        "local.shelf.mark",
    ]


@pytest.mark.parametrize("pattern", ["dc.subject", "dc.subject.*", "DC.Subject.*", "dc.*"])
def test_a_pattern_names_the_field_itself(pattern):
    assert ignored_by("dc.subject", [pattern])


@pytest.mark.parametrize(
    ("field", "pattern"),
    [
        ("dc.subject.lcsh", "dc.subject"),
        ("dc.subjects", "dc.subject.*"),
        ("dcterms.subject", "dc.*"),
        ("dc.subject", ""),
        ("dc.subject", "*"),
        ("dc.subject", ".*"),
    ],
)
def test_a_pattern_does_not_match_other_fields(field, pattern):
    assert not ignored_by(field, [pattern])


def test_an_ignored_field_gives_no_value():
    metadata = [value("dc.subject", "a"), value("dc.subject.lcsh", "b"), value("dc.title", "c"), value("local.x", "d")]

    assert list(crosswalk(metadata, CrosswalkRules(ignored=("dc.subject.*", "LOCAL.x")))) == ["dcterms:title"]


FIELDS = st.one_of(
    st.sampled_from([*MODULE_TARGETS, *FINER_BESIDES, "local.shelfmark", "dcterms.isPartOf", "bibo.uri"]),
    st.lists(st.text("abcDC.", max_size=4), min_size=1, max_size=4).map(".".join),
)
METADATA = st.lists(
    st.builds(
        value,
        FIELDS,
        st.one_of(st.none(), st.text(), st.just("https://example.org/1")),
        st.sampled_from([None, "", "de"]),
    )
)
IGNORED = st.lists(st.sampled_from(["dc.subject.*", "dc.title", "local.*"]), max_size=2)


@given(METADATA, IGNORED)
def test_the_crosswalk_keeps_all_values_in_order_and_adds_none(metadata, ignored):
    values = crosswalk(metadata, CrosswalkRules(ignored=tuple(ignored)))

    expected = {}
    for entry in metadata:
        if entry["value"] and not ignored_by(entry["field"], ignored):
            assert terms_of(entry["field"])
            for term in terms_of(entry["field"]):
                expected.setdefault(term, []).append(entry["value"])
    assert {term: [v["uri"] if "uri" in v else v["value"] for v in found] for term, found in values.items()} == expected


def test_a_rule_moves_a_field_to_its_term_and_leaves_other_fields():
    metadata = [value("dc.title", "T"), value("dc.title.alternative", "A")]

    moved = crosswalk(metadata, CrosswalkRules(terms={"dc.title": "dcterms:abstract"}))

    assert {term: [one["value"] for one in found] for term, found in moved.items()} == {
        "dcterms:abstract": ["T"],
        "dcterms:alternative": ["A"],
    }


def test_a_rule_can_keep_the_name_of_a_field():
    rules = CrosswalkRules(terms={"dc.title": "dc.title"})

    assert list(crosswalk([value("dc.title", "T")], rules)) == ["dc.title"]


@given(METADATA, IGNORED)
def test_the_crosswalk_is_pure(metadata, ignored):
    before = copy.deepcopy(metadata)

    rules = CrosswalkRules(ignored=tuple(ignored))

    assert crosswalk(metadata, rules) == crosswalk(iter(metadata), rules)
    assert metadata == before
