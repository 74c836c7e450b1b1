"""The stand-in answers as the recorded Omeka S 4.2.0 did."""

from __future__ import annotations

import copy
import io
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.omeka_server import Omeka

from .recordings import Exchange, exchange, numbers

# What a site chooses itself.
OWN = {"@id", "@context", "o:id", "o:owner", "o:created", "o:modified", "thumbnail_display_urls", "o:thumbnail"}
OWN |= {"o:filename", "o:original_url", "o:thumbnail_urls", "o:renderer", "data", "o:items", "o:source", "o:lang"}
OWN |= {"o:alt_text", "o-cnt:chars", "o-cnt:characterEncoding", "url", "display_title", "value_resource_name"}
WITH_IDS = {"o:media", "o:item_set", "o:primary_media", "o:item", "o:resource_template", "o:resource_class"}

CREATED = [2, 55, 72, 74, 75, 78, 80, 82, 84, 89, 94, 97, 98, 100, 101, 202]
REFUSED = [8, 11, 14, 28, 29, 31, 51, 52, 56, 57, 58, 60, 61, 62, 63, 64, 65, 66, 67, 70, 71, 73, 85]
CHANGED = [95, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 113, 116]
FILES = [133, 134, 139, 140, 144, 145, 146, 147, 153, 154, 156, 162, 163]
SEARCHES = [213, 215, 216, 217, 218, 219, 224, 225, 226, 227, 228, 231, 232, 234]
STARTS = {"pdf": b"%PDF-1.4", "jpg": b"\xff\xd8\xff\xe0", "zip": b"PK\x03\x04", "html": b"<html>", "php": b"<?php"}


def essence(raw: Any, with_ids: bool = False) -> Any:
    """Return the part of an answer that a site does not choose."""
    if isinstance(raw, dict) and "property_id" in raw:
        own = OWN - {"@id"} if raw.get("type") == "uri" else OWN
        return {name: essence(value) for name, value in raw.items() if name not in own}
    if isinstance(raw, dict):
        kept = {name: essence(value, name in WITH_IDS) for name, value in raw.items() if name not in OWN}
        return kept | ({"o:id": raw["o:id"]} if with_ids and "o:id" in raw else {})
    return [essence(one, with_ids) for one in raw] if isinstance(raw, list) else raw


def send(omeka: Omeka, recorded: Exchange, path: str | None = None) -> requests.Response:
    query = [(name, value) for name, value in recorded.query if not name.startswith("key")]
    query += omeka.admin.key.items() if recorded.has_key and recorded.number not in (8, 14) else ()
    how: dict[str, Any] = {"json": recorded.sent} if recorded.sent is not None else {}
    if isinstance(recorded.sent, str):
        how = {"data": recorded.sent, "headers": {"Content-Type": "application/json"}}
    if recorded.number == 31:
        how["headers"] = {"Content-Type": "text/plain"}
    if recorded.upload:
        fields = dict(recorded.upload["fields"])
        files = {name: (file[0], contents(file[0], file[1])) for name, file in recorded.upload["files"].items()}
        how = {"data": fields, "files": files}
    return requests.request(recorded.method, omeka.url + (path or recorded.path), params=query, timeout=30, **how)


def contents(name: str, size: int) -> io.BytesIO:
    start = STARTS.get(name.rpartition(".")[2], b"{" if name.endswith("json") else b"<?xml" if "xml" in name else b"")
    return io.BytesIO((start + b"a" * size)[:size])


def restore(omeka: Omeka, recorded: Exchange) -> None:
    """Put what the recorded request is about into the stand-in, as the exchange before left it."""
    known: dict[int, Any] = {}
    for number in numbers():
        if number >= recorded.number:
            break
        body = exchange(number).body
        if isinstance(body, dict) and isinstance(body.get("o:id"), int) and "o:owner" in body:
            known[body["o:id"]] = body
    for raw in known.values():
        omeka.put({**raw, "o:owner": {"o:id": 1}})
    omeka.templates.append({"o:id": 2, "o:label": "Req", "o:resource_template_property": []})


def assert_same(answer: requests.Response, recorded: Exchange) -> None:
    assert answer.status_code == recorded.status
    assert answer.headers["Content-Type"].partition(";")[0] in str(recorded.headers).lower()
    if "json" in answer.headers["Content-Type"]:
        body = answer.json()
        if recorded.status == 200:
            assert essence(body) == essence(recorded.body)
        else:
            assert body["errors"].keys() == recorded.body["errors"].keys()


@pytest.mark.parametrize("number", CREATED)
def test_the_stand_in_creates_resources_as_recorded(omeka, number):
    restore(omeka, exchange(number))

    assert_same(send(omeka, exchange(number)), exchange(number))


def test_the_stand_in_adds_a_new_item_of_an_editor_to_sites_as_recorded(omeka):
    omeka.add_site("Library", assigns_new_items=True)
    omeka.add_site("Other")
    omeka.admin = omeka.add_user("editor")

    answer = send(omeka, exchange(278))

    assert_same(answer, exchange(278))
    assert [one["o:id"] for one in answer.json()["o:site"]] == [1]


@pytest.mark.parametrize(("number", "role"), [(279, "editor"), (280, "author")])
def test_the_stand_in_lets_editors_create_sites_as_recorded(omeka, number, role):
    omeka.admin = omeka.add_user(role)

    assert_same(send(omeka, exchange(number)), exchange(number))


@pytest.mark.parametrize("number", REFUSED)
def test_the_stand_in_refuses_as_recorded(omeka, number):
    recorded = exchange(number)
    omeka.put(exchange(2).body)

    assert_same(send(omeka, recorded), recorded)


def item_with_media(recorded: Exchange) -> dict[str, Any]:
    """Return the item of an exchange as it was before. The exchange that made it was not recorded in each case."""
    before = [exchange(number) for number in numbers() if number < recorded.number]
    same = [one.body for one in before if one.path == recorded.path and isinstance(one.body, dict)]
    return copy.deepcopy(same[-1] if same else exchange(102).body | {"o:id": int(recorded.path.rpartition("/")[2])})


@pytest.mark.parametrize("number", CHANGED)
def test_the_stand_in_changes_items_as_recorded(omeka, number):
    recorded = exchange(number)
    restore(omeka, recorded)
    for kind in (12624, 12625):
        omeka.put({**exchange(100).body, "o:id": kind})
    before = state_before(recorded)
    omeka.put(before)
    for medium in before["o:media"]:
        raw = {"@type": "o:Media", "o:ingester": "html", "o:item": {"o:id": before["o:id"]}, "o:is_public": True}
        omeka.put({**raw, **medium, "o:owner": {"o:id": 1}})

    assert_same(send(omeka, recorded), recorded)


def state_before(recorded: Exchange) -> dict[str, Any]:
    """Return the item as it stood before the request, derived from the answer where it was not recorded."""
    number = int(recorded.path.rpartition("/")[2])
    earlier = [exchange(one).body for one in numbers() if one < recorded.number]
    states = [body for body in earlier if isinstance(body, dict) and body.get("o:id") == number]
    if states:
        return copy.deepcopy(states[-1])
    after = copy.deepcopy(recorded.body)
    after["o:id"] = number
    if recorded.number == 110:
        after["o:media"] = [{"o:id": 12633}, *after["o:media"]]
    if recorded.method == "DELETE":
        after["o:media"] = []
        recorded.body["o:media"], recorded.body["o:primary_media"] = [], None
    return after


@pytest.mark.parametrize("number", FILES)
def test_the_stand_in_stores_uploads_as_recorded(omeka, number):
    recorded = exchange(number)
    omeka.put({**exchange(2).body, "o:id": 12655})

    answer = send(omeka, recorded)

    assert answer.status_code == recorded.status
    if recorded.status == 422:
        assert answer.json()["errors"].keys() == recorded.body["errors"].keys()
    if recorded.status == 200:
        same = ("o:size", "o:ingester", "o:title", "o:media_type", "o:source", "o:is_public")
        assert {name: answer.json()[name] for name in same} == {name: recorded.body[name] for name in same}


@pytest.mark.parametrize("number", SEARCHES)
def test_the_stand_in_finds_items_as_recorded(omeka, number):
    for raw in [*exchange(234).body, *exchange(213).body, *exchange(226).body, *exchange(231).body]:
        omeka.put(raw)
    recorded = exchange(number)

    answer = send(omeka, recorded)

    finds_all = int(recorded.headers["Omeka-S-Total-Results"]) > 3
    wanted = sorted(omeka.resources) if finds_all else [raw["o:id"] for raw in recorded.body]
    assert answer.status_code == 200
    assert [raw["o:id"] for raw in answer.json()] == wanted


def test_a_private_item_is_absent_for_anonymous(omeka):
    private = copy.deepcopy(exchange(2).body) | {"o:is_public": False}
    private["dcterms:identifier"] = [{"property_id": 10, "type": "literal", "@value": "priv-1", "is_public": True}]
    omeka.put(private)

    assert send(omeka, exchange(241)._replace(query=exchange(241).query[:3])).json() == exchange(241).body


def test_a_deleted_item_set_answers_500_and_is_gone(omeka):
    recorded = exchange(275)
    omeka.put({**exchange(100).body, "o:id": int(recorded.path.rpartition("/")[2])})

    assert_same(send(omeka, recorded), recorded)
    assert_same(send(omeka, exchange(276)), exchange(276))


def test_a_link_header_repeats_the_key_as_recorded(omeka):
    links = [send(omeka, exchange(213)).headers["Link"], exchange(213).headers["Link"]]

    assert all("key_credential" in dict(parse_qsl(urlsplit(link).query)) for link in links)


def test_a_vocabulary_is_created_by_an_admin_only(omeka):
    created = send(omeka, exchange(197))

    assert (created.status_code, essence(created.json())) == (200, essence(exchange(197).body))
    assert send(omeka, exchange(271)).status_code == exchange(271).status
    params = omeka.add_user("editor").key
    refused = requests.post(f"{omeka.url}/api/vocabularies", params=params, json=exchange(198).sent, timeout=30)
    assert (refused.status_code, *json.loads(refused.text)) == (403, "errors")


def test_a_vocabulary_gets_properties_by_a_change_that_deletes_those_which_it_does_not_name(omeka):
    created = send(omeka, exchange(267)).json()
    path = f"/api/vocabularies/{created['o:id']}"

    def listed() -> list[dict[str, Any]]:
        return requests.get(f"{omeka.url}/api/properties?vocabulary_id={created['o:id']}", timeout=30).json()

    before = listed()
    changed, after = send(omeka, exchange(269), path), listed()

    assert essence(created) == essence(exchange(267).body)
    assert essence(before) == essence(exchange(268).body)
    assert (essence(changed.json()), [one["o:local_name"] for one in after]) == (essence(exchange(269).body), ["c"])
    assert_same(send(omeka, exchange(270)), exchange(270))
