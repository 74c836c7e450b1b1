"""An item in the formats of other programs, and what viewers get of it."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import select, update

from connector.catalogue.source_links import value_href
from connector.extensions import db
from connector.models.catalogue import CatalogueItem
from connector.web.catalogue.item_formats import FORMATS
from tests import signed_in
from tests.pages import links

PHOTOGRAPH = "Herring boats leaving at dawn"


@pytest.fixture
def item(stocked_app):
    """The id of an item with files."""
    with stocked_app.app_context():
        return db.session.scalars(select(CatalogueItem.id).where(CatalogueItem.title == PHOTOGRAPH)).one()


def test_the_page_of_an_item_links_to_each_format(stocked_client, item):
    page = stocked_client.get(f"/items/{item}/")

    for name, form in FORMATS.items():
        address = f"/items/{item}.{name}"
        answer = stocked_client.get(address)
        assert address in links(page)
        assert answer.mimetype == form.media_type
        assert PHOTOGRAPH in answer.text


def test_link_headers_name_the_permanent_address_the_formats_and_the_files(stocked_client, item):
    headers = stocked_client.get(f"/items/{item}/").headers.getlist("Link")
    relations = [header.split('rel="')[1].split('"')[0] for header in headers]

    assert relations.count("cite-as") == 1
    assert relations.count("describedby") == len(FORMATS)
    assert '<http://creativecommons.org/publicdomain/mark/1.0/>; rel="license"' in headers
    assert "item" in relations


def test_link_headers_name_authors_that_are_addresses(stocked_app, stocked_client, item):
    names = ["https://orcid.org/0000-0002-1825-0097", "Strand, Amalie", 'https://x.org/"<>\n', "javascript:alert(1)"]
    values = {"dcterms:creator": [{"value": name, "language": None} for name in names]}
    with stocked_app.app_context():
        db.session.execute(update(CatalogueItem).where(CatalogueItem.id == item).values(mapped_values=values))
        db.session.commit()

    headers = stocked_client.get(f"/items/{item}/").headers.getlist("Link")

    assert [link for link in headers if "author" in link] == [f'<{names[0]}>; rel="author"']


def test_odd_addresses_and_half_a_surrogate_pair_leave_every_format_readable(stocked_app, stocked_client, item):
    link = 'https://repo.example.org/handle/1/ü"<x>;\u4e2d'
    values = {"dcterms:title": [{"value": "half \ud800", "language": None}]}
    with stocked_app.app_context():
        db.session.execute(
            update(CatalogueItem).where(CatalogueItem.id == item).values(handle_link=link, mapped_values=values)
        )
        db.session.commit()

    page = stocked_client.get(f"/items/{item}/")
    [cited] = [header for header in page.headers.getlist("Link") if "cite-as" in header]
    assert cited.count("<") == cited.count(">") == 1
    assert cited.isascii()
    for name in FORMATS:
        assert "half \ufffd" in stocked_client.get(f"/items/{item}.{name}").text


def test_json_ld_has_each_value_with_its_language_and_no_field_is_left_out(stocked_app, stocked_client, item):
    with stocked_app.app_context():
        values = db.session.get(CatalogueItem, item).mapped_values
    document = json.loads(stocked_client.get(f"/items/{item}.jsonld").text)

    texts = {entry.get("@value") or entry["@id"] for name in document for entry in document[name] if ":" in name}
    assert texts >= {value.get("value") or value["uri"] for entries in values.values() for value in entries}
    assert all(name.split(":")[0] in document["@context"] for name in document if not name.startswith("@"))


def linked_data(page):
    """Return the JSON-LD in a page, as a browser reads it: up to the next end of a script element."""
    [text] = re.findall(r'<script type="application/ld\+json">(.*?)</script', page.text, re.DOTALL)
    return json.loads(text)


@pytest.mark.parametrize("title", [PHOTOGRAPH, "</script><script>alert(1)</script>", "<!--<script>", "&amp; \\u003c"])
def test_the_page_of_an_item_contains_its_json_ld(stocked_app, stocked_client, item, title):
    with stocked_app.app_context():
        values = {"dcterms:title": [{"value": title, "language": None}]}
        db.session.execute(update(CatalogueItem).where(CatalogueItem.id == item).values(mapped_values=values))
        db.session.commit()

    found = linked_data(stocked_client.get(f"/items/{item}/"))

    assert found["dcterms:title"] == [{"@value": title}]
    assert found == json.loads(stocked_client.get(f"/items/{item}.jsonld").text)


def test_restricted_values_and_items_stay_closed_to_viewers(stocked_app, stocked_client, item):
    with stocked_app.app_context():
        shown = db.session.get(CatalogueItem, item)
        values = {term: [value | {"restricted": True} for value in all] for term, all in shown.mapped_values.items()}
        db.session.execute(update(CatalogueItem).where(CatalogueItem.id == item).values(mapped_values=values))
        db.session.commit()

    viewer = signed_in.viewer(stocked_app)
    for name in FORMATS:
        assert PHOTOGRAPH in stocked_client.get(f"/items/{item}.{name}").text
        assert PHOTOGRAPH not in viewer.get(f"/items/{item}.{name}").text
    assert PHOTOGRAPH not in str(linked_data(viewer.get(f"/items/{item}/")))


@pytest.mark.parametrize(
    ("term", "text", "expected"),
    [
        ("bibo:doi", "10.5555/ab", "https://doi.org/10.5555/ab"),
        ("dc.identifier.doi", " 10.5555/ab ", "https://doi.org/10.5555/ab"),
        ("dcterms:title", "10.5555/ab", None),
        ("person.identifier.orcid", "0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097"),
        ("dcterms:identifier", "0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097"),
        ("dcterms:identifier", "0000-0002-1694-233X", "https://orcid.org/0000-0002-1694-233X"),
        ("dcterms:identifier", "0000-0002-1825-0098", None),
        ("dcterms:identifier", "10.5555/ab", "https://doi.org/10.5555/ab"),
        ("dcterms:identifier", "10986/36.2", None),
        ("bibo:handle", "10986/36.2", "https://hdl.handle.net/10986/36.2"),
        ("bibo:handle", "hdl:10986/36", "https://hdl.handle.net/10986/36"),
        ("bibo:doi", "javascript:alert(1)", None),
        ("bibo:uri", "https://example.org/a", "https://example.org/a"),
    ],
)
def test_identifiers_link_to_their_resolvers(term, text, expected):
    assert value_href(term, text) == expected
