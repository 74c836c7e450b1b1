"""The conversion of `xoai` records: any values and files, and records of another shape."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace

import pytest
from hypothesis import given, settings, strategies as st
from lxml import etree
from msgspec import structs

from connector.dspace.oai_escaping import LEAST_PROOFS, Escaping
from connector.dspace.oai_xml import record_of
from connector.dspace.records import Bitstream, MetadataValue
from connector.errors import BadResponseError
from tests.sample import Repository, Value
from tests.sample.answers import Request
from tests.sample.costs import Costs
from tests.sample.oai import Oai

URL = "https://repository.example/oai/request"
names = st.sampled_from(["a", "b", "en", "none", "value"])
texts = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=12)
values = st.builds(
    lambda schema, parts, text, language, authority: Value(
        ".".join([schema, *parts]), text, language, authority and authority[0], authority[1] if authority else -1
    ),
    st.sampled_from(["dc", "local"]),
    st.lists(names, min_size=1, max_size=2),
    texts,
    st.sampled_from([None, "en", "a", "de_DE"]),
    st.none() | st.tuples(texts, st.integers(-1, 600)),
)
files = st.tuples(
    st.sampled_from(["ORIGINAL", "TEXT"]), st.text("abc \"'&<>/é", min_size=1, max_size=9), st.none() | texts
)


def repository_of(given_values, given_files=()):
    data = Repository()
    item = data.add_item(data.add_collection("Home", data.add_community("Top")), ())
    item.metadata = [value._replace(place=place) for place, value in enumerate(given_values)]
    for bundle, name, description in given_files:
        data.add_file(item, name, name.encode(), bundle=bundle, description=description)
    return data, item


def parsed(data, item, generation: int, format: str = "xoai"):
    oai = Oai(SimpleNamespace(data=data, costs=Costs()), generation)
    oai.escapes_twice = False
    answer = oai.answer(
        Request("GET", f"{oai.path}?verb=GetRecord&metadataPrefix={format}&identifier=oai:127.0.0.1:{item.handle}")
    )
    record = etree.fromstring(answer.body)[-1][0]
    return record_of(record, URL, is_newer=generation >= 7)


def by_field_and_language(found):
    groups = defaultdict(list)
    for value in found:
        groups[value.field, value.language].append((value.value, value.authority, value.confidence))
    return groups


@given(st.lists(values, max_size=12))
@settings(max_examples=60, deadline=None)
def test_every_value_arrives_with_field_language_authority_and_confidence_in_order(metadata):
    data, item = repository_of(metadata)

    found = parsed(data, item, 6).metadata

    expected = [
        MetadataValue(
            one.field,
            one.value,
            one.language,
            one.authority,
            None if one.authority is None or one.confidence == 0 else one.confidence,
        )
        for one in sorted(metadata, key=lambda one: one.field)
    ]
    assert by_field_and_language(found) == by_field_and_language(expected)


@pytest.mark.parametrize("generation", [6, 9])
@given(metadata=st.lists(values, max_size=12))
@settings(max_examples=30, deadline=None)
def test_dim_gives_every_value_without_authority_and_before_7_only_those_of_dc(generation, metadata):
    data, item = repository_of(metadata)

    found = parsed(data, item, generation, "dim").metadata

    whole = parsed(data, item, generation).metadata
    unset = None if generation == 6 else -1
    assert found == tuple(
        structs.replace(one, authority=None, confidence=unset)
        for one in whole
        if generation == 9 or one.field.startswith("dc.")
    )


@given(st.lists(files, max_size=6))
@settings(max_examples=30, deadline=None)
def test_every_file_arrives_with_its_properties_and_an_id_of_its_own(named):
    data, item = repository_of((), named)

    newer, older = parsed(data, item, 9).bitstreams, parsed(data, item, 5).bitstreams

    assert newer == tuple(
        Bitstream(
            one.uuid,
            one.bundle.name,
            one.name,
            one.description,
            one.mimetype,
            len(one.content),
            one.checksum,
            "MD5",
            one.sequence,
        )
        for one in item.bitstreams
    )
    assert [file.id for file in older] == [f"{item.handle}/{one.sequence}/{one.name}" for one in item.bitstreams]


def record(inner: str, header: str = "<identifier>oai:x:1/2</identifier>"):
    text = f'<record xmlns="http://www.openarchives.org/OAI/2.0/"><header>{header}</header>{inner}</record>'
    return record_of(etree.fromstring(text), URL, is_newer=True)


@pytest.mark.parametrize(
    ("inner", "header", "words"),
    [
        ("", "<identifier>oai:x:1/2</identifier>", "without its metadata"),
        ("<metadata><dc/></metadata>", "<identifier>oai:x:1/2</identifier>", "without its metadata"),
        ('<metadata><metadata xmlns="urn:other"/></metadata>', "<identifier>oai:x:1/2</identifier>", "without its"),
        ("", "", "without identifier"),
    ],
)
def test_a_record_of_another_shape_is_an_error_and_not_an_empty_item(inner, header, words):
    with pytest.raises(BadResponseError, match=words):
        record(inner, header)


# -- escaping


def escaping_of(*texts: str) -> Escaping:
    escaping = Escaping()
    escaping.note(MetadataValue("dc.title", text) for text in texts)
    return escaping


PROOF = [f"{number} &amp; &lt;b&gt;" for number in range(LEAST_PROOFS)]


def test_values_are_unescaped_once_where_double_escaping_is_proven():
    escaping = escaping_of(*PROOF, "plain")

    value = MetadataValue("dc.title", "AT&amp;T &amp;amp; &lt;i&gt; &quot;x&quot; &apos;y&apos;", "en")
    assert escaping.plain([value]) == (MetadataValue("dc.title", "AT&T &amp; <i> \"x\" 'y'", "en"),)


@pytest.mark.parametrize("counterexample", ["it's", 'say "x"', "a < b", "a > b", "AT&T", "x &nbsp; y", "a & b"])
def test_one_value_that_escaping_would_have_changed_disproves_it(counterexample):
    escaping = escaping_of(*PROOF, counterexample)

    assert not escaping.is_double
    escaping.note([MetadataValue("dc.title", text) for text in PROOF])
    assert escaping.plain([MetadataValue("dc.title", "AT&amp;T")]) == (MetadataValue("dc.title", "AT&amp;T"),)


def test_a_few_values_with_entities_prove_nothing():
    escaping = escaping_of(*PROOF[:-1], "plain")

    assert escaping.plain([MetadataValue("dc.title", "AT&amp;T")]) == (MetadataValue("dc.title", "AT&amp;T"),)
