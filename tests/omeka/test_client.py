"""The client at a site: it writes only changes, keeps the values of others, and finds resources by identifier."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from werkzeug.wrappers import Response

from connector.errors import InvalidAddressError, InvalidInputError, NotFoundError, OutcomeUnknownError, TransientError
from connector.http import Upload
from connector.omeka.omeka_client import api_url_of
from connector.omeka.resources import DCTERMS, IDENTIFIER, TITLE, URI, Item, ItemSet, NewMedia, literal, uri

SUBJECT = f"{DCTERMS}subject"
THESIS = "http://purl.org/ontology/bibo/Thesis"


def item(name: str, **members) -> Item:
    return Item((literal(TITLE, name), literal(IDENTIFIER, f"dspace:{name}")), **members)


@pytest.mark.parametrize(
    ("address", "api"),
    [
        ("https://omeka.example.org", "https://omeka.example.org/api"),
        ("omeka.example.org/", "https://omeka.example.org/api"),
        ("https://example.org/omeka/api/", "https://example.org/omeka/api"),
        ("https://example.org/omeka/s/main/page/welcome", "https://example.org/omeka/api"),
        ("http://example.org:8080/admin/item", "http://example.org:8080/api"),
        ("https://example.org/capital", "https://example.org/capital/api"),
    ],
)
def test_the_api_is_derived_from_any_address_of_a_site(address, api):
    assert api_url_of(address) == api


@pytest.mark.parametrize("address", ["", "ftp://example.org", "https://me:secret@example.org", "https://[::1"])
def test_text_that_is_no_website_address_is_refused(address):
    with pytest.raises(InvalidAddressError):
        api_url_of(address)


def test_a_created_item_has_its_values_class_set_and_visibility(client, omeka):
    set_id = client.create_item_set(ItemSet((literal(TITLE, "Theses"),))).id
    sent = item("a", resource_class=THESIS, item_sets=frozenset({set_id}), is_public=False, template=1)

    created = client.create_item(sent).item

    assert replace(created, id=0, title=None, created=None, modified=None, sites=None) == sent
    assert client.item(created.id) == created
    assert omeka.resources[created.id]["@type"] == ["o:Item", "bibo:Thesis"]


def test_an_update_writes_all_values_and_leaves_the_rest_alone(client, omeka):
    created = client.create_item(item("a", resource_class=THESIS, is_public=False)).item

    client.update_item(created.id, lambda old: replace(old, values=(*old.values, literal(SUBJECT, "Ships"))))

    changed = client.item(created.id)
    assert changed.values == (*created.values, literal(SUBJECT, "Ships"))
    assert (changed.resource_class, changed.is_public) == (THESIS, False)


def test_an_update_without_a_change_sends_no_write(client, omeka):
    created = client.create_item(item("a")).item
    omeka.requests.clear()

    written = client.update_item(created.id, lambda old: old)

    assert (written.item, omeka.writes()) == (created, [])


def test_all_values_can_be_removed(client):
    created = client.create_item(item("a")).item

    client.update_item(created.id, lambda old: replace(old, values=()))

    assert client.item(created.id).values == ()


def test_an_update_keeps_the_visibility_of_each_value_when_one_before_it_is_removed(client):
    values = (literal(SUBJECT, "a"), literal(SUBJECT, "b", is_public=False), literal(SUBJECT, "c"))
    created = client.create_item(Item(values)).item

    client.update_item(created.id, lambda old: replace(old, values=old.values[1:]))

    assert client.item(created.id).values == values[1:]


def test_values_of_a_type_that_the_site_does_not_know_are_reported_as_dropped(client):
    odd = replace(literal(SUBJECT, "2020"), type="numeric:timestamp")

    assert client.create_item(Item((literal(TITLE, "a"), odd))).dropped == (odd,)


def test_a_term_that_the_site_does_not_have_is_named_before_anything_is_sent(client, omeka):
    with pytest.raises(InvalidInputError, match=r"no term http://example\.org/x"):
        client.create_item(Item((literal("http://example.org/x", "a"),)))

    assert omeka.writes() == []


def test_items_are_found_in_one_request_for_many_identifiers(client, omeka):
    ids = {name: client.create_item(item(name)).item.id for name in ("a", "b", "B", "é")}
    client.check()
    omeka.requests.clear()

    found = client.find_items([f"dspace:{name}" for name in (*ids, "e", "c")], {IDENTIFIER})

    assert {text: [one.id for one in items] for text, items in found.items()} == {
        f"dspace:{name}": [number] for name, number in ids.items()
    }
    assert omeka.requests == [("GET", "/api/items")]


def test_all_items_with_the_same_identifier_are_found(client):
    ids = [client.create_item(item("a")).item.id for _ in range(2)]

    assert [one.id for one in client.find_items(["dspace:a"], {IDENTIFIER})["dspace:a"]] == ids


def test_a_value_of_another_property_is_not_found(client):
    client.create_item(Item((literal(TITLE, "dspace:a"),)))

    assert client.find_items(["dspace:a"], {IDENTIFIER}) == {}


def test_a_search_that_is_too_long_for_the_web_server_is_halved(client, omeka):
    client.create_item(item("7"))
    omeka.faults.instead = lambda request: (
        Response(status=414) if len(request.query_string) > 1_500 and request.path == "/api/items" else None
    )

    assert list(client.find_items([f"dspace:{n}" for n in range(20)], {IDENTIFIER})) == ["dspace:7"]


def test_the_address_of_a_search_fits_into_the_first_line_that_apache_accepts(client, omeka):
    lengths = []
    omeka.faults.instead = lambda request: lengths.append(len(request.query_string))

    client.find_items(many_identifiers(60), {IDENTIFIER})

    assert 5_000 < max(lengths) < 7_800


def many_identifiers(number: int) -> list[str]:
    return [f"dspace:repository.example.org/server/api/{n:036}" for n in range(number)]


def test_all_items_are_listed_where_that_takes_fewer_requests_than_searches(client, omeka):
    texts = many_identifiers(1_000)
    ids = [client.create_item(Item((literal(IDENTIFIER, texts[n]),))).item.id for n in (0, 500, 999)]
    client.create_item(Item((literal(TITLE, texts[1]),)))
    client.check()
    omeka.requests.clear()

    found = client.find_items(texts, {IDENTIFIER})

    assert {text: [one.id for one in items] for text, items in found.items()} == {
        texts[n]: [number] for n, number in zip((0, 500, 999), ids, strict=True)
    }
    assert omeka.requests == [("GET", "/api/items")] * 2


def test_an_item_is_found_although_others_are_deleted_while_the_site_is_listed(client, omeka):
    texts = many_identifiers(300)
    ids = [client.create_item(item(str(n))).item.id for n in range(150)]
    first = client.create_item(Item((literal(IDENTIFIER, texts[7]),))).item.id
    ids += [client.create_item(item(str(n))).item.id for n in range(100)]
    pages = []

    def delete_some(request):
        if request.args.get("per_page") == "100":
            pages.append(request.args["page"])
            for number in ids[:100]:
                omeka.resources.pop(number, None)

    omeka.faults.after = delete_some

    assert [one.id for one in client.find_items(texts, {IDENTIFIER})[texts[7]]] == [first]
    assert pages == ["3", "2", "1"]


def count_of_items(request, number: int) -> Response | None:
    """Return the answer of a site with this number of items, if the request counts them."""
    total = {"Omeka-S-Total-Results": str(number)}
    is_count = request.args.get("per_page") == "1"
    return Response("[]", headers=total, content_type="application/json") if is_count else None


def test_a_large_site_is_searched_and_not_listed(client, omeka):
    texts = many_identifiers(150)
    number = client.create_item(Item((literal(IDENTIFIER, texts[7]),))).item.id
    searched = []

    def count(request):
        searched.append("property[0][text]" in request.args)
        return count_of_items(request, 20_000)

    client.check()
    omeka.faults.instead = count

    assert [one.id for one in client.find_items(texts, {IDENTIFIER})[texts[7]]] == [number]
    assert searched == [False, *[True] * 5]


@pytest.mark.parametrize("version", ["3.2.3", "4.0.4"])
def test_old_versions_are_searched_for_one_text_at_a_time(client, omeka, version):
    omeka.version = version
    omeka.faults.instead = lambda request: count_of_items(request, 20_000)
    number = client.create_item(item("b")).item.id

    found = client.find_items(["dspace:a", "dspace:b", "dspace:c", "dspace:d"], {IDENTIFIER})

    assert {text: [one.id for one in items] for text, items in found.items()} == {"dspace:b": [number]}


def test_known_items_are_read_by_id_100_at_once(client, omeka):
    ids = [client.create_item(item(str(n))).item.id for n in range(3)]
    omeka.requests.clear()

    assert list(client.items([*ids, 4711])) == ids
    assert list(client.items([])) == []
    assert omeka.requests == [("GET", "/api/items")]


def test_a_long_listing_is_read_to_its_end(client, omeka):
    for n in range(101):
        client.create_item_set(ItemSet((literal(TITLE, str(n)),)))

    assert len(client.item_sets()) == 101


def test_a_file_is_uploaded_and_listed_with_its_checksum(client, omeka):
    item_id = client.create_item(item("a")).item.id
    content = b"%PDF-1.4 content"
    upload = Upload("", "x", lambda: io.BytesIO(content), len(content), "application/pdf")

    media = client.upload(NewMedia(item_id, "thèse.pdf", "Thesis", 2, is_public=False, alt_text="Cover"), upload)

    assert omeka.files[media.id] == content
    assert (media.source, media.size, media.alt_text, media.is_public) == ("thèse.pdf", 16, "Cover", False)
    assert media.values == (literal(TITLE, "Thesis"),)
    assert client.media_of(item_id) == [media]
    assert client.item(item_id).media == (media.id,)


def test_a_post_whose_answer_is_lost_has_an_unknown_outcome_and_is_found_by_its_identifier(client, omeka):
    client.check()
    omeka.faults.lost = 1

    with pytest.raises(OutcomeUnknownError):
        client.create_item(item("a"))

    assert len(client.find_items(["dspace:a"], {IDENTIFIER})["dspace:a"]) == 1


def test_deleting_removes_the_item_and_its_media(client, omeka):
    item_id = client.create_item(item("a")).item.id
    client.upload(NewMedia(item_id, "a.txt", "A", 1), Upload("", "", lambda: io.BytesIO(b"text"), 4))

    assert client.delete_item(item_id) is True
    assert omeka.resources == {}
    with pytest.raises(NotFoundError):
        client.item(item_id)


def test_the_key_of_a_wrong_user_reads_only_what_is_public(client, client_at, omeka):
    public, private = (client.create_item(item(name, is_public=name == "a")).item.id for name in ("a", "b"))
    anonymous = client_at(f"{omeka.url}/api", {"key_identity": "wrong", "key_credential": "wrong"})

    assert list(anonymous.items([public, private])) == [public]
    assert (anonymous.check().knows_key, anonymous.check().may_write) == (False, False)


@pytest.mark.parametrize(
    ("role", "may_write"),
    [("global_admin", True), ("editor", True), ("reviewer", True), ("author", True), ("researcher", False)],
)
def test_the_check_says_whether_the_user_of_the_key_may_write_and_changes_nothing(client_at, omeka, role, may_write):
    site = client_at(f"{omeka.url}/api", omeka.add_user(role).key).check()

    assert (site.knows_key, site.may_write, omeka.resources) == (True, may_write, {})


def test_a_check_of_the_key_without_an_answer_may_be_repeated(client, omeka):
    omeka.faults.lost = 1

    with pytest.raises(TransientError, match="did not answer the check of the key"):
        client.check()

    assert client.check().may_write is True


def test_a_uri_keeps_its_label(client):
    created = client.create_item(Item((uri(URI, "https://hdl.handle.net/1/2", "Original"),))).item

    assert client.item(created.id).values == (uri(URI, "https://hdl.handle.net/1/2", "Original"),)
