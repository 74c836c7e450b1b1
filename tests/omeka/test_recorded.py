"""The client reads the recorded answers of Omeka S 4.2.0, and turns its refusals into clear errors."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import responses

from connector.errors import NotFoundError, NotOmekaError, OutcomeUnknownError, RequestRejectedError, RestrictedError
from connector.http import Upload
from connector.omeka.resources import IDENTIFIER, TITLE, URI, Item, ItemSet, NewMedia, literal, uri

from .recordings import API, exchange

KEY = {"key_identity": "KEYIDENTITY", "key_credential": "KEYCREDENTIAL"}
RIGHTS = "http://purl.org/dc/terms/rights"
A_TITLE = Item((literal(TITLE, "Minimal", "en"),))
PROPERTIES = [*json.loads(exchange(192).text), *json.loads(exchange(193).text)]
CLASSES = json.loads(exchange(194).text)


@pytest.fixture
def web():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        web.get(f"{API}/vocabularies", body=exchange(196).text)
        for name, rows in (("properties", PROPERTIES), ("resource_classes", CLASSES)):
            web.get(f"{API}/{name}", json=rows[:100])
            web.get(f"{API}/{name}", json=rows[100:])
        web.get(f"{API}/resource_templates", body=exchange(195).text)
        yield web


@pytest.fixture
def client(client_at, web):
    return client_at(API, KEY)


def answers(web, number):
    """Answer the request of a recorded exchange as it was answered."""
    recorded = exchange(number)
    kept = {name: text for name, text in recorded.headers.items() if name.startswith("Omeka")}
    kind = recorded.headers.get("Content-Type") or recorded.headers["Content-type"]
    web.add(
        recorded.method,
        f"http://127.0.0.1:8090{recorded.path}",
        body=recorded.text,
        status=recorded.status,
        headers=kept,
        content_type=kind,
    )
    return recorded


def test_the_check_says_what_a_site_offers_to_a_key_that_may_write(client, web):
    for number in (1, 13, 29):
        answers(web, number)

    site = client.check()

    assert (site.version, site.knows_key, site.may_write, site.has_module) == ("4.2.0", True, True, True)
    assert [vocabulary.prefix for vocabulary in site.vocabularies] == ["dcterms", "dctype", "bibo", "foaf"]
    assert site.missing([TITLE, URI, "http://example.org/x"]) == ["http://example.org/x"]
    assert "http://purl.org/ontology/bibo/Thesis" in site.classes
    assert [(template.label, template.required) for template in site.templates] == [("Base Resource", frozenset())]


@pytest.mark.parametrize(
    ("users", "media", "knows_key", "may_write"), [(11, 28, False, False), (13, 14, True, False), (13, 29, True, True)]
)
def test_a_wrong_key_and_a_key_that_may_not_write_are_told_apart(client, web, users, media, knows_key, may_write):
    for number in (1, users, media):
        answers(web, number)

    site = client.check()

    assert (site.knows_key, site.may_write) == (knows_key, may_write)


def test_a_site_without_an_api_of_omeka_is_named(client, web):
    web.get(f"{API}/api_resources", body="<html>Welcome</html>")

    with pytest.raises(NotOmekaError, match=r"no Omeka S site at http://127\.0\.0\.1:8090\."):
        client.check()


def test_each_kind_of_value_is_read_and_dropped_values_are_named(client, web):
    answers(web, 84)
    sent = Item((literal(TITLE, "T en", "en"), uri(URI, "javascript:alert(1)"), literal(RIGHTS, "open")))

    written = client.create_item(sent)

    assert written.item.title == "T en"
    assert {value for value in written.item.values if value.property in (URI, RIGHTS)} == {
        replace(uri(URI, "https://hdl.handle.net/1/2", "Handle"), language="en"),
        uri(URI, "not a uri"),
        literal(RIGHTS, "secret", is_public=False),
    }
    assert written.dropped == (uri(URI, "javascript:alert(1)"), literal(RIGHTS, "open"))


def test_an_annotation_is_written_back_as_it_was_read(client, web):
    answers(web, 89)
    annotated = client.create_item(A_TITLE).item
    path = f"{API}/items/{annotated.id}"
    web.get(path, body=exchange(89).text)
    web.patch(path, body=exchange(89).text)

    client.update_item(annotated.id, lambda item: replace(item, values=(*item.values, literal(RIGHTS, "r"))))

    (title,) = json.loads(web.calls[-1].request.body)["property:1"]
    assert title["@annotation"] == exchange(89).body["dcterms:title"][0]["@annotation"]


@pytest.mark.parametrize(
    ("number", "error", "status"),
    [
        (8, RestrictedError, 403),
        (60, NotFoundError, 404),
        (201, RequestRejectedError, 422),
        (51, RequestRejectedError, 400),
        (70, OutcomeUnknownError, 500),
        (85, OutcomeUnknownError, 500),
    ],
    ids=["no right", "missing item set", "required property", "no JSON", "database", "HTML page"],
)
def test_a_refused_item_is_an_error_with_its_status(client, web, number, error, status):
    recorded = exchange(number)
    web.post(f"{API}/items", body=recorded.text, status=recorded.status)

    with pytest.raises(error) as caught:
        client.create_item(A_TITLE)

    assert getattr(caught.value, "status", None) == status


@pytest.mark.parametrize(
    ("number", "error", "key"),
    [
        (145, RequestRejectedError, "file"),
        (153, RequestRejectedError, "file"),
        (162, RequestRejectedError, "upload"),
        (163, OutcomeUnknownError, None),
    ],
    ids=["file type", "empty file", "too large", "PHP received nothing"],
)
def test_a_refused_file_is_an_error_that_names_what_was_refused(client, web, tmp_path, number, error, key):
    answers(web, number)

    with pytest.raises(error) as caught:
        client.upload(NewMedia(12655, "a.pdf", "A", 1), upload_of(tmp_path))

    assert key is None or list(caught.value.answer["errors"]) == [key]


def upload_of(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.4")
    return Upload("file", "a.pdf", lambda: path.open("rb"), 8)


def test_an_uploaded_file_has_its_size_and_checksum(client, web, tmp_path):
    answers(web, 133)

    media = client.upload(NewMedia(12655, "a.pdf", "A", 1), upload_of(tmp_path))

    assert (media.id, media.item_id, media.size, media.media_type) == (12656, 12655, 99983, "application/pdf")
    assert media.sha256 == "9362c0bda91e22a08ec7e4bc54e923f69321d17df17a5d2d24dd98b13c6089c7"


def test_a_deleted_item_set_counts_as_deleted_though_omeka_answers_500(client, web):
    number = int(answers(web, 275).path.rpartition("/")[2])
    answers(web, 276)

    assert client.delete_item_set(number) is True


def test_deleting_an_item_that_is_not_there_is_no_error(client, web):
    number = int(answers(web, 117).path.rpartition("/")[2])

    assert client.delete_item(number) is False


def test_a_delete_is_an_error_while_the_item_is_still_there(client, web):
    web.delete(f"{API}/items/1", status=500)
    web.get(f"{API}/items/1", body=exchange(2).text)

    with pytest.raises(OutcomeUnknownError):
        client.delete_item(1)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (215, "DSPACE:EXAMPLE.ORG/UUID-0007"),
        (217, "dspace:example.org/uuid-0007 "),
        (225, "h5"),
    ],
    ids=["case", "trailing space", "label"],
)
def test_a_hit_of_a_search_that_is_not_exactly_equal_is_not_found(client, web, number, text):
    answers(web, 1)
    answers(web, number)

    assert client.find_items([text], {IDENTIFIER, URI}) == {}


def test_an_item_is_found_by_its_exact_identifier_or_address(client, web):
    answers(web, 1)
    answers(web, 226)

    found = client.find_items(["https://hdl.handle.net/1/5", "dspace:example.org/uuid-0005"], {IDENTIFIER, URI})

    assert {text: [item.id for item in items] for text, items in found.items()} == {
        "https://hdl.handle.net/1/5": [12685],
        "dspace:example.org/uuid-0005": [12685],
    }


@pytest.mark.parametrize("text", ["", " ", "0"])
def test_a_text_that_would_match_all_items_is_never_searched(client, web, text):
    answers(web, 1)

    assert client.find_items([text], {IDENTIFIER}) == {}
    assert [call for call in web.calls if "/items" in call.request.url] == []


def test_an_item_set_is_read(client, web):
    answers(web, 101)

    created = client.create_item_set(ItemSet((literal(TITLE, "Set B"),), is_public=False, is_open=True))

    assert (created.id, created.title, created.is_public, created.is_open) == (12625, "Set B", False, True)
